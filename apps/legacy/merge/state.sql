-- check --
-- Nothing is measured anew: only what is no number, or nobody's, is left.
UPDATE pg_temp.staged AS s
   SET reason = coalesce(
       CASE WHEN s.agent_id IS NULL THEN 'agent_id: is null'
            WHEN NOT EXISTS (SELECT FROM core.identities AS i WHERE i.agent_id = s.agent_id)
            THEN format('agent_id: agent %%L is not known', left(s.agent_id, 60))
            WHEN coalesce(s.updated_at, s.recorded_at) IS NULL THEN 'when it was recorded is null'
            WHEN NOT pg_input_is_valid(coalesce(s.update_count, s.id), 'bigint')
            THEN 'its count is no whole number' END,
       pg_temp.wrong('state_json', s.state_json, 'object'),
       (SELECT format('%%s: %%L is no number', n.name, left(n.told, 60))
          FROM (VALUES (1, 'E', s.e), (2, 'I', s.i), (3, 'S', s.s), (4, 'V', s.v),
                       (5, 'entropy', s.entropy), (6, 'integrity', s.integrity),
                       (7, 'volatility', s.volatility), (8, 'coherence', s.coherence),
                       (9, 'stability_index', s.stability_index)) AS n (place, name, told)
         WHERE n.told IS NOT NULL AND (NOT pg_input_is_valid(n.told, 'float8')
               OR lower(trim(n.told)) ~ '^[+-]?(nan|inf)')
         ORDER BY n.place LIMIT 1))
 WHERE s.reason IS NULL;

-- check_object --
-- E of the second writer lies in its object.
UPDATE pg_temp.staged AS s
   SET reason = CASE
       WHEN s.state_json::jsonb ? 'beside' THEN 'state_json: has a key beside of its own'
       WHEN s.e IS NULL AND s.state_json::jsonb ? 'E'
            AND jsonb_typeof(s.state_json::jsonb->'E') NOT IN ('number', 'null')
       THEN 'state_json: E is no number'
       WHEN s.e IS NULL AND jsonb_typeof(s.state_json::jsonb->'E') = 'number'
            AND NOT pg_input_is_valid(s.state_json::jsonb->>'E', 'float8')
       THEN 'state_json: E is out of range' END
 WHERE s.reason IS NULL AND s.state_json IS NOT NULL;

-- merge --
-- The second writer put S into entropy, 1 - S into stability_index and E into its object. What
-- does not follow so stays beside.
INSERT INTO legacy.agent_state (
       identity_id, recorded_at, seq, energy, integrity, entropy, void, coherence, regime,
       state_json)
SELECT i.identity_id, coalesce(s.updated_at, s.recorded_at)::timestamptz,
       coalesce(s.update_count, s.id)::bigint,
       coalesce(s.e, s.state_json::jsonb->>'E')::float8,
       coalesce(s.i, s.integrity)::float8, coalesce(s.s, s.entropy)::float8,
       coalesce(s.v, s.volatility)::float8, s.coherence::float8, s.regime,
       CASE WHEN s.state_json IS NULL AND more.told = '{}' THEN NULL
            ELSE coalesce(s.state_json, '{}')::jsonb
                 || CASE WHEN more.told = '{}' THEN '{}'
                         ELSE jsonb_build_object('beside', more.told) END END
  FROM pg_temp.staged AS s
  JOIN core.identities AS i ON i.agent_id = s.agent_id
 CROSS JOIN LATERAL (
       SELECT coalesce(s.beside, '{}')::jsonb
              || CASE WHEN abs(1 - s.entropy::float8 - s.stability_index::float8) > 1e-9
                      THEN jsonb_build_object('stability_index', s.stability_index::float8)
                      ELSE '{}' END AS told) AS more
 WHERE s.reason IS NULL
 ORDER BY s.agent_id, 2, 3
ON CONFLICT (identity_id, recorded_at, seq) DO NOTHING;
