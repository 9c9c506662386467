//! Every channel there is: one line each.

use super::Descriptor;

/// Hands the keys to `$use_them`, in the order in which the channels are offered. `mod.rs` makes a module of each, this file a list.
macro_rules! registry {
    ($use_them:ident) => {
        $use_them! {
            mastodon
            bluesky
            matrix
            email
            telegram
            api
            form
            webchat
            feed
            forum
            phone
            notify
        }
    };
}

macro_rules! list {
    ($($key:ident)*) => {
        static CHANNELS: &[&Descriptor] = &[$(&super::$key::DESCRIPTOR),*];
    };
}

registry!(list);

/// Every channel.
#[must_use]
pub fn all() -> &'static [&'static Descriptor] {
    CHANNELS
}

/// The channel with this key.
#[must_use]
pub fn find(key: &str) -> Option<&'static Descriptor> {
    CHANNELS.iter().copied().find(|channel| channel.key == key)
}
