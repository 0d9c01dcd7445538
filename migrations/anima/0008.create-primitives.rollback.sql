-- Forgets the creature's first words.
-- lossy: every weight and every utterance
DROP INDEX primitive_history_category_pattern_idx;
DROP INDEX primitive_history_timestamp_idx;
DROP TABLE primitive_history;
DROP TABLE primitive_combo_weights;
DROP TABLE primitive_token_weights;
