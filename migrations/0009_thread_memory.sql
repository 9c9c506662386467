-- What a channel remembers of a thread (blocked, a window that ends); opaque to the desk, given back when it is asked what is allowed.
ALTER TABLE threads ADD COLUMN memory JSON;
