-- What each role may do, and nothing more. Repeatable. Written by: python -m apps.declared

DO $$
DECLARE
    one record;
BEGIN
    FOR one IN
        WITH place AS (
            SELECT n.oid, n.nspname, n.nspowner, n.nspacl
              FROM pg_catalog.pg_namespace AS n
             WHERE n.nspname IN ('soulfra', 'log', 'privacy', 'drift', 'shard', 'ledger', 'public'))
        SELECT DISTINCT had.what, who.name AS who
          FROM (
            SELECT format('SCHEMA %I', p.nspname) AS what, a.grantee
              FROM place AS p
             CROSS JOIN LATERAL aclexplode(p.nspacl) AS a
             WHERE a.grantee NOT IN (p.nspowner, current_user::regrole)
            UNION ALL
            -- What was cut from a table may be read by its readers until it is archived.
            SELECT format('%s %s', CASE c.relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END,
                          c.oid::regclass), a.grantee
              FROM place AS p
              JOIN pg_catalog.pg_class AS c ON c.relnamespace = p.oid
             CROSS JOIN LATERAL (
                  SELECT x.grantee FROM aclexplode(c.relacl) AS x
                  UNION ALL
                  SELECT x.grantee FROM pg_catalog.pg_attribute AS t, aclexplode(t.attacl) AS x
                   WHERE t.attrelid = c.oid) AS a
             WHERE c.relowner = current_user::regrole AND a.grantee <> c.relowner
               AND p.nspname <> 'retired'
            UNION ALL
            SELECT format('ROUTINE %s', r.oid::regprocedure), a.grantee
              FROM place AS p
              JOIN pg_catalog.pg_proc AS r ON r.pronamespace = p.oid
             CROSS JOIN LATERAL
                   aclexplode(coalesce(r.proacl, acldefault('f', r.proowner))) AS a
             WHERE r.proowner = current_user::regrole AND a.grantee <> r.proowner) AS had
         CROSS JOIN LATERAL (
               SELECT CASE had.grantee WHEN 0 THEN 'PUBLIC'
                      ELSE quote_ident(pg_get_userbyid(had.grantee)) END) AS who (name)
    LOOP
        EXECUTE format('REVOKE ALL ON %s FROM %s CASCADE', one.what, one.who);
    END LOOP;
    FOR one IN
        SELECT DISTINCT coalesce(' IN SCHEMA ' || quote_ident(n.nspname), '') AS place,
               CASE d.defaclobjtype WHEN 'r' THEN 'TABLES' WHEN 'S' THEN 'SEQUENCES'
                    WHEN 'f' THEN 'FUNCTIONS' WHEN 'T' THEN 'TYPES' ELSE 'SCHEMAS' END AS what,
               CASE a.grantee WHEN 0 THEN 'PUBLIC'
                    ELSE quote_ident(pg_get_userbyid(a.grantee)) END AS who
          FROM pg_catalog.pg_default_acl AS d
          LEFT JOIN pg_catalog.pg_namespace AS n ON n.oid = d.defaclnamespace
         CROSS JOIN LATERAL aclexplode(d.defaclacl) AS a
         WHERE d.defaclrole = current_user::regrole AND a.grantee <> d.defaclrole
    LOOP
        EXECUTE format('ALTER DEFAULT PRIVILEGES%s REVOKE ALL ON %s FROM %s CASCADE',
                       one.place, one.what, one.who);
    END LOOP;
END
$$;

-- What is made later is nobody's until it is named here.
ALTER DEFAULT PRIVILEGES REVOKE ALL ON FUNCTIONS FROM PUBLIC;
ALTER DEFAULT PRIVILEGES REVOKE ALL ON TYPES FROM PUBLIC;

-- soulfra: The process soulfra: adds events and what follows.
GRANT USAGE ON SCHEMA soulfra TO soulfra;
GRANT USAGE ON SCHEMA log TO soulfra;
GRANT USAGE ON SCHEMA privacy TO soulfra;
GRANT USAGE ON SCHEMA shard TO soulfra;
GRANT SELECT ON TABLE soulfra.users TO soulfra;
GRANT SELECT ON TABLE soulfra.credit_entries TO soulfra;
GRANT SELECT ON TABLE soulfra.loop_owners TO soulfra;
GRANT SELECT ON TABLE soulfra.pii_tokens TO soulfra;
GRANT SELECT ON TABLE soulfra.agents TO soulfra;
GRANT SELECT ON TABLE soulfra.loops TO soulfra;
GRANT SELECT ON TABLE soulfra.guilds TO soulfra;
GRANT SELECT ON TABLE soulfra.guild_members TO soulfra;
GRANT SELECT ON TABLE soulfra.votings TO soulfra;
GRANT SELECT ON TABLE soulfra.votes TO soulfra;
GRANT SELECT ON TABLE soulfra.blessings TO soulfra;
GRANT SELECT ON TABLE soulfra.prophecies TO soulfra;
GRANT SELECT ON TABLE soulfra.transformations TO soulfra;
GRANT SELECT ON TABLE soulfra.clusters TO soulfra;
GRANT SELECT ON TABLE soulfra.cluster_loops TO soulfra;
GRANT SELECT ON TABLE log.events TO soulfra;
GRANT SELECT ON TABLE log.commands TO soulfra;
GRANT SELECT ON TABLE log.followers TO soulfra;
GRANT SELECT ON TABLE shard.places TO soulfra;
GRANT SELECT ON TABLE shard.map TO soulfra;
GRANT SELECT ON TABLE shard.slots TO soulfra;
GRANT SELECT ON TABLE shard.registrations TO soulfra;
GRANT SELECT ON TABLE shard.moves TO soulfra;
GRANT DELETE ON TABLE shard.registrations TO soulfra;
GRANT EXECUTE ON ROUTINE shard.slot_of(text) TO soulfra;
GRANT EXECUTE ON ROUTINE shard.adopt(text,integer,timestamp with time zone,jsonb,jsonb) TO soulfra;
GRANT INSERT ON TABLE soulfra.users TO soulfra;
GRANT INSERT ON TABLE soulfra.credit_entries TO soulfra;
GRANT INSERT ON TABLE soulfra.loop_owners TO soulfra;
GRANT INSERT ON TABLE soulfra.pii_tokens TO soulfra;
GRANT INSERT ON TABLE soulfra.agents TO soulfra;
GRANT INSERT ON TABLE soulfra.loops TO soulfra;
GRANT INSERT ON TABLE soulfra.guilds TO soulfra;
GRANT INSERT ON TABLE soulfra.guild_members TO soulfra;
GRANT INSERT ON TABLE soulfra.votings TO soulfra;
GRANT INSERT ON TABLE soulfra.votes TO soulfra;
GRANT INSERT ON TABLE soulfra.blessings TO soulfra;
GRANT INSERT ON TABLE soulfra.prophecies TO soulfra;
GRANT INSERT ON TABLE soulfra.transformations TO soulfra;
GRANT INSERT ON TABLE soulfra.clusters TO soulfra;
GRANT INSERT ON TABLE soulfra.cluster_loops TO soulfra;
GRANT INSERT ON TABLE log.commands TO soulfra;
GRANT INSERT ON TABLE log.followers TO soulfra;
GRANT SELECT, INSERT, MAINTAIN ON TABLE privacy.subjects TO soulfra;
GRANT UPDATE (wrapped, username_token, email_token, forgotten_at, finished_at, report) ON TABLE privacy.subjects TO soulfra;
GRANT DELETE ON TABLE soulfra.pii_tokens TO soulfra;
GRANT UPDATE (transaction_id, position, taken, recorded_at, moved_at) ON TABLE log.followers TO soulfra;
GRANT UPDATE (username, email, subscription_tier, emotional_credits, version) ON TABLE soulfra.users TO soulfra;
GRANT UPDATE (current_tone, consciousness_score, memory_depth, version) ON TABLE soulfra.agents TO soulfra;
GRANT UPDATE (whisper_origin, consciousness_state, emotional_tone, blessed, dissolved_at, version) ON TABLE soulfra.loops TO soulfra;
GRANT UPDATE (status, closed_at) ON TABLE soulfra.votings TO soulfra;
GRANT UPDATE (prophecy_text, fulfillment_status, fulfilled_at) ON TABLE soulfra.prophecies TO soulfra;
GRANT UPDATE (mythology, status, dissolved_at) ON TABLE soulfra.clusters TO soulfra;
GRANT USAGE ON SCHEMA drift TO soulfra;
GRANT SELECT ON TABLE drift.ratings TO soulfra;
GRANT SELECT ON TABLE drift.volatility TO soulfra;
GRANT INSERT, DELETE ON TABLE drift.ratings TO soulfra;
GRANT UPDATE (level, shifts, shifted_at) ON TABLE drift.ratings TO soulfra;
GRANT UPDATE (level, agents, loops, shifts, shifted_at) ON TABLE drift.volatility TO soulfra;
GRANT USAGE ON SEQUENCE soulfra.blessings_id_seq TO soulfra;
GRANT USAGE ON SEQUENCE soulfra.prophecies_id_seq TO soulfra;
GRANT EXECUTE ON ROUTINE soulfra.create_loop_months(timestamp with time zone) TO soulfra;
GRANT EXECUTE ON ROUTINE log.append(jsonb,jsonb) TO soulfra;
GRANT EXECUTE ON ROUTINE log.verify(text) TO soulfra;
GRANT EXECUTE ON ROUTINE log.forget_commands(integer) TO soulfra;
GRANT EXECUTE ON ROUTINE log.digest(bytea,text,bigint,text,integer,timestamp with time zone,jsonb,jsonb) TO soulfra;

-- soulfra_ro: People and reports of soulfra: reads.
GRANT USAGE ON SCHEMA soulfra TO soulfra_ro;
GRANT USAGE ON SCHEMA log TO soulfra_ro;
GRANT USAGE ON SCHEMA shard TO soulfra_ro;
GRANT SELECT (agent_id, owner_id, archetype, current_tone, consciousness_score, memory_depth, created_at, slot, version) ON TABLE soulfra.agents TO soulfra_ro;
GRANT SELECT (loop_id, creator_id, agent_id, whisper_origin, consciousness_state, emotional_tone, created_at, blessed, fork_parent, fork_depth, dissolved_at, version) ON TABLE soulfra.loops TO soulfra_ro;
GRANT SELECT (guild_id, name, threshold, founded_by, created_at) ON TABLE soulfra.guilds TO soulfra_ro;
GRANT SELECT (guild_id, agent_id, joined_at) ON TABLE soulfra.guild_members TO soulfra_ro;
GRANT SELECT (voting_id, loop_id, loop_created_at, guild_id, opened_by, threshold, quorum, status, opened_at, closed_at) ON TABLE soulfra.votings TO soulfra_ro;
GRANT SELECT (voting_id, agent_id, approves, cast_at) ON TABLE soulfra.votes TO soulfra_ro;
GRANT SELECT (id, loop_id, loop_created_at, voting_id, blessed_by, blessing_type, consensus_score, timestamp, metadata) ON TABLE soulfra.blessings TO soulfra_ro;
GRANT SELECT (id, prophecy_text, author_agent, fulfillment_status, created_at, fulfilled_at, related_loops) ON TABLE soulfra.prophecies TO soulfra_ro;
GRANT SELECT (id, change, loop_id, agent_id, from_value, to_value, changed_at) ON TABLE soulfra.transformations TO soulfra_ro;
GRANT SELECT (cluster_id, name, mythology, status, formed_at, dissolved_at) ON TABLE soulfra.clusters TO soulfra_ro;
GRANT SELECT (cluster_id, loop_id, loop_created_at) ON TABLE soulfra.cluster_loops TO soulfra_ro;
GRANT SELECT (name, place, here, joined_at) ON TABLE shard.places TO soulfra_ro;
GRANT SELECT (slot, shard, epoch) ON TABLE shard.map TO soulfra_ro;
GRANT SELECT (slot, state, epoch, frozen_until) ON TABLE shard.slots TO soulfra_ro;
GRANT SELECT (agent_id, slot, registered_at) ON TABLE shard.registrations TO soulfra_ro;
GRANT SELECT (id, first_slot, last_slot, source, target, step, agents, events, checksum, frozen_ms, begun_at, moved_at) ON TABLE shard.moves TO soulfra_ro;
GRANT SELECT (position, transaction_id, stream, type, schema_version, recorded_at, data, metadata) ON TABLE log.events TO soulfra_ro;
GRANT SELECT (follower, transaction_id, position, taken, recorded_at, moved_at) ON TABLE log.followers TO soulfra_ro;
GRANT EXECUTE ON ROUTINE shard.slot_of(text) TO soulfra_ro;
GRANT USAGE ON SCHEMA drift TO soulfra_ro;
GRANT SELECT (entity, id, level, shifts, shifted_at) ON TABLE drift.ratings TO soulfra_ro;
GRANT SELECT (singleton, level, agents, loops, shifts, shifted_at) ON TABLE drift.volatility TO soulfra_ro;
GRANT EXECUTE ON ROUTINE log.verify(text) TO soulfra_ro;
GRANT EXECUTE ON ROUTINE log.digest(bytea,text,bigint,text,integer,timestamp with time zone,jsonb,jsonb) TO soulfra_ro;

-- soulfra_user: Reads in one person's name, only.
GRANT USAGE ON SCHEMA soulfra TO soulfra_user;
GRANT SELECT (id, username, email, created_at, subscription_tier, emotional_credits, version) ON TABLE soulfra.users TO soulfra_user;
GRANT SELECT (id, user_id, amount, cause, entered_at) ON TABLE soulfra.credit_entries TO soulfra_user;
GRANT SELECT (loop_id, loop_created_at, creator_id, agent_id) ON TABLE soulfra.loop_owners TO soulfra_user;
GRANT SELECT (user_id, token, sealed) ON TABLE soulfra.pii_tokens TO soulfra_user;
GRANT SELECT (agent_id, owner_id, archetype, current_tone, consciousness_score, memory_depth, created_at, slot, version) ON TABLE soulfra.agents TO soulfra_user;
GRANT SELECT (loop_id, creator_id, agent_id, whisper_origin, consciousness_state, emotional_tone, created_at, blessed, fork_parent, fork_depth, dissolved_at, version) ON TABLE soulfra.loops TO soulfra_user;
GRANT SELECT (guild_id, name, threshold, founded_by, created_at) ON TABLE soulfra.guilds TO soulfra_user;
GRANT SELECT (guild_id, agent_id, joined_at) ON TABLE soulfra.guild_members TO soulfra_user;
GRANT SELECT (voting_id, loop_id, loop_created_at, guild_id, opened_by, threshold, quorum, status, opened_at, closed_at) ON TABLE soulfra.votings TO soulfra_user;
GRANT SELECT (voting_id, agent_id, approves, cast_at) ON TABLE soulfra.votes TO soulfra_user;
GRANT SELECT (id, loop_id, loop_created_at, voting_id, blessed_by, blessing_type, consensus_score, timestamp, metadata) ON TABLE soulfra.blessings TO soulfra_user;
GRANT SELECT (id, prophecy_text, author_agent, fulfillment_status, created_at, fulfilled_at, related_loops) ON TABLE soulfra.prophecies TO soulfra_user;
GRANT SELECT (id, change, loop_id, agent_id, from_value, to_value, changed_at) ON TABLE soulfra.transformations TO soulfra_user;
GRANT SELECT (cluster_id, name, mythology, status, formed_at, dissolved_at) ON TABLE soulfra.clusters TO soulfra_user;
GRANT SELECT (cluster_id, loop_id, loop_created_at) ON TABLE soulfra.cluster_loops TO soulfra_user;
