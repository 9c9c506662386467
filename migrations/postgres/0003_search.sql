-- Full text over messages. 'simple' because Dutch, English and handles stand in one column.
ALTER TABLE messages ADD COLUMN search tsvector GENERATED ALWAYS AS (to_tsvector('simple', text)) STORED;
CREATE INDEX messages_search ON messages USING gin (search);
-- Words that are in every second message: their newest are found by walking back, not by sorting them all.
CREATE INDEX messages_newest ON messages (ingested_at);
