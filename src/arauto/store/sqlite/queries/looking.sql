-- looking -----------------------------------------------------------------------------------------------------------

-- name: event
SELECT sequence, received_at, body_hash, state, document, explanation FROM events WHERE key = :key;

-- name: find_events
SELECT sequence, received_at, body_hash, state, document, explanation FROM events
WHERE tenant = :tenant AND key = :reference
UNION
SELECT sequence, received_at, body_hash, state, document, explanation FROM events
WHERE tenant = :tenant AND id = :reference
ORDER BY sequence;

-- name: list_events
SELECT sequence, received_at, body_hash, state, document FROM events
WHERE tenant = :tenant AND sequence < :before ORDER BY sequence DESC LIMIT :limit;

-- name: list_events_of_type
SELECT sequence, received_at, body_hash, state, document FROM events
WHERE tenant = :tenant AND type = :type AND sequence < :before ORDER BY sequence DESC LIMIT :limit;

-- name: list_messages
-- The filters that narrow less are asked of the rows that the index of the statement gives.
SELECT sequence, state, due_at, claimed_at, document, late, receipt FROM messages
WHERE tenant = :tenant AND sequence < :before
    AND (:channel IS NULL OR channel = :channel) AND (:notification IS NULL OR notification = :notification)
    AND (:state IS NULL OR CASE state WHEN 'sent' THEN coalesce(receipt, 'sent') ELSE state END = :state)
    AND (:due_by IS NULL OR due_at <= :due_by) AND (:due_after IS NULL OR due_at > :due_after)
    AND (:until IS NULL OR created_at <= :until)
ORDER BY sequence DESC LIMIT :limit;

-- name: list_messages_of_channel
SELECT sequence, state, due_at, claimed_at, document, late, receipt FROM messages
WHERE tenant = :tenant AND channel = :channel AND sequence < :before
    AND (:notification IS NULL OR notification = :notification)
    AND (:state IS NULL OR CASE state WHEN 'sent' THEN coalesce(receipt, 'sent') ELSE state END = :state)
    AND (:due_by IS NULL OR due_at <= :due_by) AND (:due_after IS NULL OR due_at > :due_after)
    AND (:until IS NULL OR created_at <= :until)
ORDER BY sequence DESC LIMIT :limit;

-- name: list_messages_of_notification
SELECT sequence, state, due_at, claimed_at, document, late, receipt FROM messages
WHERE tenant = :tenant AND notification = :notification AND sequence < :before
    AND (:channel IS NULL OR channel = :channel)
    AND (:state IS NULL OR CASE state WHEN 'sent' THEN coalesce(receipt, 'sent') ELSE state END = :state)
    AND (:due_by IS NULL OR due_at <= :due_by) AND (:due_after IS NULL OR due_at > :due_after)
    AND (:until IS NULL OR created_at <= :until)
ORDER BY sequence DESC LIMIT :limit;

-- name: list_messages_not_sent
SELECT sequence, state, due_at, claimed_at, document, late, receipt FROM messages
WHERE tenant = :tenant AND state = :state AND state <> 'sent' AND sequence < :before
    AND (:channel IS NULL OR channel = :channel) AND (:notification IS NULL OR notification = :notification)
    AND (:due_by IS NULL OR due_at <= :due_by) AND (:due_after IS NULL OR due_at > :due_after)
    AND (:until IS NULL OR created_at <= :until)
ORDER BY sequence DESC LIMIT :limit;

-- name: list_messages_sent
SELECT sequence, state, due_at, claimed_at, document, late, receipt FROM messages
WHERE tenant = :tenant AND state = 'sent' AND coalesce(receipt, 'sent') = :state AND sequence < :before
    AND (:channel IS NULL OR channel = :channel) AND (:notification IS NULL OR notification = :notification)
    AND (:due_by IS NULL OR due_at <= :due_by) AND (:due_after IS NULL OR due_at > :due_after)
    AND (:until IS NULL OR created_at <= :until)
ORDER BY sequence DESC LIMIT :limit;

-- name: list_messages_of_recipient
SELECT sequence, state, due_at, claimed_at, document, late, receipt FROM messages
WHERE tenant = :tenant AND recipient = :recipient AND sequence < :before
    AND (:channel IS NULL OR channel = :channel) AND (:notification IS NULL OR notification = :notification)
    AND (:state IS NULL OR CASE state WHEN 'sent' THEN coalesce(receipt, 'sent') ELSE state END = :state)
    AND (:due_by IS NULL OR due_at <= :due_by) AND (:due_after IS NULL OR due_at > :due_after)
    AND (:until IS NULL OR created_at <= :until)
ORDER BY sequence DESC LIMIT :limit;

-- name: list_rejections
SELECT sequence, document FROM rejections
WHERE tenant = :tenant AND sequence < :before ORDER BY sequence DESC LIMIT :limit;

-- name: counts
-- What is done is told by what there is and what is not done: so only indexes are read.
WITH
    open_messages AS (
        SELECT channel, state, count(*) AS n FROM messages WHERE state <> 'sent' GROUP BY channel, state),
    all_messages AS (SELECT channel, count(*) AS n FROM messages GROUP BY channel),
    open_events AS (SELECT state, count(*) AS n FROM events WHERE state <> 'planned' GROUP BY state),
    open_runs AS (SELECT count(*) AS n FROM runs WHERE state = 'waiting')
SELECT 'events' AS what, '' AS channel, state, n FROM open_events
UNION ALL SELECT 'events', '', 'planned',
    (SELECT count(*) FROM events) - coalesce((SELECT sum(n) FROM open_events), 0)
UNION ALL SELECT 'runs', '', 'waiting', n FROM open_runs
UNION ALL SELECT 'runs', '', 'done', (SELECT count(*) FROM runs) - (SELECT n FROM open_runs)
UNION ALL SELECT 'messages', channel, state, n FROM open_messages
UNION ALL SELECT 'messages', channel, 'sent',
    n - coalesce((SELECT sum(n) FROM open_messages WHERE open_messages.channel = all_messages.channel), 0)
FROM all_messages;
