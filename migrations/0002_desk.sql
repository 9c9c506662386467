-- Accounts: one connected presence of the organisation on a channel.
CREATE TABLE accounts (
    id              UUID PRIMARY KEY NOT NULL,
    channel         TEXT NOT NULL,
    name            TEXT NOT NULL,
    brand           TEXT NOT NULL DEFAULT '',
    external_id     TEXT NOT NULL DEFAULT '',           -- who we are there; filled by the first probe
    handle          TEXT NOT NULL DEFAULT '',
    url             TEXT,
    settings        JSON NOT NULL,                      -- the descriptor's fields that are not secret
    secrets         TEXT NOT NULL DEFAULT '',           -- sealed under the master key, base64
    facts           JSON NOT NULL,                      -- what the last probe learned: the server's limits
    enabled         BOOLEAN NOT NULL,
    health          TEXT NOT NULL CHECK (health IN ('starting', 'ok', 'degraded', 'down')),
    health_code     TEXT,
    health_cause    JSON,                               -- {en, nl}
    health_cure     JSON,
    health_since    BIGINT NOT NULL,
    lag_ms          BIGINT,                             -- ingested minus posted, of the newest live message
    last_success_at BIGINT,
    quota           JSON,
    lease_owner     TEXT,                               -- the node that works for this account
    lease_until     BIGINT NOT NULL DEFAULT 0,
    revision        BIGINT NOT NULL DEFAULT 0,          -- grows with every change of settings, secrets or enabled
    created_at      BIGINT NOT NULL,
    removed_at      BIGINT
);

-- Where each feed goes on; written in the transaction of the items it covers.
CREATE TABLE cursors (
    account_id UUID NOT NULL REFERENCES accounts (id),
    feed       TEXT NOT NULL,
    cursor     JSON NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (account_id, feed)
);

-- Browser connections under way: state parameter, what the channel wants back, sealed.
CREATE TABLE connecting (
    state      TEXT PRIMARY KEY NOT NULL,
    channel    TEXT NOT NULL,
    user_id    UUID NOT NULL REFERENCES users (id),
    settings   JSON NOT NULL,
    keep       TEXT NOT NULL,
    expires_at BIGINT NOT NULL
);

CREATE TABLE contacts (
    id         UUID PRIMARY KEY NOT NULL,
    name       TEXT NOT NULL,
    created_at BIGINT NOT NULL
);

-- A person's handle on one channel. Unique per channel, so two accounts see one person.
CREATE TABLE identities (
    id          UUID PRIMARY KEY NOT NULL,
    contact_id  UUID NOT NULL REFERENCES contacts (id),
    channel     TEXT NOT NULL,
    external_id TEXT NOT NULL,
    handle      TEXT NOT NULL,
    name        TEXT NOT NULL,
    avatar_url  TEXT,
    url         TEXT,
    created_at  BIGINT NOT NULL,
    UNIQUE (channel, external_id)
);
CREATE INDEX identities_contact ON identities (contact_id);

-- What the team works on.
CREATE TABLE conversations (
    id               UUID PRIMARY KEY NOT NULL,
    account_id       UUID NOT NULL REFERENCES accounts (id),
    contact_id       UUID NOT NULL REFERENCES contacts (id),
    identity_id      UUID NOT NULL REFERENCES identities (id), -- the handle shown in the list
    status           TEXT NOT NULL CHECK (status IN ('open', 'pending', 'snoozed', 'closed')),
    lane             TEXT NOT NULL CHECK (lane IN ('public', 'private')), -- of the newest message
    subject          TEXT,
    snippet          TEXT NOT NULL DEFAULT '',
    last_direction   TEXT NOT NULL,
    priority         TEXT NOT NULL CHECK (priority IN ('low', 'normal', 'high', 'urgent')),
    queue_key        BIGINT NOT NULL,                   -- place in the list of its status, ascending: see Conversation::place
    waiting_since    BIGINT,                            -- first unanswered turn of the customer
    snoozed_until    BIGINT,
    reopened_at      BIGINT,
    woken_at         BIGINT,
    closed_at        BIGINT,
    assignee_id      UUID REFERENCES users (id),
    team_id          UUID REFERENCES teams (id),
    claim_user_id    UUID REFERENCES users (id),
    claim_token      BIGINT NOT NULL DEFAULT 0,         -- fencing: grows with every new claim, never goes back
    claim_until      BIGINT NOT NULL DEFAULT 0,
    message_count    BIGINT NOT NULL DEFAULT 0,
    delivery_problem BOOLEAN NOT NULL DEFAULT FALSE,
    history          BOOLEAN NOT NULL DEFAULT FALSE,    -- made of messages from before the account was connected
    version          BIGINT NOT NULL DEFAULT 0,
    first_in_at      BIGINT,
    last_in_at       BIGINT,
    last_out_at      BIGINT,
    last_message_at  BIGINT NOT NULL,
    created_at       BIGINT NOT NULL
);
CREATE INDEX conversations_queue ON conversations (status, queue_key, id);
CREATE INDEX conversations_recent ON conversations (last_message_at, id);
CREATE INDEX conversations_account_queue ON conversations (account_id, status, queue_key, id);
CREATE INDEX conversations_team_queue ON conversations (team_id, status, queue_key, id) WHERE team_id IS NOT NULL;
-- Nobody is somebody here: what is unassigned is a list too.
CREATE INDEX conversations_assignee_queue ON conversations (assignee_id, status, queue_key, id);
CREATE INDEX conversations_contact ON conversations (contact_id, account_id, last_message_at);
CREATE INDEX conversations_problem ON conversations (status, queue_key, id) WHERE delivery_problem;
CREATE INDEX conversations_account_problem ON conversations (status, account_id) WHERE delivery_problem;
CREATE INDEX conversations_snoozed ON conversations (snoozed_until) WHERE snoozed_until IS NOT NULL;
-- The board counts what waits every second.
CREATE INDEX conversations_waiting ON conversations (status, account_id, team_id, assignee_id, waiting_since) WHERE status = 'open';
CREATE INDEX conversations_claimed ON conversations (claim_until) WHERE claim_user_id IS NOT NULL;

-- What the platform knows as one exchange.
CREATE TABLE threads (
    id              UUID PRIMARY KEY NOT NULL,
    account_id      UUID NOT NULL REFERENCES accounts (id),
    conversation_id UUID NOT NULL REFERENCES conversations (id), -- where its next message goes
    external_id     TEXT NOT NULL,
    lane            TEXT NOT NULL CHECK (lane IN ('public', 'private')),
    kind            TEXT NOT NULL CHECK (kind IN ('post', 'dm')),
    title           TEXT,
    url             TEXT,
    version         BIGINT NOT NULL DEFAULT 0,          -- grows with every turn of either side
    created_at      BIGINT NOT NULL,
    UNIQUE (account_id, external_id)
);
CREATE INDEX threads_conversation ON threads (conversation_id);

CREATE TABLE messages (
    id                 UUID PRIMARY KEY NOT NULL,
    conversation_id    UUID NOT NULL REFERENCES conversations (id),
    thread_id          UUID REFERENCES threads (id),    -- null: a note
    account_id         UUID NOT NULL REFERENCES accounts (id),
    direction          TEXT NOT NULL CHECK (direction IN ('in', 'out', 'note', 'context')),
    origin             TEXT NOT NULL CHECK (origin IN ('channel', 'balie', 'elsewhere')),
    kind               TEXT NOT NULL CHECK (kind IN ('mention', 'reply', 'post', 'quote', 'dm', 'note')),
    external_id        TEXT,                            -- null until the platform has it
    identity_id        UUID REFERENCES identities (id),
    user_id            UUID REFERENCES users (id),
    text               TEXT NOT NULL,                   -- the newest version; older ones in message_versions
    html               TEXT,
    language           TEXT,
    content_warning    TEXT,
    visibility         TEXT,
    url                TEXT,
    reply_to           TEXT,                            -- external id
    reply_to_id        UUID,                            -- the message answered from here
    meta               JSON NOT NULL,                   -- the channel's own; opaque
    history            BOOLEAN NOT NULL DEFAULT FALSE,
    turn               BOOLEAN NOT NULL DEFAULT FALSE,  -- begins a turn of the customer: the unit of arrivals
    liked              BOOLEAN NOT NULL DEFAULT FALSE,
    boosted            BOOLEAN NOT NULL DEFAULT FALSE,
    sent_at            BIGINT NOT NULL,                 -- as the platform says, never later than ingested_at
    ingested_at        BIGINT NOT NULL,
    edited_at          BIGINT,
    removed_at         BIGINT,
    delivery           TEXT CHECK (delivery IN ('queued', 'sending', 'sent', 'waiting', 'uncertain', 'rejected', 'discarded'))
);
-- Exactly once in effect: the same item by poll, webhook, stream and backfill is one row.
CREATE UNIQUE INDEX messages_external ON messages (account_id, external_id) WHERE external_id IS NOT NULL;
CREATE INDEX messages_conversation ON messages (conversation_id, sent_at, id);
CREATE INDEX messages_thread ON messages (thread_id, sent_at, id);
CREATE INDEX messages_turns ON messages (ingested_at, account_id) WHERE turn;
CREATE INDEX messages_answers ON messages (sent_at) WHERE direction = 'out';

-- Older texts: a customer's words are never edited in place.
CREATE TABLE message_versions (
    message_id      UUID NOT NULL REFERENCES messages (id),
    version         BIGINT NOT NULL,
    text            TEXT NOT NULL,
    content_warning TEXT,
    at              BIGINT NOT NULL,
    PRIMARY KEY (message_id, version)
);

CREATE TABLE attachments (
    id         UUID PRIMARY KEY NOT NULL,
    message_id UUID NOT NULL REFERENCES messages (id),
    position   BIGINT NOT NULL,
    kind       TEXT NOT NULL CHECK (kind IN ('image', 'video', 'audio', 'file')),
    remote_url TEXT,
    mime       TEXT,
    name       TEXT,
    alt        TEXT,
    size       BIGINT,
    width      BIGINT,
    height     BIGINT,
    state      TEXT NOT NULL CHECK (state IN ('pending', 'stored', 'failed')),
    hash       TEXT,                                    -- of the content: its name in the media folder
    attempts   BIGINT NOT NULL DEFAULT 0,
    due_at     BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX attachments_message ON attachments (message_id, position);
CREATE INDEX attachments_pending ON attachments (due_at) WHERE state = 'pending';

-- Files an agent uploaded and has not sent yet.
CREATE TABLE uploads (
    id         UUID PRIMARY KEY NOT NULL,
    user_id    UUID NOT NULL REFERENCES users (id),
    name       TEXT NOT NULL,
    mime       TEXT NOT NULL,
    size       BIGINT NOT NULL,
    hash       TEXT NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE tags (
    id         UUID PRIMARY KEY NOT NULL,
    name       TEXT NOT NULL UNIQUE,
    color      TEXT NOT NULL DEFAULT '',
    archived   BOOLEAN NOT NULL DEFAULT FALSE,
    created_at BIGINT NOT NULL
);

CREATE TABLE conversation_tags (
    conversation_id UUID NOT NULL REFERENCES conversations (id),
    tag_id          UUID NOT NULL REFERENCES tags (id),
    PRIMARY KEY (conversation_id, tag_id)
);
CREATE INDEX conversation_tags_tag ON conversation_tags (tag_id, conversation_id);

CREATE TABLE drafts (
    conversation_id UUID NOT NULL REFERENCES conversations (id),
    user_id         UUID NOT NULL REFERENCES users (id),
    body            JSON NOT NULL,
    updated_at      BIGINT NOT NULL,
    PRIMARY KEY (conversation_id, user_id)
);

-- Outbound work; a row is written with the message it sends.
CREATE TABLE outbox (
    id             UUID PRIMARY KEY NOT NULL,
    message_id     UUID NOT NULL UNIQUE REFERENCES messages (id),
    account_id     UUID NOT NULL REFERENCES accounts (id),
    thread_id      UUID NOT NULL REFERENCES threads (id),
    state          TEXT NOT NULL CHECK (state IN ('queued', 'sending', 'sent', 'waiting', 'uncertain', 'rejected', 'discarded')),
    due_at         BIGINT NOT NULL,
    attempts       BIGINT NOT NULL DEFAULT 0,
    doubtful       BOOLEAN NOT NULL DEFAULT FALSE,      -- an earlier attempt may have arrived: look before sending
    lease_owner    TEXT,
    lease_until    BIGINT NOT NULL DEFAULT 0,
    code           TEXT,
    cause          JSON,
    cure           JSON,
    waiting_before BIGINT,                              -- put back as waiting_since when the platform refuses
    status_before  TEXT NOT NULL,
    created_at     BIGINT NOT NULL
);
CREATE INDEX outbox_due ON outbox (due_at) WHERE state IN ('queued', 'waiting', 'sending');
CREATE INDEX outbox_thread ON outbox (thread_id, created_at, id) WHERE state IN ('queued', 'waiting', 'sending', 'uncertain');
CREATE INDEX outbox_account ON outbox (account_id) WHERE state IN ('queued', 'waiting', 'sending', 'uncertain');

-- A request with the same key gets the same answer.
CREATE TABLE idempotency (
    user_id    UUID NOT NULL REFERENCES users (id),
    key        TEXT NOT NULL,
    request    TEXT NOT NULL,                           -- hash of what was asked: the same key for something else is refused
    message_id UUID NOT NULL REFERENCES messages (id),
    created_at BIGINT NOT NULL,
    PRIMARY KEY (user_id, key)
);

-- Every change of anything. Numbered so that whoever sees n has seen all below n.
CREATE TABLE events (
    seq             BIGINT PRIMARY KEY NOT NULL,
    at              BIGINT NOT NULL,
    kind            TEXT NOT NULL,
    conversation_id UUID,
    message_id      UUID,
    account_id      UUID,
    actor           TEXT NOT NULL CHECK (actor IN ('user', 'channel', 'system')),
    user_id         UUID,
    data            JSON NOT NULL
);
CREATE INDEX events_conversation ON events (conversation_id, seq);

-- Payloads that could not be read, whole.
CREATE TABLE quarantine (
    id          UUID PRIMARY KEY NOT NULL,
    account_id  UUID NOT NULL REFERENCES accounts (id),
    source      TEXT NOT NULL,
    payload     TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    error       TEXT NOT NULL,
    state       TEXT NOT NULL CHECK (state IN ('held', 'replayed', 'dismissed')),
    seen        BIGINT NOT NULL DEFAULT 1,
    created_at  BIGINT NOT NULL,
    settled_at  BIGINT,
    UNIQUE (account_id, fingerprint)
);
