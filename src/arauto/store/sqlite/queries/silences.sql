-- name: silences
SELECT document FROM silences WHERE tenant = :tenant ORDER BY id;

-- name: silences_in_force
SELECT document FROM silences WHERE tenant = :tenant AND (ends_at IS NULL OR ends_at > :now) ORDER BY id;

-- name: silence
SELECT hold, document FROM silences WHERE tenant = :tenant AND id = :id;

-- name: put_silence
INSERT INTO silences (tenant, id, hold, ends_at, changed_at, document)
VALUES (:tenant, :id, :hold, :ends_at, :now, :document)
ON CONFLICT (tenant, id) DO UPDATE SET
    hold = excluded.hold, ends_at = excluded.ends_at, document = excluded.document,
    changed_at = max(silences.changed_at, excluded.changed_at)
WHERE silences.document <> excluded.document;

-- name: delete_silence
DELETE FROM silences WHERE tenant = :tenant AND id = :id RETURNING id;

-- name: count_held_runs
SELECT hold, count(*) FROM runs WHERE hold IN (SELECT value FROM json_each(:keys)) AND state = 'waiting' GROUP BY hold;

-- name: count_held_messages
SELECT hold, count(*) FROM messages WHERE hold IN (SELECT value FROM json_each(:keys)) AND state = 'queued' GROUP BY hold;
