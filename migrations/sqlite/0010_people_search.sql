-- Finding people by how a name or handle begins.
CREATE INDEX identities_handle_begins ON identities (lower(handle));
CREATE INDEX identities_name_begins ON identities (lower(name));
