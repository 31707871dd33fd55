-- name: versions
-- A row for each version that is still needed: few.
SELECT version FROM editions ORDER BY version;

-- name: edition
SELECT files FROM editions WHERE version = :version;

-- name: keep_edition
INSERT INTO editions (version, served_at, files) VALUES (:version, :now, :files)
ON CONFLICT (version) DO UPDATE SET served_at = excluded.served_at;

-- name: versions_under_way
-- Seldom, and out of the way of everything else: of all runs that wait, all messages that are not settled, and all
-- fan-outs that go on.
SELECT catalogue FROM runs WHERE state = 'waiting'
UNION
SELECT runs.catalogue FROM messages JOIN runs ON runs.sequence = messages.run
WHERE messages.state IN ('queued', 'sending', 'held', 'unknown')
UNION
SELECT document ->> '$.run.catalogue' FROM fanouts WHERE state = 'running';

-- name: drop_editions
DELETE FROM editions WHERE served_at < :before AND NOT version IN (SELECT value FROM json_each(:keep))
RETURNING version;
