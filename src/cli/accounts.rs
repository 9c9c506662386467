//! `balie account …`

use serde_json::{Map, Value};

use super::{AccountCommand, Failure, people, print};
use crate::app;
use crate::channels::{Descriptor, FieldKind, registry};
use crate::config::Place;
use crate::desk::accounts::{Account, NewAccount};
use crate::desk::{Desk, DeskError, Viewer};

pub(super) async fn run(place: &Place, command: AccountCommand) -> Result<(), Failure> {
    if let AccountCommand::Add { channel, .. } = &command {
        find_channel(channel)?;
    }
    let desk = app::open_desk(place).await?;
    let me = app::administrator(&desk).await?;
    match command {
        AccountCommand::Add { channel, set, set_env, set_file, set_stdin, name, teams } => {
            let settings = gather(find_channel(&channel)?, &set, &set_env, &set_file, set_stdin.as_deref())?;
            let team_ids = people::team_ids(desk.store(), &teams).await?;
            let new = NewAccount { channel, name, settings: Value::Object(settings), team_ids };
            let account = desk.add_account(&me, &new).await.map_err(failure)?;
            print(&format!("Connected {} as {} ({}).", account.handle, account.name, account.id));
        }
        AccountCommand::List { json } => {
            let accounts = desk.accounts(&me).await.map_err(failure)?;
            if json {
                print(&serde_json::to_string_pretty(&accounts).unwrap_or_default());
            } else {
                for account in accounts {
                    print(&line(&account));
                }
            }
        }
        AccountCommand::Remove { account } => {
            let account = find(&desk, &me, &account).await?;
            desk.remove_account(&me, account.id).await.map_err(failure)?;
            print(&format!("Disconnected {}. Its conversations stay.", account.name));
        }
        AccountCommand::Probe { account } => {
            let account = find(&desk, &me, &account).await?;
            let account = desk.probe_account(&me, account.id).await.map_err(failure)?;
            print(&line(&account));
            if let Some(failure) = unwell(&account) {
                return Err(failure);
            }
        }
    }
    desk.store().close().await;
    Ok(())
}

/// What is wrong with an account, if anything is.
pub(super) fn unwell(account: &Account) -> Option<Failure> {
    let health = &account.health;
    let cause = health.cause.as_ref()?;
    let failure = Failure::new(format!("{} ({}): {}", account.name, account.channel, cause.en));
    Some(match &health.cure {
        Some(cure) => failure.cure(cure.en.clone()),
        None => failure,
    })
}

fn line(account: &Account) -> String {
    let off = if account.enabled { "" } else { "  (switched off)" };
    format!(
        "{}  {:<10} {:<10} {:<28} {}{off}",
        account.id,
        account.channel,
        account.health.state.as_str(),
        account.handle,
        account.name
    )
}

/// The account with this id, name or handle.
pub(super) async fn find(desk: &Desk, me: &Viewer, text: &str) -> Result<Account, Failure> {
    let wanted = text.trim_start_matches('@').to_lowercase();
    let fits = |account: &Account| {
        account.id.to_string() == wanted
            || account.name.to_lowercase() == wanted
            || account.handle.trim_start_matches('@').to_lowercase() == wanted
    };
    let mut found: Vec<Account> = desk.accounts(me).await.map_err(failure)?.into_iter().filter(fits).collect();
    match (found.pop(), found.len()) {
        (Some(account), 0) => Ok(account),
        (None, _) => Err(Failure::new(format!("there is no account \"{text}\"")).cure("balie account list shows them")),
        (Some(_), _) => {
            Err(Failure::new(format!("several accounts are called \"{text}\"")).cure("give the id: balie account list"))
        }
    }
}

fn find_channel(key: &str) -> Result<&'static Descriptor, Failure> {
    registry::find(key).ok_or_else(|| {
        let all: Vec<String> = registry::all()
            .iter()
            .map(|channel| {
                let fields: Vec<String> = channel
                    .fields
                    .iter()
                    .map(|field| {
                        format!(
                            "{}{}{}",
                            field.key,
                            if field.kind == FieldKind::Secret { " (secret)" } else { "" },
                            if field.required { "" } else { "?" }
                        )
                    })
                    .collect();
                format!("{}: {}", channel.key, fields.join(", "))
            })
            .collect();
        Failure::new(format!("there is no channel \"{key}\""))
            .cure(format!("the channels and their settings:\n    {}", all.join("\n    ")))
    })
}

/// Reads the settings from where they were said to be. A secret in an argument is refused.
fn gather(
    channel: &Descriptor,
    set: &[String],
    env: &[String],
    files: &[String],
    stdin: Option<&str>,
) -> Result<Map<String, Value>, Failure> {
    let mut settings = Map::new();
    let mut put = |key: &str, value: String| -> Result<(), Failure> {
        if settings.insert(key.to_owned(), Value::String(value)).is_some() {
            return Err(Failure::new(format!("{key} is given twice")));
        }
        Ok(())
    };
    for pair in set {
        let (key, value) = split(pair, "KEY=VALUE")?;
        if channel.fields.iter().any(|field| field.key == key && field.kind == FieldKind::Secret) {
            return Err(Failure::new(format!(
                "{key} is a secret, and arguments are seen by every user of this machine"
            ))
            .cure(format!(
                "export it and say --set-env {key}=VARIABLE, or --set-file {key}=PATH, or --set-stdin {key}"
            )));
        }
        put(key, value.to_owned())?;
    }
    for pair in env {
        let (key, variable) = split(pair, "KEY=VARIABLE")?;
        let value = std::env::var(variable)
            .map_err(|_| Failure::new(format!("the environment variable {variable} is not set")))?;
        put(key, value)?;
    }
    for pair in files {
        let (key, path) = split(pair, "KEY=PATH")?;
        let value =
            std::fs::read_to_string(path).map_err(|error| Failure::new(format!("{path} cannot be read: {error}")))?;
        put(key, value.trim_end_matches(['\n', '\r']).to_owned())?;
    }
    if let Some(key) = stdin {
        put(key, std::io::read_to_string(std::io::stdin())?.trim_end_matches(['\n', '\r']).to_owned())?;
    }
    Ok(settings)
}

fn split<'a>(pair: &'a str, form: &str) -> Result<(&'a str, &'a str), Failure> {
    pair.split_once('=')
        .filter(|(key, _)| !key.is_empty())
        .ok_or_else(|| Failure::new(format!("\"{pair}\" is not {form}")))
}

pub(super) fn failure(error: DeskError) -> Failure {
    match error {
        DeskError::Channel(error) => Failure::new(error.cause.en).cure(error.cure.en),
        other => Failure::new(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::gather;
    use crate::channels::{Descriptor, Field, FieldKind};

    const fn field(key: &'static str, kind: FieldKind) -> Field {
        Field { key, kind, required: true, default: None, label: ("", ""), help: ("", ""), options: &[] }
    }

    static FIELDS: [Field; 2] = [field("server", FieldKind::Url), field("password", FieldKind::Secret)];

    fn channel() -> Descriptor {
        Descriptor {
            key: "x",
            name: ("X", "X"),
            icon: "",
            setup: ("", ""),
            fields: &FIELDS,
            keeps: &[],
            lanes: &[],
            oauth: None,
            connect: |_| Err(crate::channels::ChannelError::transient("never")),
            fake: None,
        }
    }

    #[test]
    fn a_secret_in_an_argument_is_refused_with_the_cure() {
        let refused = gather(&channel(), &["password=hunter2".into()], &[], &[], None).unwrap_err();
        assert!(refused.cure.unwrap().contains("--set-env password="));
        assert!(!refused.cause.contains("hunter2"));
    }

    #[test]
    fn settings_come_from_arguments_variables_and_files() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "hunter2\n").unwrap();
        let from_file = format!("password={}", file.path().display());
        let settings = gather(&channel(), &["server=https://a=b".into()], &[], &[from_file], None).unwrap();
        assert_eq!(settings["server"], "https://a=b");
        assert_eq!(settings["password"], "hunter2");
        assert_eq!(
            gather(&channel(), &[], &["password=PATH".into()], &[], None).unwrap()["password"],
            std::env::var("PATH").unwrap()
        );
        assert!(gather(&channel(), &["server".into()], &[], &[], None).is_err());
        assert!(gather(&channel(), &["server=a".into(), "server=b".into()], &[], &[], None).is_err());
        assert!(gather(&channel(), &[], &["password=NO_SUCH_VARIABLE_HERE".into()], &[], None).is_err());
    }
}
