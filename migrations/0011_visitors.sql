-- Who talks to us through our own door.

CREATE TABLE visitors (
    id             UUID PRIMARY KEY NOT NULL,           -- also their identity's and their thread's external id
    account_id     UUID NOT NULL REFERENCES accounts (id),
    customer       TEXT,                                -- the organisation's own key for them, proven
    hint           TEXT,                                -- the key a page named without proof: only tells one person from the next
    name           TEXT,
    email          TEXT,
    email_verified BOOLEAN NOT NULL DEFAULT FALSE,
    phone          TEXT,
    phone_verified BOOLEAN NOT NULL DEFAULT FALSE,
    avatar_url     TEXT,
    language       TEXT,
    blocked_at     BIGINT,
    created_at     BIGINT NOT NULL
);
-- One customer is one visitor, on every device.
CREATE UNIQUE INDEX visitors_customer ON visitors (account_id, customer) WHERE customer IS NOT NULL;

CREATE TABLE visits (
    -- SHA-256 of the token, hex: who reads this table cannot speak for anybody.
    token_hash TEXT PRIMARY KEY NOT NULL,
    visitor_id UUID NOT NULL REFERENCES visitors (id),
    created_at BIGINT NOT NULL,
    seen_at    BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX visits_visitor ON visits (visitor_id);
CREATE INDEX visits_expires ON visits (expires_at);

-- Files a visitor uploaded and has not sent yet.
CREATE TABLE visitor_files (
    id         UUID PRIMARY KEY NOT NULL,
    visitor_id UUID NOT NULL REFERENCES visitors (id),
    name       TEXT NOT NULL,
    mime       TEXT NOT NULL,
    size       BIGINT NOT NULL,
    hash       TEXT NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE INDEX visitor_files_visitor ON visitor_files (visitor_id);
CREATE INDEX visitor_files_created ON visitor_files (created_at);
