//! Lets cargo work before the web part was built: the binary then says so on its page.

fn main() {
    let dist = std::path::Path::new("web/dist");
    if !dist.exists() {
        let _ = std::fs::create_dir_all(dist);
    }
    println!("cargo::rerun-if-changed=web/dist");
}
