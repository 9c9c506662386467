//! Accounts: tried, connected, changed, removed; their health as people see it.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value, json};
use sqlx::types::Json;

use super::access::Visible;
use super::connections::descriptor;
use super::ingest::clean;
use super::{Act, Desk, DeskError, Viewer};
use crate::channels::{ChannelError, Class, Descriptor, FieldKind, MemorySecrets, Probe, Quota, Warning};
use crate::model::message::Sentence;
use crate::model::{AccountId, HealthState, TeamId, Timestamp};
use crate::store::accounts::{Account as Row, Probed, Sick};
use crate::store::{Actor, Tx};

/// From here on an unreachable platform is an outage.
const OUTAGE: Duration = Duration::from_secs(30);

/// An account as people see it. Has no secret in it.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct Account {
    pub id: AccountId,
    pub channel: String,
    pub name: String,
    pub handle: String,
    pub url: Option<String>,
    pub enabled: bool,
    pub health: Health,
    /// Ingested minus posted, of the newest live message.
    pub lag_ms: Option<i64>,
    pub last_success_at: Option<Timestamp>,
    pub quota: Option<Quota>,
    /// When the credentials end by themselves, as far as known.
    pub expires_at: Option<Timestamp>,
    /// Who may see it; empty: everybody.
    pub team_ids: Vec<TeamId>,
    #[schema(value_type = Object)]
    pub settings: Value,
    /// Where its platform, system or visitors call us: a path on this server.
    #[serde(default)]
    pub hook: Option<String>,
    /// Calls can be written down here.
    #[serde(default)]
    pub calls: bool,
    /// Can be the mailbox of accounts that cannot answer what is left there.
    #[serde(default)]
    pub mailbox: bool,
}

/// How well an account works, and if not, why and what to do.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct Health {
    pub state: HealthState,
    pub code: Option<String>,
    pub cause: Option<Sentence>,
    pub cure: Option<Sentence>,
    pub since: Timestamp,
}

/// What to connect.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct NewAccount {
    pub channel: String,
    /// What the team calls it; the handle when left out.
    #[serde(default)]
    pub name: Option<String>,
    /// The descriptor's fields, secret ones too.
    #[schema(value_type = Object)]
    pub settings: Value,
    #[serde(default)]
    pub team_ids: Vec<TeamId>,
}

/// What to change; what is left out stays.
#[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct AccountChange {
    #[serde(default)]
    pub name: Option<String>,
    #[serde(default)]
    pub enabled: Option<bool>,
    /// Fields to replace; a secret that is left out stays.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    pub settings: Option<Value>,
    #[serde(default)]
    pub team_ids: Option<Vec<TeamId>>,
}

/// Who we turned out to be.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct Tried {
    pub handle: String,
    pub name: String,
    pub url: Option<String>,
    pub warnings: Vec<Warning>,
}

impl Desk {
    /// The accounts somebody may see.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn accounts(&self, viewer: &Viewer) -> Result<Vec<Account>, DeskError> {
        let visible = self.visible(viewer).await?;
        self.accounts_within(&visible).await
    }

    pub(crate) async fn accounts_within(&self, visible: &Visible) -> Result<Vec<Account>, DeskError> {
        let grants = self.store.account_teams().await?;
        let all = self.store.accounts().await?;
        Ok(all
            .iter()
            .filter(|row| visible.includes(row.id))
            .map(|row| {
                // What is worse than having no mailbox is said first.
                let well = !matches!(row.health, HealthState::Degraded | HealthState::Down);
                let without = self.without_mailbox(row, &all).filter(|_| well);
                let mailbox = self.takes_letters(row);
                let channel = self.connections.get(row).ok();
                let (pushed, calls) =
                    channel.map_or((false, false), |channel| (channel.push().is_some(), channel.calls().is_some()));
                let shown = present(row.clone(), &grants);
                Account {
                    hook: pushed.then(|| format!("/hooks/{}", row.id)),
                    calls,
                    mailbox,
                    health: without.unwrap_or(shown.health),
                    ..shown
                }
            })
            .collect())
    }

    /// One account somebody may see.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn account(&self, viewer: &Viewer, id: AccountId) -> Result<Account, DeskError> {
        self.accounts(viewer).await?.into_iter().find(|account| account.id == id).ok_or(DeskError::NotFound("account"))
    }

    /// Connects with settings that are not kept, and says who we are there.
    ///
    /// # Errors
    /// `Refused` when a field is missing or unknown; `Channel` with cause and cure when the platform says no.
    pub async fn try_account(&self, viewer: &Viewer, channel: &str, settings: &Value) -> Result<Tried, DeskError> {
        viewer.must(Act::Administer)?;
        let (mut open, secret) = sort_fields(descriptor(channel)?, settings, true)?;
        self.name_mailbox(descriptor(channel)?, &mut open, &Value::Null).await?;
        let probe = self.connections.trial(channel, open, secret)?.probe().await?;
        Ok(Tried { handle: probe.handle, name: probe.name, url: probe.url, warnings: probe.warnings })
    }

    /// Connects an account for good. It is tried first; what fails is not kept.
    ///
    /// # Errors
    /// As `try_account`; `Refused` when it is connected already or a team is not there.
    pub async fn add_account(&self, viewer: &Viewer, new: &NewAccount) -> Result<Account, DeskError> {
        viewer.must(Act::Administer)?;
        let descriptor = descriptor(&new.channel)?;
        let (mut open, secret) = sort_fields(descriptor, &new.settings, true)?;
        self.name_mailbox(descriptor, &mut open, &Value::Null).await?;
        self.add_connected(viewer, descriptor, open, secret, new.name.as_deref(), &new.team_ids).await
    }

    /// Keeps an account with what it was connected with, when that works.
    pub(super) async fn add_connected(
        &self,
        viewer: &Viewer,
        descriptor: &Descriptor,
        open: Value,
        secret: Value,
        name: Option<&str>,
        team_ids: &[TeamId],
    ) -> Result<Account, DeskError> {
        let secrets = Arc::new(MemorySecrets::new(secret));
        let context = self.connections.context(open.clone(), secrets.clone());
        let probe = (descriptor.connect)(context)?.probe().await?;
        // The trial may have signed in: keep the session it got.
        let secrets = crate::channels::Secrets::load(&*secrets).await?;
        if self
            .store
            .accounts()
            .await?
            .iter()
            .any(|row| row.channel == descriptor.key && row.external_id == probe.external_id)
        {
            return Err(DeskError::refused("account.twice", format!("{} is connected already", probe.handle)));
        }
        let mut tx = self.begin(viewer).await?;
        let id = AccountId::new();
        let row = Row {
            id,
            channel: descriptor.key.to_owned(),
            name: name
                .map(str::trim)
                .filter(|name| !name.is_empty())
                .map_or_else(|| if probe.name.is_empty() { clean(&probe.handle) } else { clean(&probe.name) }, clean),
            external_id: probe.external_id,
            handle: probe.handle,
            url: probe.url,
            settings: Json(open),
            secrets: self.connections.seal(id, &secrets),
            facts: Json(probe.facts),
            enabled: true,
            health: HealthState::Starting,
            health_code: None,
            health_cause: None,
            health_cure: None,
            health_since: tx.now(),
            lag_ms: None,
            last_success_at: None,
            quota: None,
            revision: 0,
            created_at: tx.now(),
            removed_at: None,
            expires_at: probe.expires_at,
        };
        tx.insert_account(&row).await?;
        let teams = known_teams(&mut tx, team_ids).await?;
        tx.set_account_teams(id, &teams).await?;
        tx.commit().await?;
        self.account(viewer, id).await
    }

    /// Changes name, settings, teams or whether it runs.
    ///
    /// # Errors
    /// `NotFound`; `Refused` when a field is unknown or would be left empty, or a team is not there.
    pub async fn change_account(
        &self,
        viewer: &Viewer,
        id: AccountId,
        change: &AccountChange,
    ) -> Result<Account, DeskError> {
        viewer.must(Act::Administer)?;
        let mut tx = self.begin(viewer).await?;
        let mut row = existing(&mut tx, id).await?;
        if let Some(name) = change.name.as_deref().map(str::trim).filter(|name| !name.is_empty()) {
            row.name = clean(name);
        }
        if change.enabled.is_some_and(|enabled| enabled != row.enabled) {
            self.tell_of_mailbox(&mut tx, id).await?;
        }
        row.enabled = change.enabled.unwrap_or(row.enabled);
        if let Some(settings) = &change.settings {
            let (mut open, secret) = sort_fields(descriptor(&row.channel)?, settings, false)?;
            self.name_mailbox(descriptor(&row.channel)?, &mut open, &row.settings.0).await?;
            merge(&mut row.settings.0, open);
            if secret.as_object().is_some_and(|fields| !fields.is_empty()) {
                // A new credential starts afresh: what was derived from the old one (sessions) goes, what others hold stays.
                let mut secrets = Value::Object(self.kept_fields(&row)?);
                merge(&mut secrets, secret);
                row.secrets = self.connections.seal(id, &secrets);
            }
        }
        tx.save_account(&row).await?;
        if let Some(teams) = &change.team_ids {
            let teams = known_teams(&mut tx, teams).await?;
            tx.set_account_teams(id, &teams).await?;
        }
        tx.commit().await?;
        self.account(viewer, id).await
    }

    fn kept_fields(&self, row: &Row) -> Result<Map<String, Value>, DeskError> {
        let descriptor = descriptor(&row.channel)?;
        let secret =
            |key: &str| descriptor.fields.iter().any(|field| field.kind == FieldKind::Secret && field.key == key);
        let Ok(Value::Object(mut old)) = self.connections.open(row) else { return Ok(Map::new()) };
        old.retain(|key, _| secret(key) || descriptor.keeps.contains(&key.as_str()));
        Ok(old)
    }

    /// What others know an account by is not another account's.
    async fn forget_kept(&self, tx: &mut Tx, id: AccountId) -> Result<(), DeskError> {
        let Some(mut row) = tx.account(id).await? else { return Ok(()) };
        let keeps = descriptor(&row.channel)?.keeps;
        let Ok(Value::Object(mut secrets)) = self.connections.open(&row) else { return Ok(()) };
        let before = secrets.len();
        secrets.retain(|key, _| !keeps.contains(&key.as_str()));
        if secrets.len() < before {
            row.secrets = self.connections.seal(id, &Value::Object(secrets));
            tx.save_account(&row).await?;
        }
        Ok(())
    }

    /// Disconnects. Its conversations stay readable; its secrets go.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn remove_account(&self, viewer: &Viewer, id: AccountId) -> Result<(), DeskError> {
        viewer.must(Act::Administer)?;
        let mut tx = self.begin(viewer).await?;
        let mut row = existing(&mut tx, id).await?;
        row.enabled = false;
        row.secrets = String::new();
        row.removed_at = Some(tx.now());
        tx.save_account(&row).await?;
        self.tell_of_mailbox(&mut tx, id).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Asks the platform who we are, and keeps the answer.
    ///
    /// # Errors
    /// `NotFound`. A platform that says no is not an error here: it stands in the account's health.
    pub async fn probe_account(&self, viewer: &Viewer, id: AccountId) -> Result<Account, DeskError> {
        viewer.must(Act::Administer)?;
        let row = self
            .store
            .account(id)
            .await?
            .filter(|row| row.removed_at.is_none())
            .ok_or(DeskError::NotFound("account"))?;
        let _ = self.probe(&row).await;
        self.account(viewer, id).await
    }

    /// Probes an account and writes down what it learned, well or ill.
    ///
    /// # Errors
    /// `Channel` when the platform says no (written down already); `Store`.
    pub async fn probe(&self, row: &Row) -> Result<Probe, DeskError> {
        let probed = match self.connections.get(row) {
            Ok(channel) => channel.probe().await,
            Err(error) => Err(error),
        };
        match probed {
            Ok(probe) => {
                let mut tx = self.store.begin(Actor::System).await?;
                let found = Probed {
                    external_id: &probe.external_id,
                    handle: &probe.handle,
                    url: probe.url.as_deref(),
                    facts: &probe.facts,
                    expires_at: probe.expires_at,
                };
                if probe.external_id != row.external_id {
                    self.forget_kept(&mut tx, row.id).await?;
                }
                tx.save_probe(row.id, &found).await?;
                tx.account_works(row.id, &crate::store::accounts::Working::default()).await?;
                tx.commit().await?;
                Ok(probe)
            }
            Err(error) => {
                self.account_failed(row.id, &error, Duration::ZERO).await?;
                Err(error.into())
            }
        }
    }

    /// Writes down why an account does not work, and for how long it has not. Being asked to slow down is no sickness; a
    /// platform that cannot be reached is a hiccup first and an outage after half a minute.
    ///
    /// # Errors
    /// `Store`.
    pub async fn account_failed(
        &self,
        id: AccountId,
        error: &ChannelError,
        failing: Duration,
    ) -> Result<(), DeskError> {
        let state = match error.class {
            Class::RateLimited { .. } => return Ok(()),
            Class::Transient | Class::Uncertain if failing < OUTAGE => HealthState::Degraded,
            _ => HealthState::Down,
        };
        let mut tx = self.store.begin(Actor::System).await?;
        tx.account_is_sick(
            id,
            &Sick { state, code: error.code.clone(), cause: error.cause.clone(), cure: error.cure.clone() },
        )
        .await?;
        tx.commit().await?;
        Ok(())
    }

    /// Writes down that an account's platform was reached.
    ///
    /// # Errors
    /// `Store`.
    pub async fn account_reached(&self, id: AccountId) -> Result<(), DeskError> {
        let mut tx = self.store.begin(Actor::System).await?;
        tx.account_works(id, &crate::store::accounts::Working::default()).await?;
        tx.commit().await?;
        Ok(())
    }
}

/// Granting to fewer teams than was asked may mean granting to everybody.
async fn known_teams(tx: &mut Tx, ids: &[TeamId]) -> Result<Vec<TeamId>, DeskError> {
    let known = tx.known_teams(ids).await?;
    if ids.iter().any(|id| !known.contains(id)) {
        return Err(DeskError::refused("account.team_unknown", "one of these teams is not there any more"));
    }
    Ok(known)
}

async fn existing(tx: &mut Tx, id: AccountId) -> Result<Row, DeskError> {
    tx.account(id).await?.filter(|row| row.removed_at.is_none()).ok_or(DeskError::NotFound("account"))
}

fn present(row: Row, grants: &[(AccountId, TeamId)]) -> Account {
    Account {
        id: row.id,
        channel: row.channel,
        name: row.name,
        handle: row.handle,
        url: row.url,
        enabled: row.enabled,
        health: Health {
            state: row.health,
            code: row.health_code,
            cause: row.health_cause.map(|Json(words)| words),
            cure: row.health_cure.map(|Json(words)| words),
            since: row.health_since,
        },
        lag_ms: row.lag_ms,
        last_success_at: row.last_success_at,
        expires_at: row.expires_at,
        quota: row.quota.and_then(|Json(quota)| serde_json::from_value(quota).ok()),
        team_ids: grants.iter().filter(|(account, _)| *account == row.id).map(|(_, team)| *team).collect(),
        settings: row.settings.0,
        hook: None,
        calls: false,
        mailbox: false,
    }
}

pub(super) fn merge(into: &mut Value, from: Value) {
    if let (Value::Object(into), Value::Object(from)) = (into, from) {
        into.extend(from);
        into.retain(|_, value| !value.is_null());
    }
}

/// Checks what was filled in against the descriptor and parts the secrets from the rest. With `whole`, defaults are put in
/// and required fields must be there; without, what is emptied becomes its default or null, and an empty secret stays as it is.
///
/// # Errors
/// `Refused` with `account.field` and the field's key.
pub(crate) fn sort_fields(descriptor: &Descriptor, given: &Value, whole: bool) -> Result<(Value, Value), DeskError> {
    let wrong = |key: &str, why: &str| DeskError::Refused {
        code: "account.field",
        detail: format!("{key}: {why}"),
        extra: json!({ "field": key }),
    };
    let Value::Object(given) = given else { return Err(wrong("settings", "an object of fields is expected")) };
    if let Some(unknown) = given.keys().find(|key| !descriptor.fields.iter().any(|field| field.key == key.as_str())) {
        let known: Vec<&str> = descriptor.fields.iter().map(|field| field.key).collect();
        return Err(wrong(unknown, &format!("{} has no such field; it has {}", descriptor.name.0, known.join(", "))));
    }
    let (mut open, mut secret) = (Map::new(), Map::new());
    for field in descriptor.fields {
        let text = match given.get(field.key) {
            None | Some(Value::Null) => None,
            Some(Value::String(text)) => Some(clean(text.trim())).filter(|text| !text.is_empty()),
            Some(Value::Bool(value)) => Some(value.to_string()),
            Some(Value::Number(value)) => Some(value.to_string()),
            Some(_) => return Err(wrong(field.key, "a text is expected")),
        };
        let emptied = !whole && field.kind != FieldKind::Secret && given.contains_key(field.key);
        let Some(text) = text.or_else(|| field.default.filter(|_| whole || emptied).map(str::to_owned)) else {
            if field.required && (whole || emptied) {
                return Err(wrong(field.key, "this field is needed"));
            }
            // Having none is a choice too.
            if emptied {
                open.insert(field.key.to_owned(), Value::Null);
            }
            continue;
        };
        let value = match field.kind {
            FieldKind::Text | FieldKind::Secret | FieldKind::Lines | FieldKind::Mailbox => Value::String(text),
            FieldKind::Choice => {
                if !field.options.iter().any(|(value, _)| *value == text) {
                    let known: Vec<&str> = field.options.iter().map(|(value, _)| *value).collect();
                    return Err(wrong(field.key, &format!("choose one of {}", known.join(", "))));
                }
                Value::String(text)
            }
            FieldKind::Url => {
                let url: url::Url = text
                    .parse()
                    .map_err(|_| wrong(field.key, "this is not a web address; write it as https://example.org"))?;
                if !matches!(url.scheme(), "http" | "https") {
                    return Err(wrong(field.key, "the address must begin with https://"));
                }
                Value::String(text.trim_end_matches('/').to_owned())
            }
            FieldKind::Number => {
                Value::Number(text.parse::<i64>().map_err(|_| wrong(field.key, "this is not a whole number"))?.into())
            }
            FieldKind::Bool => Value::Bool(text.parse::<bool>().map_err(|_| wrong(field.key, "write true or false"))?),
        };
        if field.kind == FieldKind::Secret { &mut secret } else { &mut open }.insert(field.key.to_owned(), value);
    }
    Ok((Value::Object(open), Value::Object(secret)))
}
