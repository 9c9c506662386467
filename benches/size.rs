//! What is shipped, in bytes: the program, what a browser fetches before the page can be used, and what the web chat asks of
//! the visitors of somebody else's site.

use std::path::{Path, PathBuf};

use crate::report::Report;

const MB: f64 = 1_000_000.0;

pub fn measure(report: &mut Report) {
    report.below("binary", size(Path::new(env!("CARGO_BIN_EXE_balie"))) / MB, "MB", 40.0);
    let dist = Path::new(env!("CARGO_MANIFEST_DIR")).join("web/dist");
    let Ok(page) = std::fs::read_to_string(dist.join("index.html")) else {
        println!("(the page is not built: `make web`)");
        return;
    };
    let mut files = named_in(&page);
    // Of the languages one is fetched: the larger counts.
    files.extend(largest_language(&dist));
    let bytes: f64 = files.iter().map(|file| size(&packed(&dist, file))).sum();
    report.below("page_js_gzip", bytes / 1000.0, "kB", 150.0);
    let widget = dist.join("widget");
    let bytes: f64 = widget_files(&widget).iter().map(|file| size(&packed(&widget, file))).sum();
    report.below("widget_gzip", bytes / 1000.0, "kB", 30.0);
}

/// The loader, and all that the frame asks for when the chat is opened.
fn widget_files(widget: &Path) -> Vec<String> {
    let names = std::fs::read_dir(widget.join("assets"))
        .into_iter()
        .flatten()
        .filter_map(|e| e.ok()?.file_name().into_string().ok());
    let frame = names.filter(|name| is_kind(name, "js") || is_kind(name, "css")).map(|name| format!("assets/{name}"));
    frame.chain(["widget.js".to_owned()]).collect()
}

/// The scripts and styles that the page itself asks for.
fn named_in(page: &str) -> Vec<String> {
    page.split('"')
        .filter(|part| part.starts_with("/assets/"))
        .filter(|part| is_kind(part, "js") || is_kind(part, "css"))
        .map(|part| part.trim_start_matches('/').to_owned())
        .collect()
}

fn largest_language(dist: &Path) -> Option<String> {
    let names =
        std::fs::read_dir(dist.join("assets")).ok()?.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    names
        .filter(|name| (name.starts_with("nl-") || name.starts_with("en-")) && is_kind(name, "js"))
        .map(|name| format!("assets/{name}"))
        .max_by_key(|file| size(&packed(dist, file)) as u64)
}

fn packed(dist: &Path, file: &str) -> PathBuf {
    let packed = dist.join(format!("{file}.gz"));
    if packed.exists() { packed } else { dist.join(file) }
}

fn size(path: &Path) -> f64 {
    std::fs::metadata(path).map_or(0.0, |meta| meta.len() as f64)
}

fn is_kind(file: &str, kind: &str) -> bool {
    Path::new(file).extension().is_some_and(|ending| ending == kind)
}
