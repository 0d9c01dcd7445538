-- Forgets what learning would go on from; what was learned stays.
-- lossy: the baselines, the observations and the state of learning
DROP TABLE growth_state;
