-- name: ticked
-- A row for each schedule of the project: few.
SELECT source, rule, at FROM ticks ORDER BY source;

-- name: note_ticked
-- In the order of their names, so that two nodes that write the same ones take turns.
INSERT INTO ticks (source, rule, at)
SELECT source, rule, at FROM unnest(:source::text[], :rule::text[], :at::bigint[]) AS given (source, rule, at)
ORDER BY source
ON CONFLICT (source) DO UPDATE SET rule = excluded.rule, at = excluded.at;

-- name: forget_ticked
DELETE FROM ticks WHERE source = ANY(:sources::text[]);
