-- Every new medium has kinds of its own; the program knows them, the table need not. SQLite cannot drop a CHECK but lets
-- its text be taken out, which changes nothing on the pages (sqlite.org/lang_altertable.html, "Making Other Kinds Of Table
-- Schema Changes").
PRAGMA writable_schema = ON;
UPDATE sqlite_schema SET sql = replace(sql, ' CHECK (kind IN (''post'', ''dm''))', '') WHERE type = 'table' AND name = 'threads';
UPDATE sqlite_schema SET sql = replace(sql, ' CHECK (kind IN (''mention'', ''reply'', ''post'', ''quote'', ''dm'', ''note''))', '') WHERE type = 'table' AND name = 'messages';
PRAGMA writable_schema = RESET;
