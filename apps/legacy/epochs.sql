-- writer --
-- The last that was proven says who is the writer; before any it is the old server.
SELECT e.epoch, e.kind, e.turned_at
  FROM legacy.epochs AS e
 WHERE e.directory = %(directory)s AND e.turned_at IS NOT NULL
 ORDER BY e.epoch DESC
 LIMIT 1;

-- unfinished --
SELECT e.epoch, e.kind, e.turned_at
  FROM legacy.epochs AS e
 WHERE e.directory = %(directory)s AND e.finished_at IS NULL
 ORDER BY e.epoch DESC
 LIMIT 1;

-- marker --
SELECT e.marker FROM legacy.epochs AS e
 WHERE e.directory = %(directory)s AND e.kind = 'cutover' AND e.turned_at IS NOT NULL
 ORDER BY e.epoch DESC
 LIMIT 1;

-- fence --
-- Modes of the files of lines, to give them back one day.
SELECT e.modes FROM legacy.epochs AS e
 WHERE e.directory = %(directory)s AND e.kind = 'cutover' AND e.modes <> '{}'
 ORDER BY e.epoch DESC
 LIMIT 1;

-- begin --
INSERT INTO legacy.epochs (directory, kind) VALUES (%(directory)s, %(kind)s) RETURNING epoch;

-- fenced --
UPDATE legacy.epochs SET fenced_at = coalesce(fenced_at, now()), modes = modes || %(modes)s
 WHERE epoch = %(epoch)s;

-- prove --
-- In the transaction that switches the readers, too.
UPDATE legacy.epochs
   SET turned_at = clock_timestamp(), marker = pg_snapshot_xmin(pg_current_snapshot())::text,
       compared = %(compared)s, sha256 = %(sha256)s
 WHERE epoch = %(epoch)s;

-- switch_all --
UPDATE legacy.readers SET side = %(side)s, switched_at = clock_timestamp()
 WHERE directory = %(directory)s AND side <> %(side)s;

-- refuse --
UPDATE legacy.epochs SET refused = %(why)s, finished_at = now() WHERE epoch = %(epoch)s;

-- finish --
UPDATE legacy.epochs SET archive = %(archive)s, finished_at = now() WHERE epoch = %(epoch)s;

-- hold --
-- Who writes waits; whoever reads does not. What old files have no shape for goes on.
LOCK TABLE core.identities, core.sessions, core.agent_state, core.discoveries,
           core.discovery_tags, core.discovery_links, dialectic.sessions, dialectic.messages,
           audit.events, audit.tool_usage IN SHARE ROW EXCLUSIVE MODE;

-- unclean --
-- Readers whose last answers are not all equal for so long, or that nobody compared.
SELECT w.reader,
       CASE WHEN r.compared_at IS NULL THEN 'was never compared'
            WHEN r.clean_since IS NULL THEN 'differs'
            ELSE format('is clean for %%s s', floor(extract(epoch FROM
                        r.compared_at - r.clean_since))) END
  FROM unnest(%(readers)s::text[]) AS w (reader)
  LEFT JOIN legacy.readers AS r ON r.directory = %(directory)s AND r.reader = w.reader
 WHERE r.clean_since IS NULL
    OR r.compared_at - r.clean_since < make_interval(secs => %(window)s)
 ORDER BY w.reader;

-- seen --
-- All that lay in the old files at an instant is here.
UPDATE legacy.runs SET seen_at = %(at)s WHERE directory = %(directory)s;

-- now --
SELECT clock_timestamp();

-- seen_at --
SELECT seen_at FROM legacy.runs WHERE directory = %(directory)s;

-- history --
SELECT e.epoch, e.kind, e.begun_at, e.fenced_at, e.turned_at, e.finished_at, e.compared,
       encode(e.sha256, 'hex'), e.archive, e.refused
  FROM legacy.epochs AS e
 WHERE e.directory = %(directory)s
 ORDER BY e.epoch;

-- readers --
SELECT r.reader, r.side, r.switched_at, r.compared, r.stale, r.stale_seconds, r.own, r.differing,
       r.clean_since, r.compared_at
  FROM legacy.readers AS r
 WHERE r.directory = %(directory)s
 ORDER BY r.reader;

-- differences --
SELECT d.reader, d.asked, d.kind, d.old, d.new, d.found_at
  FROM legacy.differences AS d
 WHERE d.directory = %(directory)s
 ORDER BY d.reader, d.found_at, d.asked
 LIMIT 100;
