-- What was left where it cannot be answered and went to a mailbox: each once, whichever mailbox is set by then.
CREATE TABLE handed_over (
    account_id  UUID NOT NULL REFERENCES accounts (id), -- where it was left
    external_id TEXT NOT NULL,                          -- its name there
    message_id  UUID NOT NULL,                          -- what it became at the mailbox
    PRIMARY KEY (account_id, external_id)
);
