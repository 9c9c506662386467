//! The channels there are, as the connect screen draws them.

use crate::channels::descriptor::Field;
use crate::channels::{Descriptor, FieldKind, Words, registry};
use crate::model::Lane;

/// A channel that can be connected.
#[derive(Clone, Debug, serde::Serialize, utoipa::ToSchema)]
#[schema(as = Channel)]
pub struct ChannelView {
    pub key: &'static str,
    pub name: Words,
    /// An SVG of our own, 24 × 24, `currentColor`.
    pub icon: &'static str,
    pub fields: Vec<FieldView>,
    /// Can be connected in the browser.
    pub oauth: bool,
    pub lanes: Vec<Lane>,
    /// How an admin gets what the fields ask for; Markdown.
    pub setup: Words,
}

/// One thing to fill in.
#[derive(Clone, Debug, serde::Serialize, utoipa::ToSchema)]
#[schema(as = ChannelField)]
pub struct FieldView {
    pub key: &'static str,
    pub label: Words,
    pub help: Words,
    pub kind: FieldKind,
    pub required: bool,
    pub default: Option<&'static str>,
    /// Of a choice.
    pub options: Vec<OptionView>,
}

/// One of a choice.
#[derive(Clone, Debug, serde::Serialize, utoipa::ToSchema)]
#[schema(as = ChannelFieldOption)]
pub struct OptionView {
    pub value: &'static str,
    pub label: Words,
}

/// Every channel, in the order in which they are offered.
#[must_use]
pub fn channels() -> Vec<ChannelView> {
    registry::all().iter().map(|channel| view(channel)).collect()
}

fn view(channel: &Descriptor) -> ChannelView {
    ChannelView {
        key: channel.key,
        name: Words::new(channel.name.0, channel.name.1),
        icon: channel.icon,
        fields: channel.fields.iter().map(field).collect(),
        oauth: channel.oauth.is_some(),
        lanes: channel.lanes.to_vec(),
        setup: Words::new(channel.setup.0, channel.setup.1),
    }
}

fn field(field: &Field) -> FieldView {
    FieldView {
        key: field.key,
        label: Words::new(field.label.0, field.label.1),
        help: Words::new(field.help.0, field.help.1),
        kind: field.kind,
        required: field.required,
        default: field.default,
        options: field
            .options
            .iter()
            .map(|(value, (en, nl))| OptionView { value, label: Words::new(*en, *nl) })
            .collect(),
    }
}
