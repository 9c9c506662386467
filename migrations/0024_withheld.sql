-- Of a removed account that was granted to teams which are all gone by now: it must not become everybody's.
ALTER TABLE accounts ADD COLUMN withheld BOOLEAN NOT NULL DEFAULT FALSE;
