//! Every channel there is: one line each.

use super::Descriptor;

/// In the order in which they are offered.
static CHANNELS: &[&Descriptor] = &[
    &super::mastodon::DESCRIPTOR,
    &super::bluesky::DESCRIPTOR,
    &super::matrix::DESCRIPTOR,
    &super::email::DESCRIPTOR,
    &super::telegram::DESCRIPTOR,
    &super::api::DESCRIPTOR,
    &super::form::DESCRIPTOR,
    &super::webchat::DESCRIPTOR,
    &super::feed::DESCRIPTOR,
    &super::forum::DESCRIPTOR,
    &super::phone::DESCRIPTOR,
    &super::notify::DESCRIPTOR,
];

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
