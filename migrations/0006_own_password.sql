-- A password that somebody else chose and therefore knows: the first start's, an admin's, the command line's. Whoever signs in
-- with it is asked for one of their own. People who were there before chose theirs, as far as anybody can tell.
ALTER TABLE users ADD COLUMN password_temporary BOOLEAN NOT NULL DEFAULT FALSE;
