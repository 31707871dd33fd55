-- what was ----------------------------------------------------------------------------------------------------------
-- What was overwritten at the very time at which it came held at no time (since = until).

-- What somebody else is writing is waited for: it is what is deleted next.
-- name: keep_deleted
INSERT INTO history (tenant, kind, id, since, until, gone, document)
SELECT tenant, 'recipient', id, changed_at, greatest(changed_at, :now), 1, document FROM recipients
WHERE tenant = :tenant AND id = :id FOR UPDATE;

-- name: keep_deleted_silence
INSERT INTO history (tenant, kind, id, since, until, gone, document)
SELECT tenant, 'silence', id, changed_at, greatest(changed_at, :now), 1, document FROM silences
WHERE tenant = :tenant AND id = :id FOR UPDATE;

-- name: history_of
SELECT kind, since, until, document FROM history
WHERE tenant = :tenant AND kind IN ('recipient', 'wishes') AND id = :id ORDER BY sequence;

-- name: take_history
DELETE FROM history WHERE tenant = :tenant AND kind IN ('recipient', 'wishes') AND id = :id
RETURNING kind, document;

-- name: history_of_silences
SELECT sequence, since, until, document FROM history
WHERE tenant = :tenant AND kind = 'silence' ORDER BY sequence;

-- name: drop_history
DELETE FROM history WHERE sequence = ANY(:sequences::bigint[]);

-- Nothing is tried on what was before the oldest event.
-- name: retire_history
DELETE FROM history WHERE sequence = ANY(ARRAY(
    SELECT sequence FROM history
    WHERE until < (SELECT received_at FROM events WHERE sequence = (SELECT min(sequence) FROM events))
    ORDER BY until LIMIT :limit
))
RETURNING sequence;

-- name: event_at_or_after
SELECT sequence, received_at FROM events WHERE sequence >= :sequence ORDER BY sequence LIMIT 1;

-- name: first_and_last_event
SELECT coalesce(min(sequence), 0), coalesce(max(sequence), 0) FROM events;

-- name: recorded_events
SELECT sequence, received_at, document FROM events
WHERE sequence > :after AND sequence <= :last AND tenant = :tenant AND type = ANY(:types::text[])
ORDER BY sequence LIMIT :limit;

-- name: count_recorded_messages
SELECT runs.event, count(*) FROM runs JOIN messages ON messages.run = runs.sequence
WHERE runs.event = ANY(:events::bigint[]) GROUP BY runs.event;

-- name: recorded_messages
SELECT runs.event, messages.sequence, messages.id, messages.notification, messages.state, messages.document, messages.late
FROM runs JOIN messages ON messages.run = runs.sequence
WHERE runs.event = ANY(:events::bigint[]) ORDER BY messages.sequence;

-- name: recipients_then
SELECT id, document FROM (
    SELECT id, document FROM recipients WHERE tenant = :tenant AND changed_at <= :at AND id > :after
    UNION ALL
    SELECT id, document FROM history
    WHERE tenant = :tenant AND kind = 'recipient' AND since <= :at AND until > :at AND id > :after
) AS found ORDER BY id LIMIT :limit;

-- name: wishes_then
SELECT recipient, document FROM wishes
WHERE tenant = :tenant AND changed_at <= :at AND recipient > :after AND (:last::text IS NULL OR recipient <= :last::text)
UNION ALL
SELECT id, document FROM history
WHERE tenant = :tenant AND kind = 'wishes' AND since <= :at AND until > :at
    AND id > :after AND (:last::text IS NULL OR id <= :last::text);

-- name: silences_then
SELECT document FROM silences WHERE tenant = :tenant AND changed_at <= :at
UNION ALL
SELECT document FROM history WHERE tenant = :tenant AND kind = 'silence' AND since <= :at AND until > :at;

-- Who went and came back at one time is there.
-- name: recorded_changes
SELECT at, kind, id, document FROM (
SELECT changed_at AS at, 'recipient' AS kind, id, document FROM recipients
WHERE tenant = :tenant AND changed_at > :since AND changed_at <= :until
UNION ALL
SELECT changed_at, 'wishes', recipient, document FROM wishes
WHERE tenant = :tenant AND changed_at > :since AND changed_at <= :until
UNION ALL
SELECT changed_at, 'silence', id, document FROM silences
WHERE tenant = :tenant AND changed_at > :since AND changed_at <= :until
UNION ALL
SELECT since, kind, id, document FROM history
WHERE tenant = :tenant AND since > :since AND since <= :until AND since < until
UNION ALL
SELECT until, kind, id, NULL FROM history WHERE tenant = :tenant AND gone = 1 AND until > :since AND until <= :until
) AS found ORDER BY at, kind, id, document IS NOT NULL;


-- what is under way -------------------------------------------------------------------------------------------------

-- name: runs_under_way
SELECT document::json ->> 'notification', catalogue, document::json ->> 'step', merge_key IS NOT NULL, count(*), min(due_at), max(due_at),
    min(sequence)
FROM runs WHERE state = 'waiting' GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4;

-- name: messages_under_way
SELECT notification, channel, state, count(*) FROM messages
WHERE state <> 'sent' AND state IN ('queued', 'held', 'unknown') GROUP BY 1, 2, 3 ORDER BY 1, 2, 3;
