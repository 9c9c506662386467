-- The parser makes one word of an address, a host or a number with a dash, and nobody searches for it whole: every sign ends a word,
-- and letters lose their marks, as in the other engine. The query loses them in the same way.
ALTER TABLE messages DROP COLUMN search;
ALTER TABLE messages ADD COLUMN search tsvector GENERATED ALWAYS AS (to_tsvector('simple', translate(
    text,
    '!"#$%&''()*+,-./:;<=>?@[\]^_`{|}~áàâäãåéèêëíìîïóòôöõúùûüýÿñçÁÀÂÄÃÅÉÈÊËÍÌÎÏÓÒÔÖÕÚÙÛÜÝŸÑÇ',
    repeat(' ', 32) || 'aaaaaaeeeeiiiiooooouuuuyyncAAAAAAEEEEIIIIOOOOOUUUUYYNC'
))) STORED;
CREATE INDEX messages_search ON messages USING gin (search);
