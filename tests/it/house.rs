//! The arrows of the house, read from the `use` lines and paths of the code itself. See `docs/ARCHITECTURE.md`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Which room may look into which. A file in the root of `src` is a room of its own.
fn may_see(room: &str) -> &'static [&'static str] {
    match room {
        "main" => &["cli"],
        "cli" => &["app", "config", "desk", "store", "channels", "http", "model", "secret", "telemetry"],
        "app" => &[
            "cli",
            "config",
            "playground",
            "http",
            "work",
            "live",
            "desk",
            "store",
            "channels",
            "model",
            "clock",
            "lifecycle",
            "secret",
        ],
        "config" => &["secret", "telemetry", "cli"],
        "playground" => &["channels", "model", "clock"],
        "http" => &["live", "desk", "store", "channels", "model", "lifecycle", "secret"],
        "work" => &["desk", "store", "channels", "model", "clock", "lifecycle"],
        "live" => &["desk", "store", "model", "lifecycle"],
        "desk" => &["store", "channels", "model", "clock", "secret"],
        "store" => &["model", "clock", "read", "run", "on", "rows_in"],
        "channels" => &["model", "clock", "secret"],
        "secret" => &["lifecycle"],
        "telemetry" => &["clock"],
        "clock" => &["model"],
        "model" | "lifecycle" | "lib" => &[],
        _ => panic!(
            "src/{room} is a room that tests/it/house.rs does not know: give it its arrows here and in docs/ARCHITECTURE.md"
        ),
    }
}

fn sources() -> Vec<(PathBuf, String)> {
    fn walk(folder: &Path, found: &mut Vec<(PathBuf, String)>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|e| e == "rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                found.push((path, text));
            }
        }
    }
    let mut found = Vec::new();
    walk(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut found);
    found.sort();
    found
}

fn inside(path: &Path) -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    path.strip_prefix(root)
        .unwrap()
        .with_extension("")
        .components()
        .map(|c| c.as_os_str().to_string_lossy().into_owned())
        .collect()
}

/// The code without comments, and without the tests at its end: those may look where they like.
fn code(text: &str) -> String {
    let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
    text.lines().map(|line| line.split("//").next().unwrap()).collect::<Vec<_>>().join("\n")
}

fn is_test(path: &Path) -> bool {
    let inside = inside(path);
    inside.iter().any(|part| part == "tests") || inside.contains(&"contract".to_owned())
}

/// The first parts of every `crate::…` path, groups taken apart.
fn crate_paths(code: &str) -> BTreeSet<Vec<String>> {
    let mut found = BTreeSet::new();
    for (at, _) in code.match_indices("crate::") {
        if code[..at].ends_with(['$', '_']) || code[..at].ends_with(char::is_alphanumeric) {
            continue;
        }
        let rest = &code[at + "crate::".len()..];
        if let Some(group) = rest.strip_prefix('{') {
            let mut depth = 0;
            let mut part = String::new();
            for c in group.chars() {
                match c {
                    '}' if depth == 0 => break,
                    '{' => depth += 1,
                    '}' => depth -= 1,
                    ',' if depth == 0 => {
                        found.insert(first_parts(&part));
                        part.clear();
                        continue;
                    }
                    _ => {}
                }
                part.push(c);
            }
            found.insert(first_parts(&part));
        } else {
            found.insert(first_parts(rest));
        }
    }
    found.retain(|path| path.first().is_some_and(|part| !part.is_empty()));
    found
}

fn first_parts(path: &str) -> Vec<String> {
    path.trim()
        .split("::")
        .take(3)
        .map(|part| part.trim().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>())
        .take_while(|part| !part.is_empty())
        .collect()
}

#[test]
fn every_room_looks_only_where_its_arrows_point() {
    let mut wrong = Vec::new();
    for (path, text) in sources() {
        if is_test(&path) {
            continue;
        }
        let inside = inside(&path);
        let room = inside[0].as_str();
        for target in crate_paths(&code(&text)) {
            let seen = target[0].as_str();
            if seen != room && seen != "text_enum" && !may_see(room).contains(&seen) {
                wrong.push(format!("{}: {room} must not see crate::{}", path.display(), target.join("::")));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_channel_never_sees_another() {
    const SHARED: &[&str] = &[
        "client",
        "contract",
        "descriptor",
        "dial",
        "error",
        "fake",
        "hook",
        "html",
        "item",
        "letters",
        "limits",
        "mailbox",
        "markup",
        "mod",
        "oauth",
        "outgoing",
        "registry",
        "signature",
    ];
    let folders: BTreeSet<String> = sources()
        .iter()
        .map(|(path, _)| inside(path))
        .filter(|i| i[0] == "channels" && i.len() > 2)
        .map(|i| i[1].clone())
        .filter(|name| !SHARED.contains(&name.as_str()))
        .collect();
    assert!(folders.len() >= 2, "{folders:?}");
    let mut wrong = Vec::new();
    for (path, text) in sources() {
        let inside = inside(&path);
        if inside[0] != "channels" {
            continue;
        }
        let own = inside.get(1).cloned().unwrap_or_default();
        for target in crate_paths(&code(&text)).into_iter().filter(|target| target[0] == "channels" && target.len() > 1)
        {
            let other = &target[1];
            if folders.contains(other) && *other != own && own != "registry" {
                wrong.push(format!("{}: crate::{}", path.display(), target.join("::")));
            }
        }
        if SHARED.contains(&own.as_str()) && own != "registry" {
            for folder in &folders {
                assert!(!code(&text).contains(&format!("super::{folder}")), "{} knows {folder}", path.display());
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Without the `Variant = "text"` of enumerations.
fn without_spellings(code: &str) -> String {
    let mut parts = code.split("text_enum!(");
    let before = parts.next().unwrap_or_default().to_owned();
    parts.fold(before, |kept, part| kept + part.split_once("\n);").map_or("", |(_, rest)| rest))
}

#[test]
fn no_channel_is_named_outside_its_folder() {
    let keys: Vec<&str> = balie::channels::registry::all().iter().map(|channel| channel.key).collect();
    for (path, text) in sources() {
        let inside = inside(&path);
        if inside[0] == "channels" || inside[0] == "playground" || is_test(&path) {
            continue;
        }
        // The vocabulary has words that are also a channel's key (a form, an e-mail address): a spelling declares nothing.
        let code = without_spellings(&code(&text));
        for key in &keys {
            assert!(!code.contains(&format!("\"{key}\"")), "{} names the channel {key}", path.display());
        }
    }
}

#[test]
fn only_lifecycle_spawns_and_only_the_clock_tells_time() {
    const SPAWNS: &[&str] = &["tokio::spawn", "task::spawn", "thread::spawn", "JoinSet", "spawn_local"];
    const TELLS: &[&str] = &["SystemTime::now", "Instant::now", "Timestamp::now(", "Zoned::now"];
    for (path, text) in sources() {
        let inside = inside(&path);
        let code = code(&text);
        // A fake outlives no test and no playground: its guard ends it.
        let may_spawn = inside[0] == "lifecycle" || inside == ["channels", "fake"] || is_test(&path);
        for word in SPAWNS.iter().filter(|_| !may_spawn) {
            assert!(!code.contains(word), "{} spawns ({word})", path.display());
        }
        for word in TELLS.iter().filter(|_| inside[0] != "clock" && !is_test(&path)) {
            assert!(!code.contains(word), "{} tells time ({word})", path.display());
        }
    }
}

#[test]
fn sql_is_written_in_the_store_alone() {
    for (path, text) in sources() {
        if inside(&path)[0] != "store" {
            assert!(!code(&text).contains("sqlx::query"), "{} holds SQL", path.display());
        }
    }
}

#[test]
fn the_readme_has_the_row_of_every_channel() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = std::fs::read_to_string(root.join("README.md")).unwrap();
    let rows: String = balie::channels::registry::all()
        .iter()
        .map(|channel| {
            let row = std::fs::read_to_string(root.join("src/channels").join(channel.key).join("ROW.md")).unwrap();
            assert!(row.starts_with(&format!("| **{}**", channel.name.0)) && row.lines().count() == 1, "{row}");
            row
        })
        .collect();
    assert!(readme.contains(&rows), "the table of channels is not what their folders say: run scripts/readme");
}

/// What must be the same of a text in Markdown in every language: headings by their depth, items by their kind, rows, and blocks of code
/// by their fences.
fn shape(text: &str) -> Vec<&str> {
    let (mut shape, mut code) = (Vec::new(), false);
    for line in text.lines().map(str::trim_start) {
        if line.starts_with("```") {
            code = !code;
            shape.push(line);
        } else if !code {
            shape.extend(mark(line));
        }
    }
    shape
}

fn mark(line: &str) -> Option<&str> {
    match line.split(' ').next()? {
        "-" | "*" => Some("item"),
        depth if depth.starts_with('#') => Some(depth),
        cell if cell.starts_with('|') => Some("row"),
        number if number.strip_suffix('.').is_some_and(|number| number.parse::<u32>().is_ok()) => Some("step"),
        _ => None,
    }
}

#[test]
fn every_channel_says_in_both_languages_how_it_is_connected() {
    for channel in balie::channels::registry::all() {
        let (english, dutch) = channel.setup;
        assert!(english.starts_with("# ") && dutch.starts_with("# "), "{} lacks a text", channel.key);
        assert_ne!(english, dutch, "SETUP.nl.md of {} is not Dutch", channel.key);
        assert!(!channel.name.0.is_empty() && !channel.name.1.is_empty(), "{} lacks a name", channel.key);
        assert_eq!(
            shape(english),
            shape(dutch),
            "SETUP.md and SETUP.nl.md of {} differ in what they tell",
            channel.key
        );
    }
}

#[test]
fn every_file_says_what_it_owns_and_stays_small() {
    for (path, text) in sources() {
        if path.file_name().is_some_and(|name| name == "main.rs") {
            continue;
        }
        assert!(text.starts_with("//!"), "{} does not begin with what it owns", path.display());
    }
}

fn file(path: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

#[test]
fn every_setting_of_the_example_reaches_the_container() {
    let (example, compose) = (file(".env.example"), file("docker-compose.yml"));
    let variables = example.lines().filter_map(|line| line.strip_prefix("# BALIE_")?.split_once('='));
    for (name, _) in variables {
        let line = compose.lines().find_map(|line| line.trim_start().strip_prefix(&format!("BALIE_{name}:")));
        match name {
            // Of the command line that adds people, which is no server.
            "PASSWORD" => assert!(line.is_none()),
            // Where the container's own ends are is told under `ports` and `volumes`.
            "LISTEN" | "DATA" => assert!(line.is_some_and(|value| !value.contains('$'))),
            // Without a value it is passed on when it is set, by every Compose; `${…}` has a default of its own.
            _ => {
                let value = line.unwrap_or_else(|| panic!("BALIE_{name} is not passed on")).trim();
                assert!(value.is_empty() || value.starts_with(&format!("${{BALIE_{name}:-")), "BALIE_{name}: {value}");
            }
        }
    }
    assert_eq!(
        compose.matches("<<: *settings").count(),
        2,
        "one process and a node of several; the second node is as the first"
    );
    assert!(
        !compose.lines().any(|line| line.contains("postgres://") && line.contains("PASSWORD")),
        "a password in an address"
    );
}

#[test]
fn what_the_tests_need_is_installed_at_the_cost_of_nothing_and_asked_for_aloud() {
    let needs = file("scripts/needs");
    for line in needs.lines().filter(|line| line.contains("apt-get install")) {
        let asks = ["--no-remove", "install -s ", "stop "].iter().any(|word| line.contains(word));
        assert!(asks, "scripts/needs would remove what stands in the way: {line}");
    }
    let test = file("scripts/test");
    let (asked, staged) = (test.find("\nscripts/needs test"), test.find("\nmust "));
    assert!(
        asked.is_some_and(|at| staged.is_some_and(|first| at < first)),
        "sudo cannot ask for a password in a stage"
    );
}
