//! The vocabulary: one enumeration per word of the desk.

use crate::text_enum;

text_enum!(
    /// Who can read along.
    Lane { Public = "public", Private = "private" }
);
text_enum!(
    /// What a thread is on its platform.
    ThreadKind {
        Post = "post",
        Dm = "dm",
        Mail = "mail",
        /// Our own web chat.
        Chat = "chat",
        /// A room or group with several people.
        Room = "room",
        Form = "form",
        Call = "call",
        /// An item of a feed.
        Feed = "feed",
    }
);
text_enum!(
    /// Which way a message goes. `Context` is neither: a post of somebody else that explains the thread.
    Direction { In = "in", Out = "out", Note = "note", Context = "context" }
);
text_enum!(
    /// Where a message was written.
    Origin {
        /// By the customer or a bystander, on the platform.
        Channel = "channel",
        /// By an agent, in Balie.
        Balie = "balie",
        /// By the organisation, in another client.
        Elsewhere = "elsewhere",
    }
);
text_enum!(
    /// What kind of utterance it is on its platform.
    MessageKind {
        Mention = "mention",
        Reply = "reply",
        Post = "post",
        Quote = "quote",
        Dm = "dm",
        Note = "note",
        Mail = "mail",
        Chat = "chat",
        Form = "form",
        Call = "call",
        /// An item of a feed.
        Item = "item",
    }
);
text_enum!(
    /// Whose turn it is.
    Status {
        /// Waits for us.
        Open = "open",
        /// Waits for the customer.
        Pending = "pending",
        /// Sleeps until a time.
        Snoozed = "snoozed",
        Closed = "closed",
    }
);
text_enum!(
    /// How much earlier than its age a conversation is served.
    Priority { Low = "low", Normal = "normal", High = "high", Urgent = "urgent" }
);
text_enum!(
    /// What somebody who signs in may do.
    Role { Agent = "agent", Supervisor = "supervisor", Admin = "admin", Auditor = "auditor" }
);
text_enum!(
    /// How far an outbound message got.
    DeliveryState {
        Queued = "queued",
        Sending = "sending",
        Sent = "sent",
        /// Will be tried again at a known time.
        Waiting = "waiting",
        /// May or may not have arrived; only a person may decide.
        Uncertain = "uncertain",
        /// The platform refused it.
        Rejected = "rejected",
        /// Given up by a person.
        Discarded = "discarded",
    }
);
text_enum!(
    /// The kind of a file.
    AttachmentKind { Image = "image", Video = "video", Audio = "audio", File = "file" }
);
text_enum!(
    /// Whether our own copy of a file is here.
    AttachmentState { Pending = "pending", Stored = "stored", Failed = "failed" }
);
text_enum!(
    /// How well an account works.
    HealthState { Starting = "starting", Ok = "ok", Degraded = "degraded", Down = "down" }
);
text_enum!(
    /// What an event says.
    EventKind {
        ConversationCreated = "conversation.created",
        ConversationChanged = "conversation.changed",
        MessageAdded = "message.added",
        MessageChanged = "message.changed",
        AccountChanged = "account.changed",
        TagChanged = "tag.changed",
        TeamChanged = "team.changed",
        UserChanged = "user.changed",
        Moderated = "message.moderated",
    }
);

impl Priority {
    /// The head start in the queue, in milliseconds: as if the customer had waited that much longer.
    /// A head start instead of strict bands keeps the order explainable and starves nobody.
    #[must_use]
    pub const fn head_start_ms(self) -> i64 {
        const HOUR: i64 = 3_600_000;
        match self {
            Self::Low => -4 * HOUR,
            Self::Normal => 0,
            Self::High => 4 * HOUR,
            Self::Urgent => 24 * HOUR,
        }
    }
}
