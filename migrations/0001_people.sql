-- People: who signs in, in which teams, with what.
--
-- Palette of every migration here: UUID, TEXT (+ CHECK for enumerations), BIGINT for epoch milliseconds, BOOLEAN, JSON, DOUBLE PRECISION.
-- A JSON column holds an object, an array or a string, never a bare number: SQLite would turn that into an integer.

CREATE TABLE users (
    id UUID NOT NULL PRIMARY KEY,
    -- Lower case: two spellings of one address are one person.
    email TEXT NOT NULL UNIQUE CHECK (email = lower(email)),
    name TEXT NOT NULL,
    role TEXT NOT NULL CHECK (role IN ('agent', 'supervisor', 'admin', 'auditor')),
    locale TEXT NOT NULL DEFAULT 'en' CHECK (locale IN ('nl', 'en')),
    -- argon2id in PHC form; empty for somebody who cannot sign in with a password.
    password_hash TEXT NOT NULL,
    preferences JSON NOT NULL,
    active BOOLEAN NOT NULL DEFAULT TRUE,
    created_at BIGINT NOT NULL,
    last_seen_at BIGINT
);

CREATE TABLE teams (
    id UUID NOT NULL PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    created_at BIGINT NOT NULL
);

CREATE TABLE team_members (
    team_id UUID NOT NULL REFERENCES teams (id) ON DELETE CASCADE,
    user_id UUID NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    PRIMARY KEY (team_id, user_id)
);
CREATE INDEX team_members_user ON team_members (user_id);

-- An account that is granted to no team is everybody's. The table of accounts comes later, so there is no reference to it;
-- whoever removes an account removes its grants.
CREATE TABLE team_accounts (
    team_id UUID NOT NULL REFERENCES teams (id) ON DELETE CASCADE,
    account_id UUID NOT NULL,
    PRIMARY KEY (team_id, account_id)
);
CREATE INDEX team_accounts_account ON team_accounts (account_id);

CREATE TABLE sessions (
    -- SHA-256 of the cookie, hex: who reads this table cannot sign in with it.
    id_hash TEXT NOT NULL PRIMARY KEY,
    user_id UUID NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    seen_at BIGINT NOT NULL,
    user_agent TEXT NOT NULL
);
CREATE INDEX sessions_user ON sessions (user_id);
CREATE INDEX sessions_expires ON sessions (expires_at);

CREATE TABLE api_tokens (
    id UUID NOT NULL PRIMARY KEY,
    user_id UUID NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    -- SHA-256 of the token, hex.
    hash TEXT NOT NULL UNIQUE,
    created_at BIGINT NOT NULL,
    last_used_at BIGINT,
    expires_at BIGINT
);
CREATE INDEX api_tokens_user ON api_tokens (user_id);

-- What the deployment remembers about itself: one JSON object per key.
CREATE TABLE settings (
    key TEXT NOT NULL PRIMARY KEY,
    value JSON NOT NULL
);
