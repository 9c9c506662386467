//! Starting: from nothing, again, with the wrong key, and where another runs already.

use balie::app;
use balie::clock::Clock;
use balie::store::{Store, StoreError};

use super::server::{arguments, browser};
use crate::support::{Engine, fresh_database};

async fn start(data: &std::path::Path, database: &str, more: &[&str]) -> Result<app::Running, balie::cli::Failure> {
    let (place, serving) = arguments(data, database, more);
    app::start(&place, &serving, Clock::system()).await
}

async fn the_first_start_makes_a_key_and_one_admin_and_the_second_neither(engine: Engine) {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let database = fresh_database(engine, folder.path()).await;
    let first = start(&data, &database, &[]).await.unwrap();
    let password = first.first_password.clone().unwrap();
    assert_eq!(password.expose().len(), 23);
    let key = data.join("master.key");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(std::fs::metadata(&key).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(std::fs::metadata(&data).unwrap().permissions().mode() & 0o777, 0o700);
    }
    first.stop().await;
    let before = std::fs::read(&key).unwrap();
    let second = start(&data, &database, &[]).await.unwrap();
    assert!(second.first_password.is_none() && second.first_password_unused, "nobody used it, so it may be lost");
    let mut admin = browser(&format!("http://{}", second.address));
    assert_eq!(admin.try_sign_in(app::FIRST_ADMIN, password.expose()).await.status, 200);
    let own = serde_json::json!({ "current": password.expose(), "new": "nog een lange zin" });
    admin.post("/api/me/password", own).await.must_be(204);
    assert_eq!(std::fs::read(&key).unwrap(), before);
    second.stop().await;
    let third = start(&data, &database, &[]).await.unwrap();
    assert!(third.first_password.is_none() && !third.first_password_unused);
    third.stop().await;
}

async fn a_wrong_or_missing_key_is_refused_before_anything_is_touched(engine: Engine) {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let database = fresh_database(engine, folder.path()).await;
    let store = {
        let running = start(&data, &database, &[]).await.unwrap();
        let newest = running.store.newest_seq().await.unwrap();
        running.stop().await;
        newest
    };
    let key = data.join("master.key");
    let right = std::fs::read(&key).unwrap();

    std::fs::write(&key, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n").unwrap();
    let refused = start(&data, &database, &[]).await.err().unwrap();
    assert!(refused.cause.contains("not the master key"), "{refused:?}");
    assert!(refused.cure.unwrap().contains("nothing was changed"));

    std::fs::write(&key, "nonsense").unwrap();
    assert!(start(&data, &database, &[]).await.err().unwrap().cause.contains("32 bytes"));

    std::fs::remove_file(&key).unwrap();
    let refused = start(&data, &database, &[]).await.err().unwrap();
    assert!(refused.cause.contains("missing"), "{refused:?}");
    assert!(!key.exists(), "no other key was made");

    std::fs::write(&key, right).unwrap();
    #[cfg(unix)]
    std::fs::set_permissions(&key, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let running = start(&data, &database, &[]).await.unwrap();
    assert_eq!(running.store.newest_seq().await.unwrap(), store);
    running.stop().await;
}

#[tokio::test]
async fn first_start_on_sqlite() {
    the_first_start_makes_a_key_and_one_admin_and_the_second_neither(Engine::Sqlite).await;
}

#[tokio::test]
async fn first_start_on_postgres() {
    the_first_start_makes_a_key_and_one_admin_and_the_second_neither(Engine::Postgres).await;
}

#[tokio::test]
async fn a_wrong_key_is_refused_on_sqlite() {
    a_wrong_or_missing_key_is_refused_before_anything_is_touched(Engine::Sqlite).await;
}

#[tokio::test]
async fn a_wrong_key_is_refused_on_postgres() {
    a_wrong_or_missing_key_is_refused_before_anything_is_touched(Engine::Postgres).await;
}

#[tokio::test]
async fn a_second_server_on_one_sqlite_file_is_refused_and_several_share_postgres() {
    let folder = tempfile::tempdir().unwrap();
    let database = fresh_database(Engine::Sqlite, folder.path()).await;
    let first = start(folder.path(), &database, &[]).await.unwrap();
    let refused = start(folder.path(), &database, &[]).await.err().unwrap();
    assert!(refused.cause.contains("another balie serves this database"), "{refused:?}");
    assert!(refused.cure.unwrap().contains("postgres://"));
    first.stop().await;
    start(folder.path(), &database, &[]).await.unwrap().stop().await;

    let database = fresh_database(Engine::Postgres, folder.path()).await;
    let folder = tempfile::tempdir().unwrap();
    let first = start(folder.path(), &database, &[]).await.unwrap();
    let second = start(folder.path(), &database, &[]).await.unwrap();
    assert_ne!(first.address.port(), second.address.port());
    first.stop().await;
    second.stop().await;
}

#[tokio::test]
async fn a_taken_port_and_a_database_that_is_away_are_said_with_a_cure() {
    let folder = tempfile::tempdir().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let database = fresh_database(Engine::Sqlite, folder.path()).await;
    let (place, mut serving) = arguments(folder.path(), &database, &[]);
    serving.listen = taken.local_addr().unwrap();
    let refused = app::start(&place, &serving, Clock::system()).await.err().unwrap();
    assert!(refused.cause.contains("listen"), "{refused:?}");
    let store = Store::open(&database, Clock::system()).await.unwrap();
    assert!(store.users().await.unwrap().is_empty(), "who never heard the first password cannot have lost it");
    store.close().await;
    let running = start(folder.path(), &database, &[]).await.unwrap();
    assert!(running.first_password.is_some());
    running.stop().await;

    let away = "postgres://balie:s3cr3t@127.0.0.1:1/balie";
    let refused = start(folder.path(), away, &[]).await.err().unwrap();
    assert!(refused.cause.contains("cannot be used") && !refused.cause.contains("s3cr3t"), "{refused:?}");
    assert!(refused.cure.unwrap().contains("PostgreSQL"));
}

#[tokio::test]
async fn no_spelling_of_a_password_in_an_address_is_said_again() {
    let away = StoreError::Unavailable("nobody answers".to_owned());
    for url in [
        "postgres://balie:Geh/eim9@postgres/balie",
        "postgres://balie:12/eim9@postgres/balie",
        "postgres://balie:12?eim9@postgres/balie",
        "postgres://balie:12#eim9@postgres/balie",
        "postgres://balie:Geh+eim9==@postgres:x/balie",
        "postgres://postgres/balie?user=balie&password=Geheim9",
    ] {
        let failure = app::database_failure(url, &away);
        for part in ["Geh", "eim9", "12", "balie"] {
            assert!(!failure.cause.contains(part), "{url}: {failure:?}");
        }
        assert!(failure.cure.unwrap().contains("percent-encode"));
    }
    let failure = app::database_failure("postgres://balie:Geh%2Feim9@db.example:5433/balie?sslmode=require", &away);
    assert!(
        failure.cause.contains("postgres://db.example:5433/balie ") && !failure.cause.contains("eim9"),
        "{failure:?}"
    );

    let folder = tempfile::tempdir().unwrap();
    let refused = start(folder.path(), "postgres://balie:Geh/eim9@127.0.0.1:1/balie", &[]).await.err().unwrap();
    assert!(!refused.cause.contains("Geh/eim9") && refused.cure.unwrap().contains("percent-encode"));
}

#[tokio::test]
async fn a_file_that_is_no_database_is_refused_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notes.txt");
    std::fs::write(&path, "dit is geen database, ".repeat(100)).unwrap();
    let refused = start(folder.path(), path.to_str().unwrap(), &[]).await.err().unwrap();
    assert!(refused.cause.contains("cannot be used"), "{refused:?}");
    assert!(std::fs::read_to_string(&path).unwrap().starts_with("dit is geen database"));
}
