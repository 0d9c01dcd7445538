-- hold --
-- One mover at a time, as long as its connection to home lives.
SELECT pg_try_advisory_lock(hashtext('shard.moves'));

-- begin --
SELECT shard.begin(%(name)s);

-- here --
SELECT p.name FROM shard.places AS p WHERE p.here;

-- place --
SELECT p.place FROM shard.places AS p WHERE p.name = %(name)s;

-- join --
INSERT INTO shard.places (name, place, here) VALUES (%(name)s, %(place)s, false)
ON CONFLICT (name) DO UPDATE SET place = excluded.place;

-- elsewhere --
-- Slots of a range that are not the target's yet, in runs of one owner.
SELECT min(s.slot), max(s.slot), s.shard
  FROM (SELECT m.slot, m.shard, m.slot - row_number() OVER (PARTITION BY m.shard ORDER BY m.slot)
               AS run
          FROM shard.map AS m
         WHERE m.slot BETWEEN %(first)s AND %(last)s AND m.shard <> %(target)s) AS s
 GROUP BY s.shard, s.run
 ORDER BY 1;

-- unfinished --
SELECT m.id, m.first_slot, m.last_slot, m.source, m.target, m.step
  FROM shard.moves AS m WHERE m.step IN ('copying', 'flipped') ORDER BY m.id;

-- open_move --
INSERT INTO shard.moves (first_slot, last_slot, source, target)
VALUES (%(first)s, %(last)s, %(source)s, %(target)s)
RETURNING id, first_slot, last_slot, source, target, step;

-- arrive --
UPDATE shard.slots AS s SET state = 'arriving'
 WHERE s.slot BETWEEN %(first)s AND %(last)s AND s.state = 'away';

-- freeze --
-- One slot a transaction: whoever writes there now is waited for, and waits for nobody who waits.
UPDATE shard.slots AS s
   SET state = 'frozen', frozen_until = clock_timestamp() + make_interval(secs => %(seconds)s)
 WHERE s.slot = %(slot)s AND s.state IN ('here', 'frozen');

-- still --
-- Whoever writes there, having found the freeze to be over, is waited for before the clock is asked.
SELECT s.slot FROM shard.slots AS s
 WHERE s.slot BETWEEN %(first)s AND %(last)s ORDER BY s.slot FOR UPDATE;

-- seal --
-- From here on nobody writes to them until the map is changed, or the move is undone.
UPDATE shard.slots AS s SET state = 'away', frozen_until = NULL
 WHERE s.slot BETWEEN %(first)s AND %(last)s
   AND s.state = 'frozen' AND s.frozen_until > clock_timestamp();

-- thaw --
UPDATE shard.slots AS s SET state = 'here', frozen_until = NULL
 WHERE s.slot BETWEEN %(first)s AND %(last)s AND s.state IN ('frozen', 'away');

-- send_back --
UPDATE shard.slots AS s SET state = 'away'
 WHERE s.slot BETWEEN %(first)s AND %(last)s AND s.state = 'arriving';

-- epochs --
SELECT array_agg(m.slot ORDER BY m.slot), array_agg(m.epoch ORDER BY m.slot)
  FROM shard.map AS m WHERE m.slot BETWEEN %(first)s AND %(last)s;

-- settle --
-- With the map's epoch: whoever asks by an older map finds another one.
UPDATE shard.slots AS s SET state = 'here', epoch = new.epoch
  FROM unnest(%(slots)s::integer[], %(epochs)s::bigint[]) AS new (slot, epoch)
 WHERE s.slot = new.slot AND s.state = 'arriving';

-- registered_here --
-- What was to be carried away and is here now: where it was registered.
DELETE FROM shard.registrations AS r WHERE r.slot BETWEEN %(first)s AND %(last)s;

-- quick --
-- A freeze that a crash takes back is seen to be so when it is to be sealed.
SELECT set_config('synchronous_commit', %(commit)s, false);

-- states --
SELECT s.state, count(*) FROM shard.slots AS s
 WHERE s.slot BETWEEN %(first)s AND %(last)s GROUP BY s.state;

-- flip --
UPDATE shard.map AS m SET shard = %(target)s, epoch = m.epoch + 1
 WHERE m.slot BETWEEN %(first)s AND %(last)s AND m.shard = %(source)s;

-- flipped --
UPDATE shard.moves AS m
   SET step = 'flipped', agents = %(agents)s, events = %(events)s, checksum = %(checksum)s,
       frozen_ms = %(frozen_ms)s, moved_at = clock_timestamp()
 WHERE m.id = %(id)s AND m.step = 'copying';

-- ended --
UPDATE shard.moves AS m SET step = %(step)s, moved_at = clock_timestamp() WHERE m.id = %(id)s;

-- prune --
SELECT shard.prune(%(slots)s, %(most)s);

-- heads --
-- How long the life of each agent of these slots is. Who is registered, and yet to be carried to
-- where its slot is going, goes with its registration.
SELECT a.agent_id, max(e.version)
  FROM soulfra.agents AS a
  JOIN log.events AS e ON e.stream = 'agent:' || a.agent_id
 WHERE a.slot BETWEEN %(first)s AND %(last)s
   AND NOT EXISTS (SELECT FROM shard.registrations AS r WHERE r.agent_id = a.agent_id)
 GROUP BY a.agent_id;

-- lengths --
SELECT substr(e.stream, 7), max(e.version)
  FROM log.events AS e
 WHERE e.stream = ANY (SELECT 'agent:' || g FROM unnest(%(agents)s::text[]) AS g)
 GROUP BY e.stream;

-- ahead --
-- The next events that the target has not: each life in its order, lives as they were interleaved.
-- As text, so that no number is written otherwise than it was.
SELECT jsonb_agg(jsonb_build_object(
           'stream', e.stream, 'version', e.version, 'type', e.type,
           'schema_version', e.schema_version, 'recorded_at', e.recorded_at, 'data', e.data,
           'metadata', e.metadata) ORDER BY e.transaction_id, e.position)::text,
       jsonb_object_agg(substr(e.stream, 7), e.version ORDER BY e.version),
       array_agg(DISTINCT e.type)
  FROM (SELECT v.stream, v.version, v.type, v.schema_version, v.recorded_at, v.data, v.metadata,
               v.transaction_id, v.position
          FROM jsonb_each_text(%(have)s) AS h (agent_id, version)
          JOIN log.events AS v
            ON v.stream = 'agent:' || h.agent_id AND v.version > h.version::bigint
         ORDER BY v.transaction_id, v.position
         LIMIT %(limit)s) AS e;

-- take --
-- Each as the next of its life, chained anew: what differs is seen when both sides are compared.
WITH new AS MATERIALIZED (
    SELECT n.stream, n.version, n.type, n.schema_version, n.recorded_at, n.data, n.metadata,
           n.ordinality, row_number() OVER life + coalesce(l.version, 0) AS next,
           log.chained(l.sha256, n.stream, n.version, n.type, n.schema_version, n.recorded_at,
                       n.data, n.metadata) OVER life AS sha256
      FROM ROWS FROM (jsonb_to_recordset(%(events)s::jsonb) AS (
               stream text, version bigint, type text, schema_version integer,
               recorded_at timestamptz, data jsonb, metadata jsonb)) WITH ORDINALITY AS n
      LEFT JOIN LATERAL (SELECT e.version, e.sha256 FROM log.events AS e
                          WHERE e.stream = n.stream
                          ORDER BY e.version DESC LIMIT 1) AS l ON true
    WINDOW life AS (PARTITION BY n.stream ORDER BY n.ordinality)
)
INSERT INTO log.events (
    stream, version, type, schema_version, recorded_at, data, metadata, sha256)
SELECT n.stream, n.version, n.type, n.schema_version, n.recorded_at, n.data, n.metadata, n.sha256
  FROM new AS n
 WHERE n.version = n.next
 ORDER BY n.ordinality;

-- commands --
-- What was done to these agents on their own shard: given again, it must be known where they are.
SELECT jsonb_agg(to_jsonb(c) || jsonb_build_object('body_sha256', encode(c.body_sha256, 'hex')))::text
  FROM log.commands AS c
 WHERE c.name <> 'register-agent'
   AND c.command_id = ANY (
       SELECT (n ->> 'command_id')::uuid FROM jsonb_path_query(%(events)s::jsonb, '$[*].metadata') AS n);

-- take_commands --
INSERT INTO log.commands (command_id, name, body_sha256, answer, done_at)
SELECT new.command_id, new.name, decode(new.body_sha256, 'hex'), new.answer, new.done_at
  FROM jsonb_to_recordset(%(commands)s::jsonb) AS new (
       command_id uuid, name text, body_sha256 text, answer jsonb, done_at timestamptz)
ON CONFLICT (command_id) DO NOTHING;

-- said --
-- What rows of agents say that no event does.
SELECT jsonb_agg(jsonb_build_object(
           'agent_id', a.agent_id, 'consciousness_score', a.consciousness_score,
           'memory_depth', a.memory_depth))::text
  FROM soulfra.agents AS a
 WHERE a.agent_id = ANY (%(agents)s);

-- say --
UPDATE soulfra.agents AS a
   SET consciousness_score = new.consciousness_score, memory_depth = new.memory_depth
  FROM jsonb_to_recordset(%(said)s::jsonb) AS new (
       agent_id text, consciousness_score numeric, memory_depth integer)
 WHERE a.agent_id = new.agent_id
   AND (a.consciousness_score, a.memory_depth) IS DISTINCT FROM
       (new.consciousness_score, new.memory_depth);

-- checksum --
-- Of some agents: how many there are, the events of their lives, and a hash of rows, events and
-- done commands that asks for no place in a log.
WITH agent AS (
    SELECT a.agent_id, sha256(convert_to(jsonb_build_array(
               a.agent_id, a.owner_id, a.archetype, a.current_tone, a.consciousness_score,
               a.memory_depth, extract(epoch FROM a.created_at), a.slot, a.version)::text, 'UTF8'))
           AS sha256
      FROM soulfra.agents AS a
     WHERE a.agent_id = ANY (%(agents)s)
), life AS (
    SELECT a.agent_id, count(*) AS events,
           sha256(string_agg(e.sha256, '' ORDER BY e.version)) AS sha256,
           sha256(string_agg(sha256(convert_to(jsonb_build_array(
               c.command_id, c.name, encode(c.body_sha256, 'hex'), c.answer,
               extract(epoch FROM c.done_at))::text, 'UTF8')), '' ORDER BY e.version)) AS commands
      FROM agent AS a
      JOIN log.events AS e ON e.stream = 'agent:' || a.agent_id
      LEFT JOIN log.commands AS c
        ON c.command_id = (e.metadata ->> 'command_id')::uuid AND c.name <> 'register-agent'
     GROUP BY a.agent_id
)
SELECT count(*), coalesce(sum(l.events), 0)::bigint,
       encode(sha256(coalesce(string_agg(
           a.sha256 || l.sha256 || coalesce(l.commands, ''), '' ORDER BY a.agent_id COLLATE "C"), '')),
           'hex')
  FROM agent AS a
  JOIN life AS l ON l.agent_id = a.agent_id;

-- map --
SELECT m.slot, m.shard, m.epoch FROM shard.map AS m ORDER BY m.slot;

-- held --
SELECT s.slot, s.state FROM shard.slots AS s ORDER BY s.slot;

-- counts --
-- Agents whose slot is here, and the events of their lives.
SELECT count(*), coalesce(sum(a.version), 0)::bigint
  FROM soulfra.agents AS a
  JOIN shard.slots AS s ON s.slot = a.slot
 WHERE s.state IN ('here', 'frozen');

-- known --
SELECT p.name, p.place FROM shard.places AS p ORDER BY p.joined_at, p.name;

-- waiting --
SELECT count(*) FROM shard.registrations;

-- forget_moves --
DELETE FROM shard.moves AS m WHERE %(name)s IN (m.source, m.target);

-- forget --
DELETE FROM shard.places AS p
 WHERE p.name = %(name)s AND NOT p.here
   AND NOT EXISTS (SELECT FROM shard.map AS m WHERE m.shard = p.name);
