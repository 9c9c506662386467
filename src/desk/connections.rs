//! Connected channels, one per account, made when first needed and again when the account changed.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use base64::Engine;
use serde_json::Value;

use crate::channels::{
    Channel, ChannelError, Class, Client, Context, Descriptor, MemorySecrets, Secrets, Words, registry,
};
use crate::model::AccountId;
use crate::secret::MasterKey;
use crate::store::accounts::Account;
use crate::store::{Actor, Store};

/// A channel and the account's revision it was made for.
type Made = (i64, Arc<dyn Channel>);

/// Makes and keeps connected channels.
pub struct Connections {
    store: Store,
    client: Client,
    key: Arc<MasterKey>,
    history: Duration,
    cache: Mutex<HashMap<AccountId, Made>>,
}

impl Connections {
    #[must_use]
    pub fn new(store: Store, client: Client, key: Arc<MasterKey>, history: Duration) -> Self {
        Self { store, client, key, history, cache: Mutex::default() }
    }

    #[must_use]
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// The channel of an account, as the account is now.
    ///
    /// # Errors
    /// When the channel is not in this build, or its settings cannot be used.
    pub fn get(&self, account: &Account) -> Result<Arc<dyn Channel>, ChannelError> {
        let mut cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((revision, channel)) = cache.get(&account.id)
            && *revision == account.revision
        {
            return Ok(channel.clone());
        }
        let descriptor = descriptor(&account.channel)?;
        let secrets = Sealed { store: self.store.clone(), key: self.key.clone(), account: account.id };
        let channel = (descriptor.connect)(self.context(account.settings.0.clone(), Arc::new(secrets)))?;
        cache.insert(account.id, (account.revision, channel.clone()));
        Ok(channel)
    }

    /// A channel for trying settings that are not stored.
    ///
    /// # Errors
    /// As `get`.
    pub fn trial(&self, channel: &str, settings: Value, secrets: Value) -> Result<Arc<dyn Channel>, ChannelError> {
        (descriptor(channel)?.connect)(self.context(settings, Arc::new(MemorySecrets::new(secrets))))
    }

    /// What a channel is connected with.
    #[must_use]
    pub fn context(&self, settings: Value, secrets: Arc<dyn Secrets>) -> Context {
        Context {
            client: self.client.clone(),
            clock: self.store.clock().clone(),
            settings,
            secrets,
            history: self.history,
        }
    }

    /// Seals an account's secrets for the store.
    #[must_use]
    pub fn seal(&self, account: AccountId, secrets: &Value) -> String {
        seal(&self.key, account, secrets)
    }

    /// Opens an account's secrets, for verifying what a platform sends us.
    ///
    /// # Errors
    /// When they were sealed under another key.
    pub fn open(&self, account: &Account) -> Result<Value, ChannelError> {
        open(&self.key, account.id, &account.secrets)
    }

    /// Seals anything short-lived under a name.
    #[must_use]
    pub fn seal_text(&self, place: &str, plain: &str) -> String {
        base64::engine::general_purpose::STANDARD.encode(self.key.seal(place, plain.as_bytes()))
    }

    /// A keyed mark over some text, for addresses that expire.
    #[must_use]
    pub fn sign(&self, purpose: &str, text: &str) -> String {
        self.key.sign(purpose, text)
    }

    /// Opens what `seal_text` sealed.
    #[must_use]
    pub fn open_text(&self, place: &str, sealed: &str) -> Option<String> {
        let sealed = base64::engine::general_purpose::STANDARD.decode(sealed).ok()?;
        String::from_utf8(self.key.open(place, &sealed).ok()?).ok()
    }
}

/// The channel's static side.
///
/// # Errors
/// When this build does not know it.
pub fn descriptor(key: &str) -> Result<&'static Descriptor, ChannelError> {
    registry::find(key).ok_or_else(|| {
        ChannelError::rejected("channel.unknown", format!("this version of Balie has no channel \"{key}\"."))
    })
}

fn place(account: AccountId) -> String {
    format!("account/{account}")
}

fn seal(key: &MasterKey, account: AccountId, secrets: &Value) -> String {
    base64::engine::general_purpose::STANDARD.encode(key.seal(&place(account), secrets.to_string().as_bytes()))
}

fn open(key: &MasterKey, account: AccountId, sealed: &str) -> Result<Value, ChannelError> {
    if sealed.is_empty() {
        return Ok(Value::Object(serde_json::Map::new()));
    }
    base64::engine::general_purpose::STANDARD
        .decode(sealed)
        .ok()
        .and_then(|sealed| key.open(&place(account), &sealed).ok())
        .and_then(|plain| serde_json::from_slice(&plain).ok())
        .ok_or_else(|| {
            ChannelError::new(
                Class::Unauthorized,
                "secrets.unreadable",
                Words::new(
                    "The stored credentials cannot be decrypted with this master key.",
                    "De opgeslagen inloggegevens zijn met deze hoofdsleutel niet te ontcijferen.",
                ),
                Words::new(
                    "Put the right master key back, or enter the credentials again.",
                    "Zet de juiste hoofdsleutel terug, of voer de inloggegevens opnieuw in.",
                ),
            )
        })
}

struct Sealed {
    store: Store,
    key: Arc<MasterKey>,
    account: AccountId,
}

#[async_trait]
impl Secrets for Sealed {
    async fn load(&self) -> Result<Value, ChannelError> {
        let account =
            self.store.account(self.account).await.map_err(|error| ChannelError::transient(error.to_string()))?;
        let account = account.ok_or_else(|| ChannelError::rejected("account.removed", "the account was removed."))?;
        open(&self.key, self.account, &account.secrets)
    }

    async fn save(&self, secrets: &Value) -> Result<(), ChannelError> {
        let sealed = seal(&self.key, self.account, secrets);
        let saved = async {
            let mut tx = self.store.begin(Actor::System).await?;
            tx.save_secrets(self.account, &sealed).await?;
            tx.commit().await
        };
        saved.await.map(|_| ()).map_err(|error| ChannelError::transient(error.to_string()))
    }
}
