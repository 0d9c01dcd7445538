-- check_ins_since --
-- How many check-ins became rows after an instant; the instant is psql's variable.
SELECT count(*)
  FROM core.agent_state
 WHERE received_at >= :'since'::timestamptz;
