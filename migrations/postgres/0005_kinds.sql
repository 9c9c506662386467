-- Every new medium has kinds of its own; the program knows them, the table need not.
ALTER TABLE threads DROP CONSTRAINT threads_kind_check;
ALTER TABLE messages DROP CONSTRAINT messages_kind_check;
