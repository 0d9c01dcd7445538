-- finished --
-- Every finished piece, as one line of JSON; SQLite's own JSON would cut a number at 15 digits.
SELECT json_group_array(json_object(
         'id', id, 'piece_uid', piece_uid, 'started_at', started_at, 'finished_at', finished_at,
         'era', era, 'completion_reason', completion_reason, 'marks', marks, 'pixels', pixels,
         'duration_seconds', json(format('%!.17g', duration_seconds)),
         'E', json(format('%!.17g', E)), 'I', json(format('%!.17g', I)),
         'S', json(format('%!.17g', S)), 'V', json(format('%!.17g', V)),
         'C', json(format('%!.17g', C)), 'energy', json(format('%!.17g', energy)),
         'curiosity', json(format('%!.17g', curiosity)),
         'engagement', json(format('%!.17g', engagement)),
         'fatigue', json(format('%!.17g', fatigue)),
         'satisfaction', json(format('%!.17g', satisfaction)), 'file', file))
  FROM drawing_records;
