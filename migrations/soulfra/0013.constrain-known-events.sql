-- Of the events that are there none is of another type; nobody waits while they are looked at.
-- depends: 0012.constrain-event-types
-- ensure: SELECT c.convalidated FROM pg_catalog.pg_constraint AS c WHERE c.conrelid = 'log.events'::pg_catalog.regclass AND c.conname = 'events_type_check'

ALTER TABLE log.events VALIDATE CONSTRAINT events_type_check;
