-- Deliveries that a person vouched for without the platform's word: its echo may still come.
CREATE INDEX outbox_vouched ON outbox (account_id) WHERE state = 'sent' AND doubtful;
