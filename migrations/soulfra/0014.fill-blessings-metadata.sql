-- How the votes were, also of blessings that were granted before it was noted.
-- depends: 0013.constrain-known-events
-- ensure: SELECT count(*) = 0 FROM soulfra.blessings AS b WHERE b.metadata = '{}'

UPDATE soulfra.blessings AS b
   SET metadata = (SELECT jsonb_build_object('yes', count(*) FILTER (WHERE v.approves),
                                             'no', count(*) FILTER (WHERE NOT v.approves))
                     FROM soulfra.votes AS v WHERE v.voting_id = b.voting_id)
 WHERE b.metadata = '{}';
