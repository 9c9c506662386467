-- Finding people by how a name or handle begins; byte order, so that a range of texts is a range of the index.
CREATE INDEX identities_handle_begins ON identities ((lower(handle) COLLATE "C"));
CREATE INDEX identities_name_begins ON identities ((lower(name) COLLATE "C"));
