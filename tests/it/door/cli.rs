//! The program itself, as a script runs it.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

use crate::support::{Engine, empty_database, number};

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
    let nowhere = balie(folder.path(), &["account", "add", "form", "--set", "mailbox=help@merk.test"], "", &[]);
    assert!(
        !nowhere.status.success() && text(&nowhere).contains("mailbox: there is no such account"),
        "{}",
        text(&nowhere)
    );
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

async fn the_doctor_makes_nothing_and_brings_nothing_up_to_date(engine: Engine) {
    const NEWEST: &str = "SELECT max(version) FROM _sqlx_migrations";
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let database = empty_database(engine, folder.path()).await;
    let doctor = |variables: &[(&str, &str)]| balie(&data, &["doctor", "--database", &database], "", variables);
    let empty = doctor(&[]);
    assert!(empty.status.success() && text(&empty).contains("none yet"), "{}", text(&empty));
    assert!(!data.exists(), "no key was made");
    if matches!(engine, Engine::Postgres) {
        let tables = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'";
        assert_eq!(number(&database, tables).await, 0);
    }

    assert!(balie(&data, &["migrate", "--database", &database], "", &[]).status.success());
    let newest = number(&database, NEWEST).await;
    let well = doctor(&[]);
    let key = format!("from {}", data.join("master.key").display());
    assert!(text(&well).contains("All is well") && text(&well).contains(&key), "{}", text(&well));
    let older = number(
        &database,
        &format!("DELETE FROM _sqlx_migrations WHERE version = {newest} RETURNING (SELECT max(version) FROM _sqlx_migrations WHERE version < {newest})"),
    )
    .await;
    let behind = doctor(&[]);
    assert!(behind.status.success() && text(&behind).contains("1 migration waits"), "{}", text(&behind));
    assert_eq!(number(&database, NEWEST).await, older, "looking ran it");
    let wrong = doctor(&[("BALIE_MASTER_KEY", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")]);
    assert!(
        !wrong.status.success() && text(&wrong).contains("BALIE_MASTER_KEY in the environment"),
        "{}",
        text(&wrong)
    );
}

#[tokio::test]
async fn the_doctor_only_looks_on_sqlite() {
    the_doctor_makes_nothing_and_brings_nothing_up_to_date(Engine::Sqlite).await;
}

#[tokio::test]
async fn the_doctor_only_looks_on_postgres() {
    the_doctor_makes_nothing_and_brings_nothing_up_to_date(Engine::Postgres).await;
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

/// Ends the server when a test fails, too.
struct Server(std::process::Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Reads lines until one holds `mark`; gives what follows it there.
fn after(lines: &mut impl Iterator<Item = std::io::Result<String>>, mark: &str) -> String {
    for line in lines {
        let line = line.unwrap();
        if let Some((_, rest)) = line.split_once(mark) {
            return rest.trim().to_owned();
        }
    }
    panic!("the server never said \"{mark}\"");
}

#[cfg(unix)]
#[tokio::test]
async fn a_server_at_its_most_talkative_logs_no_secret_and_stops_when_asked() {
    use std::io::{BufRead as _, BufReader, Read as _};
    let folder = tempfile::tempdir().unwrap();
    for format in ["text", "json"] {
        let log = folder.path().join(format!("{format}.log"));
        let child = Command::new(env!("CARGO_BIN_EXE_balie"))
            .args(["serve", "--listen", "127.0.0.1:0", "--log", "trace", "--log-format", format])
            .env("BALIE_DATA", folder.path().join(format))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(std::fs::File::create(&log).unwrap())
            .spawn()
            .unwrap();
        let mut server = Server(child);
        let mut lines = BufReader::new(server.0.stdout.take().unwrap()).lines();
        let password = after(&mut lines, "password ");
        let url = after(&mut lines, "Balie is at ");

        let mut caller = super::server::browser(&url);
        assert_eq!(caller.try_sign_in("admin@localhost", &password).await.status, 200);
        let made = caller.post("/api/tokens", serde_json::json!({ "name": "x" })).await.must_be(201);
        let token = made["token"].as_str().unwrap().to_owned();
        caller.with_token(&token).get("/api/me?token=in-the-address").await.must_be(200);
        let other = serde_json::json!({ "current": password, "new": "iets heel anders nu" });
        caller.post("/api/me/password", other).await.must_be(204);
        let settings = serde_json::json!({ "channel": "bluesky", "settings": { "identifier": "x.test", "password": "s3cr3t-app-password" } });
        caller.post("/api/accounts/test", settings).await;
        caller
            .post(
                "/api/conversations/01a20000-0000-7000-8000-000000000000/notes",
                serde_json::json!({ "text": "words of a customer" }),
            )
            .await;

        let pid = server.0.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        assert!(server.0.wait().unwrap().success(), "asked to stop, it stops well");
        let mut said = String::new();
        std::fs::File::open(&log).unwrap().read_to_string(&mut said).unwrap();
        assert!(said.contains("signed in") && said.contains("ready"), "{said}");
        let cookie = caller.cookie.as_deref().and_then(|c| c.split('=').nth(1)).unwrap().to_owned();
        for secret in [
            password.as_str(),
            token.as_str(),
            cookie.as_str(),
            "iets heel anders",
            "s3cr3t",
            "in-the-address",
            "words of a customer",
            "$argon2",
        ] {
            let line = said.lines().find(|line| line.contains(secret));
            assert!(line.is_none(), "{format}: the log holds {secret}: {line:?}");
        }
        if format == "json" {
            for line in said.lines() {
                let _: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
            }
        }
    }
}
