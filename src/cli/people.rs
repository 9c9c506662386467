//! `balie user …`

use std::io::{IsTerminal as _, Read as _};

use super::{Failure, PasswordSource, UserCommand, print};
use crate::app;
use crate::config::Place;
use crate::desk::people::{self, NewUser, PeopleError, UserChange};
use crate::model::TeamId;
use crate::secret::{self, Secret};
use crate::store::{Actor, Store};

pub(super) async fn run(place: &Place, command: UserCommand) -> Result<(), Failure> {
    let store = app::open_store(place).await?.store;
    match command {
        UserCommand::Add { email, name, role, locale, teams, password } => {
            let (password, made) = password.read()?;
            let name = name.unwrap_or_else(|| email.split('@').next().unwrap_or_default().to_owned());
            let team_ids = team_ids(&store, &teams).await?;
            let new = NewUser { email, name, role, locale, password: password.clone(), team_ids };
            let user = people::add_user(&store, Actor::System, new).await.map_err(failure)?;
            print(&format!("Added {} <{}> as {}.", user.name, user.email, user.role));
            tell(&password, made);
        }
        UserCommand::List { json } => {
            let users = people::users(&store).await.map_err(failure)?;
            if json {
                print(&serde_json::to_string_pretty(&users).unwrap_or_default());
            } else {
                for user in users {
                    let out = if user.enabled { "" } else { "  (may not sign in)" };
                    print(&format!("{:<32} {:<11} {}{out}", user.email, user.role.as_str(), user.name));
                }
            }
        }
        UserCommand::Password { email, password } => {
            let found = store.user_by_email(&email).await.map_err(|e| Failure::new(e.to_string()))?;
            let user = found.ok_or_else(|| {
                Failure::new(format!("nobody has the address {email}")).cure("balie user list shows who there is")
            })?;
            let (password, made) = password.read()?;
            let change = UserChange { password: Some(password.clone()), ..UserChange::default() };
            people::change_user(&store, Actor::System, user.id, change, None).await.map_err(failure)?;
            print(&format!(
                "{} has another password and is signed out everywhere; API tokens of theirs are revoked.",
                user.email
            ));
            tell(&password, made);
        }
    }
    store.close().await;
    Ok(())
}

/// The teams of these names, made where there are none.
pub(super) async fn team_ids(store: &Store, names: &[String]) -> Result<Vec<TeamId>, Failure> {
    let mut ids = Vec::new();
    for name in names {
        let known = people::teams(store).await.map_err(failure)?;
        let id = match known.into_iter().find(|team| team.name.eq_ignore_ascii_case(name.trim())) {
            Some(team) => team.id,
            None => people::add_team(store, Actor::System, name).await.map_err(failure)?.id,
        };
        ids.push(id);
    }
    Ok(ids)
}

impl PasswordSource {
    /// The password, and whether it was made here.
    fn read(&self) -> Result<(Secret<String>, bool), Failure> {
        if let Some(path) = &self.password_file {
            let text = std::fs::read_to_string(path)
                .map_err(|error| Failure::new(format!("{} cannot be read: {error}", path.display())))?;
            return Ok((Secret::new(first_line(&text)), false));
        }
        if let Ok(text) = std::env::var("BALIE_PASSWORD")
            && !text.is_empty()
        {
            return Ok((Secret::new(text), false));
        }
        // A script pipes the password in; a person at a terminal gets one made.
        if self.password_stdin || !std::io::stdin().is_terminal() {
            let mut text = String::new();
            std::io::stdin().take(10_000).read_to_string(&mut text)?;
            let text = first_line(&text);
            if !text.is_empty() {
                return Ok((Secret::new(text), false));
            }
            if self.password_stdin {
                return Err(Failure::new("standard input holds no password"));
            }
        }
        Ok((Secret::new(secret::one_time_password()), true))
    }
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().to_owned()
}

fn tell(password: &Secret<String>, made: bool) {
    if made {
        print(&format!("  password   {}\nIt is shown only now.", password.expose()));
    }
}

#[allow(clippy::needless_pass_by_value, reason = "handed to map_err")]
fn failure(error: PeopleError) -> Failure {
    Failure::new(error.to_string())
}
