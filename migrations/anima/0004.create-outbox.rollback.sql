-- Drops unsent and rejected check-ins: drain the outbox first, what is in it is nowhere else.
DROP TABLE outbox_rejected;
DROP TABLE outbox;
