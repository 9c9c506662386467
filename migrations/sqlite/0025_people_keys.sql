-- Finding people by how a name or handle begins, whatever its letters: the program writes how they are looked for. Here only what is
-- the same by any rule; the rest it writes when it starts.
ALTER TABLE identities ADD COLUMN handle_key TEXT;
ALTER TABLE identities ADD COLUMN name_key TEXT;
DROP INDEX identities_handle_begins;
DROP INDEX identities_name_begins;
UPDATE identities SET handle_key = lower(handle), name_key = lower(name)
    WHERE octet_length(handle) = length(handle) AND octet_length(name) = length(name);
CREATE INDEX identities_handle_key ON identities (handle_key);
CREATE INDEX identities_name_key ON identities (name_key);
