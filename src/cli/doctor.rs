//! `balie doctor`: everything that can be wrong, looked at once, each with a cause and a cure.

use std::process::ExitCode;

use super::accounts::{failure, unwell};
use super::{Failure, print};
use crate::app::{self, Looked};
use crate::config::Place;
use crate::desk::people;

/// Collects and prints findings.
#[derive(Default)]
struct Findings(usize);

#[allow(clippy::unused_self, reason = "a finding is told to its collector, whether it counts or not")]
impl Findings {
    fn good(&self, what: &str, how: &str) {
        print(&format!("ok    {what:<12} {how}"));
    }

    fn bad(&mut self, what: &str, failure: &Failure) {
        self.0 += 1;
        print(&format!("WRONG {what:<12} {}", failure.cause));
        if let Some(cure) = &failure.cure {
            print(&format!("      {:<12} what to do: {cure}", ""));
        }
    }

    fn note(&self, what: &str, how: &str) {
        print(&format!("note  {what:<12} {how}"));
    }
}

pub(super) async fn run(place: &Place) -> Result<ExitCode, Failure> {
    let mut found = Findings::default();
    match place.database_url() {
        Ok(_) => found.good("settings", &format!("data in {}", place.data.display())),
        Err(error) => found.bad("settings", &Failure::new(error)),
    }
    match place.find_master_key() {
        Ok(Some(_)) => found.good("master key", &format!("from {}", place.master_key_source())),
        Ok(None) => found.note("master key", "none yet; the first start makes one"),
        Err(error) => found.bad("master key", &app::key_failure(&error)),
    }
    if found.0 == 0 {
        match app::look(place).await {
            Ok(Looked::Nothing) => found.note("database", "none yet; the first start makes one"),
            Ok(Looked::Behind(1)) => found.note("database", "1 migration waits; the next start of this balie runs it"),
            Ok(Looked::Behind(n)) => {
                found.note("database", &format!("{n} migrations wait; the next start of this balie runs them"));
            }
            Ok(Looked::Desk(desk)) => {
                found.good("database", desk.store().pools().name());
                look_inside(&desk, &mut found).await?;
                desk.store().close().await;
            }
            Err(failure) => found.bad("database", &failure),
        }
    }
    if found.0 == 0 {
        print("All is well.");
        return Ok(ExitCode::SUCCESS);
    }
    print(&format!("{} wrong.", found.0));
    Ok(ExitCode::FAILURE)
}

async fn look_inside(desk: &crate::desk::Desk, found: &mut Findings) -> Result<(), Failure> {
    match people::has_admin(desk.store()).await {
        Ok(true) => found.good("people", "somebody can administer"),
        Ok(false) => {
            found.note("people", "no admin yet; the first start makes one, or: balie user add EMAIL --role admin");
        }
        Err(error) => found.bad("people", &Failure::new(error.to_string())),
    }
    let me = app::administrator(desk).await?;
    let accounts = desk.accounts(&me).await.map_err(failure)?;
    if accounts.is_empty() {
        found.note("accounts", "none connected yet: balie account add, or the accounts screen");
    }
    for account in accounts {
        if !account.enabled {
            found.note("account", &format!("{} ({}) is switched off", account.name, account.channel));
            continue;
        }
        match desk.probe_account(&me, account.id).await {
            Ok(account) => match unwell(&account) {
                Some(failure) => found.bad("account", &failure),
                None => found.good("account", &format!("{} ({}) {}", account.name, account.channel, account.handle)),
            },
            Err(error) => found.bad("account", &failure(error)),
        }
    }
    let held = super::quarantine::held(desk, &me, None).await.map_err(failure)?.len();
    if held > 0 {
        found.bad(
            "quarantine",
            &Failure::new(format!("{held} payloads could not be read"))
                .cure("balie quarantine list shows them; balie quarantine replay tries again"),
        );
    }
    Ok(())
}
