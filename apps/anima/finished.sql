-- add_finished_piece --
-- A piece that was put away again, because the power went in between, was recorded already.
INSERT INTO drawing_records (piece_uid, started_at, finished_at, era, completion_reason, marks,
                             pixels, duration_seconds, E, I, S, V, C, energy, curiosity,
                             engagement, fatigue, satisfaction, file)
VALUES (:piece_uid, :started_at, :finished_at, :era, :completion_reason, :marks,
        :pixels, :duration_seconds, :E, :I, :S, :V, :C, :energy, :curiosity,
        :engagement, :fatigue, :satisfaction, :file)
ON CONFLICT (piece_uid) DO NOTHING;
