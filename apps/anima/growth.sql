-- preferences --
SELECT name, value, observation_count, first_noticed, last_confirmed FROM preferences;

-- upsert_preference --
INSERT INTO preferences (name, category, description, value, confidence, observation_count,
                         first_noticed, last_confirmed)
VALUES (:name, :category, :description, :value, :confidence, :observation_count,
        :first_noticed, :last_confirmed)
ON CONFLICT (name) DO UPDATE
   SET description = excluded.description, value = excluded.value,
       confidence = excluded.confidence, observation_count = excluded.observation_count,
       last_confirmed = excluded.last_confirmed;

-- relationship --
SELECT first_met, last_seen, interaction_count, emotional_valence, memorable_moments
  FROM relationships WHERE agent_id = :agent_id;

-- upsert_relationship --
INSERT INTO relationships (agent_id, name, first_met, last_seen, interaction_count, bond_strength,
                           emotional_valence, memorable_moments)
VALUES (:agent_id, :name, :first_met, :last_seen, :interaction_count, :bond_strength,
        :emotional_valence, :memorable_moments)
ON CONFLICT (agent_id) DO UPDATE
   SET last_seen = excluded.last_seen, interaction_count = excluded.interaction_count,
       bond_strength = excluded.bond_strength, emotional_valence = excluded.emotional_valence,
       memorable_moments = excluded.memorable_moments;

-- active_goals --
-- Of the two kinds that we set; what an adopted creature wanted stays as it is.
SELECT goal_id, description, motivation, status, created_at, target_date, progress, last_worked_on
  FROM goals WHERE status = 'active' AND (goal_id LIKE 'pieces:%' OR goal_id LIKE 'era:%');

-- upsert_goal --
INSERT INTO goals (goal_id, description, motivation, status, created_at, target_date, progress,
                   last_worked_on)
VALUES (:goal_id, :description, :motivation, :status, :created_at, :target_date, :progress,
        :last_worked_on)
ON CONFLICT (goal_id) DO UPDATE
   SET status = excluded.status, progress = excluded.progress,
       last_worked_on = excluded.last_worked_on;

-- insights --
-- Only ours say what they compare.
SELECT id, category, description, confidence, sample_count, discovered_at, last_validated,
       validation_count, contradiction_count
  FROM insights WHERE id LIKE '% by %: % over %';

-- upsert_insight --
INSERT INTO insights (id, category, description, confidence, sample_count, discovered_at,
                      last_validated, validation_count, contradiction_count)
VALUES (:id, :category, :description, :confidence, :sample_count, :discovered_at,
        :last_validated, :validation_count, :contradiction_count)
ON CONFLICT (id) DO UPDATE
   SET description = excluded.description, confidence = excluded.confidence,
       sample_count = excluded.sample_count, last_validated = excluded.last_validated,
       validation_count = excluded.validation_count,
       contradiction_count = excluded.contradiction_count;

-- add_memory --
-- What is remembered already stays as it was.
INSERT INTO memories (event_id, timestamp, description, emotional_impact, category, related_agents)
VALUES (:event_id, :timestamp, :description, :emotional_impact, :category, :related_agents)
ON CONFLICT (event_id) DO NOTHING;

-- last_events --
-- The newest first: whether this awakening followed a loss.
SELECT event_type FROM events ORDER BY id DESC LIMIT 4;

-- tokens --
SELECT token, success_count, failure_count FROM primitive_token_weights;

-- upsert_token --
INSERT INTO primitive_token_weights (token, weight, success_count, failure_count, last_updated)
VALUES (:token, :weight, :success_count, :failure_count, :last_updated)
ON CONFLICT (token) DO UPDATE
   SET weight = excluded.weight, success_count = excluded.success_count,
       failure_count = excluded.failure_count, last_updated = excluded.last_updated;

-- combos --
SELECT pattern, use_count, avg_score FROM primitive_combo_weights;

-- upsert_combo --
INSERT INTO primitive_combo_weights (pattern, weight, use_count, avg_score, last_updated)
VALUES (:pattern, :weight, :use_count, :avg_score, :last_updated)
ON CONFLICT (pattern) DO UPDATE
   SET weight = excluded.weight, use_count = excluded.use_count, avg_score = excluded.avg_score,
       last_updated = excluded.last_updated;

-- add_utterance --
INSERT INTO primitive_history (timestamp, tokens, category_pattern, warmth, brightness, stability,
                               presence, score, feedback_signals)
VALUES (:timestamp, :tokens, :category_pattern, :warmth, :brightness, :stability, :presence,
        :score, :feedback_signals)
ON CONFLICT (timestamp, tokens) DO NOTHING;

-- add_trajectory_event --
INSERT INTO trajectory_events (timestamp, event_type, shape, eisv_state, derivatives,
                               suggested_tokens, expression_tokens, coherence_score, cache_hit,
                               buffer_size)
VALUES (:timestamp, :event_type, :shape, :eisv_state, :derivatives, :suggested_tokens,
        :expression_tokens, :coherence_score, :cache_hit, :buffer_size);

-- growth_state --
SELECT name, value FROM growth_state;

-- upsert_growth_state --
INSERT INTO growth_state (name, value, updated_at) VALUES (:name, :value, :updated_at)
ON CONFLICT (name) DO UPDATE SET value = excluded.value, updated_at = excluded.updated_at;
