//! Identifiers: UUIDv7 newtypes, so that ids sort by creation and cannot be mixed up.

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize, sqlx::Type, utoipa::ToSchema)]
        #[serde(transparent)]
        #[sqlx(transparent)]
        #[schema(value_type = uuid::Uuid)]
        pub struct $name(pub uuid::Uuid);

        impl $name {
            /// A fresh id, later than every id made before it on this machine.
            #[must_use]
            #[allow(clippy::new_without_default, reason = "a default would hide that every call gives another id")]
            pub fn new() -> Self {
                Self(uuid::Uuid::now_v7())
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, "{}({})", stringify!($name), self.0)
            }
        }

        impl std::str::FromStr for $name {
            type Err = uuid::Error;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }
    )*};
}

ids! {
    /// A connected presence of the organisation on a channel.
    AccountId,
    /// A file that belongs to a message.
    AttachmentId,
    /// A person.
    ContactId,
    /// What the team works on.
    ConversationId,
    /// An unsent reply.
    DraftId,
    /// A person's handle on one channel.
    IdentityId,
    /// One utterance.
    MessageId,
    /// One piece of outbound work.
    OutboxId,
    /// A payload that could not be read.
    QuarantineId,
    /// A label.
    TagId,
    /// A group of agents.
    TeamId,
    /// What the platform knows as one exchange.
    ThreadId,
    /// An API token.
    TokenId,
    /// A file an agent uploaded and has not sent yet.
    UploadId,
    /// Somebody who signs in.
    UserId,
    /// Somebody who talks to us through our own door.
    VisitorId,
}
