-- Content lies in the media folder once, however many rows name it: before it goes, all of them are asked.
CREATE INDEX attachments_hash ON attachments (hash) WHERE hash IS NOT NULL;
CREATE INDEX messages_source ON messages (json_extract(extra, '$.source.digest')) WHERE json_extract(extra, '$.source.digest') IS NOT NULL;
