-- name: ticked
-- A row for each schedule of the project: few.
SELECT source, rule, at FROM ticks ORDER BY source;

-- name: note_ticked
INSERT INTO ticks (source, rule, at) VALUES (:source, :rule, :at)
ON CONFLICT (source) DO UPDATE SET rule = excluded.rule, at = excluded.at;

-- name: forget_ticked
DELETE FROM ticks WHERE source IN (SELECT value FROM json_each(:sources));
