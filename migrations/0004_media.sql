-- What some media bring besides words: addressees, quotations, forms, receipts, reactions; evidence about people; promises with a date.

-- Absent for a message that has nothing of the kind.
ALTER TABLE messages ADD COLUMN extra JSON;
-- Written by a machine, and what kind of: nobody waits for an answer to it.
ALTER TABLE messages ADD COLUMN automatic TEXT;
-- By what name the message's HTML shows an inline picture.
ALTER TABLE attachments ADD COLUMN content_id TEXT;
-- When somebody was promised an answer or an outcome, and what the outcome was.
ALTER TABLE conversations ADD COLUMN due_at BIGINT;
ALTER TABLE conversations ADD COLUMN outcome TEXT;
-- When the credentials end by themselves, as far as known.
ALTER TABLE accounts ADD COLUMN expires_at BIGINT;

-- Evidence that two handles are one person. A verified claim was vouched for by a platform or a signature.
CREATE TABLE identity_claims (
    identity_id UUID NOT NULL REFERENCES identities (id),
    kind        TEXT NOT NULL,
    value       TEXT NOT NULL,
    verified    BOOLEAN NOT NULL,
    created_at  BIGINT NOT NULL,
    PRIMARY KEY (identity_id, kind, value)
);
CREATE INDEX identity_claims_value ON identity_claims (kind, value);
