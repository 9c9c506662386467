//! The program itself, as a script runs it.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

fn balie(data: &Path, arguments: &[&str], stdin: &str, variables: &[(&str, &str)]) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_balie"))
        .args(arguments)
        .env("BALIE_DATA", data)
        .envs(variables.iter().copied())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let _ = child.stdin.take().unwrap().write_all(stdin.as_bytes());
    child.wait_with_output().unwrap()
}

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[test]
fn people_are_added_listed_and_given_passwords_by_a_script() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path();
    let add = ["user", "add", "Ann@Example.org", "--name", "Ann", "--role", "supervisor", "--team", "Night"];
    let added = balie(data, &add, "een lange zin is goed\n", &[]);
    assert!(added.status.success(), "{}", text(&added));
    assert!(!text(&added).contains("een lange zin"), "a password that was given is not shown");
    let twice = balie(data, &add, "een lange zin is goed\n", &[]);
    assert!(!twice.status.success() && text(&twice).contains("already"), "{}", text(&twice));
    let made = balie(data, &["user", "add", "bob@example.org"], "", &[]);
    assert!(text(&made).contains("shown only now"), "{}", text(&made));
    let list = balie(data, &["user", "list", "--json"], "", &[]);
    let list: Value = serde_json::from_slice(&list.stdout).unwrap();
    assert_eq!((&list[0]["email"], &list[0]["role"]), (&"ann@example.org".into(), &"supervisor".into()));
    assert_eq!(list[0]["team_ids"].as_array().unwrap().len(), 1);
    assert!(
        balie(data, &["user", "password", "ann@example.org"], "", &[("BALIE_PASSWORD", "een andere lange zin")])
            .status
            .success()
    );
    let weak = balie(data, &["user", "password", "ann@example.org"], "kort\n", &[]);
    assert!(!weak.status.success() && text(&weak).contains("at least"), "{}", text(&weak));
    let nobody = balie(data, &["user", "password", "nobody@example.org"], "een lange zin\n", &[]);
    assert!(!nobody.status.success() && text(&nobody).contains("what to do"), "{}", text(&nobody));
}

#[test]
fn a_secret_in_an_argument_and_an_unknown_channel_are_refused_with_the_cure() {
    let folder = tempfile::tempdir().unwrap();
    let secret = ["account", "add", "bluesky", "--set", "identifier=a.test", "--set", "password=s3cr3t"];
    let refused = balie(folder.path(), &secret, "", &[]);
    assert!(!refused.status.success() && text(&refused).contains("--set-env password="), "{}", text(&refused));
    assert!(!text(&refused).contains("s3cr3t"));
    let unknown = balie(folder.path(), &["account", "add", "fax"], "", &[]);
    assert!(!unknown.status.success() && text(&unknown).contains("mastodon"), "{}", text(&unknown));
}

#[test]
fn the_doctor_says_what_is_wrong_and_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let empty = balie(&data, &["doctor"], "", &[]);
    assert!(empty.status.success(), "{}", text(&empty));
    assert!(!data.exists(), "looking makes nothing");
    assert!(balie(&data, &["migrate"], "", &[]).status.success());
    let well = balie(&data, &["doctor"], "", &[]);
    assert!(well.status.success() && text(&well).contains("All is well"), "{}", text(&well));
    let key = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    let wrong = balie(&data, &["doctor"], "", &[("BALIE_MASTER_KEY", key)]);
    assert_eq!(wrong.status.code(), Some(1), "{}", text(&wrong));
    assert!(text(&wrong).contains("not the master key") && text(&wrong).contains("what to do"), "{}", text(&wrong));
    assert!(!text(&wrong).contains(key));
    let bad = balie(&data, &["doctor", "--database", "mysql://x"], "", &[]);
    assert!(!bad.status.success() && text(&bad).contains("mysql"), "{}", text(&bad));
}

#[test]
fn the_description_of_the_api_is_printed_and_a_reader_may_go_away() {
    let folder = tempfile::tempdir().unwrap();
    let printed = balie(folder.path(), &["openapi"], "", &[]);
    let document: Value = serde_json::from_slice(&printed.stdout).unwrap();
    assert_eq!(document["openapi"], "3.1.0");
    assert!(std::fs::read_dir(folder.path()).unwrap().next().is_none(), "printing makes nothing");
}

#[test]
fn nonsense_on_the_command_line_is_answered_with_usage() {
    let folder = tempfile::tempdir().unwrap();
    for line in [
        &["serve", "--listen", "everywhere"][..],
        &["user", "add", "a@b", "--role", "king"],
        &["serve", "--public-url", "x"],
        &["fly"],
    ] {
        let refused = balie(folder.path(), line, "", &[]);
        assert_eq!(refused.status.code(), Some(2), "{line:?}: {}", text(&refused));
    }
}
