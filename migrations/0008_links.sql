-- One person, many channels: a contact stands for another until it is taken apart again. Nothing else is moved by it, so
-- that taking apart restores both as they were.
CREATE TABLE contact_links (
    contact_id UUID NOT NULL PRIMARY KEY REFERENCES contacts (id),
    person_id  UUID NOT NULL REFERENCES contacts (id),
    -- Why they are the same: email, phone, customer (a claim of both), or statement (somebody said so).
    evidence   TEXT NOT NULL,
    user_id    UUID REFERENCES users (id),
    created_at BIGINT NOT NULL,
    CHECK (contact_id <> person_id)
);
CREATE INDEX contact_links_person ON contact_links (person_id);
