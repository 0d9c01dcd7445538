-- figures --
-- The newest state of each agent, and its verdicts since an instant of its own clock: by action,
-- how many brought an EISV of their own, how many of those differ from ours by more than is
-- allowed, and by how much in the mean and at most.
SELECT agent.agent_id, agent.status, newest.recorded_at, newest.received_at,
       newest.energy, newest.integrity, newest.entropy, newest.void, newest.coherence,
       newest.risk, newest.health, newest.action, newest.reason,
       told.verdicts, told.compared, told.disagreed, told.mean, told.largest
  FROM (SELECT i.identity_id, i.agent_id, i.status, i.last_activity_at
          FROM core.identities AS i
         WHERE i.last_activity_at IS NOT NULL
           AND (%(agent)s::text IS NULL OR i.agent_id = %(agent)s::text)
         ORDER BY i.last_activity_at DESC
         LIMIT %(limit)s) AS agent
 CROSS JOIN LATERAL (
       SELECT s.recorded_at, s.received_at, s.energy, s.integrity, s.entropy, s.void, s.coherence,
              s.risk, s.health, s.action, s.reason
         FROM core.agent_state AS s
        WHERE s.identity_id BETWEEN agent.identity_id AND agent.identity_id AND NOT s.late
        ORDER BY s.identity_id, s.state_id DESC
        LIMIT 1) AS newest
 CROSS JOIN LATERAL (
       SELECT coalesce(jsonb_object_agg(by_action.action, by_action.check_ins), '{}') AS verdicts,
              coalesce(sum(by_action.compared), 0)::bigint AS compared,
              coalesce(sum(by_action.disagreed), 0)::bigint AS disagreed,
              sum(by_action.total) / nullif(sum(by_action.compared), 0) AS mean,
              max(by_action.largest) AS largest
         FROM (SELECT s.action, count(*) AS check_ins, count(off.by) AS compared,
                      count(*) FILTER (WHERE off.by > %(allowed)s) AS disagreed,
                      sum(off.by) AS total, max(off.by) AS largest
                 FROM core.agent_state AS s
                CROSS JOIN LATERAL (
                      SELECT greatest(abs(s.energy - s.reported_energy),
                                      abs(s.integrity - s.reported_integrity),
                                      abs(s.entropy - s.reported_entropy)) AS by) AS off
                WHERE s.identity_id = agent.identity_id
                  AND s.recorded_at > now() - make_interval(hours => %(hours)s)
                GROUP BY s.action) AS by_action) AS told
 ORDER BY agent.last_activity_at DESC;
