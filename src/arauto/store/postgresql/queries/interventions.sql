-- name: messages_to_change
SELECT id, sequence, state, due_at, receipt, document FROM messages
WHERE id = ANY(:ids::text[]) AND tenant = :tenant ORDER BY sequence
FOR UPDATE;

-- name: change_messages
-- What is sent again has its receipts before it, too.
UPDATE messages SET state = :state, due_at = given.due_at, hold = NULL, document = given.document,
    receipt = CASE given.again WHEN 1 THEN NULL ELSE receipt END,
    arrived = CASE given.again WHEN 1 THEN NULL ELSE arrived END
FROM unnest(:message::bigint[], :due_at::bigint[], :again::bigint[], :document::text[])
    AS given (message, due_at, again, document)
WHERE messages.sequence = given.message;

-- name: replay
SELECT document FROM replays WHERE tenant = :tenant AND id = :id;

-- name: put_replay
INSERT INTO replays (tenant, id, document) VALUES (:tenant, :id, :document)
ON CONFLICT (tenant, id) DO UPDATE SET document = excluded.document;

-- name: select_not_sent
SELECT sequence, id, channel, notification FROM messages
WHERE tenant = :tenant AND state = :state AND state <> 'sent' AND sequence > :position AND channel <> :inbox
    AND (:channel::text IS NULL OR channel = :channel)
    AND (:notification::text IS NULL OR notification = :notification)
    AND (:recipient::text IS NULL OR recipient = :recipient) AND created_at >= :since AND created_at <= :until
ORDER BY sequence LIMIT :limit;

-- name: select_sent
SELECT sequence, id, channel, notification FROM messages
WHERE tenant = :tenant AND state = 'sent' AND coalesce(receipt, 'sent') = :state AND sequence > :position
    AND channel <> :inbox
    AND (:channel::text IS NULL OR channel = :channel)
    AND (:notification::text IS NULL OR notification = :notification)
    AND (:recipient::text IS NULL OR recipient = :recipient) AND created_at >= :since AND created_at <= :until
ORDER BY sequence LIMIT :limit;

-- name: explanations
SELECT key, explanation FROM events WHERE key = ANY(:keys::text[]);

-- name: select_missed
SELECT sequence, type FROM events
WHERE tenant = :tenant AND type = ANY(:types::text[]) AND sequence > :position AND state = 'planned'
    AND received_at >= :since AND received_at <= :until
ORDER BY sequence LIMIT :limit;

-- name: select_quarantined
SELECT sequence, type FROM events
WHERE state = 'quarantined' AND state <> 'planned' AND tenant = :tenant AND sequence > :position
    AND received_at >= :since AND received_at <= :until
ORDER BY sequence LIMIT :limit;

-- name: plan_again
UPDATE events SET state = 'pending', claims = 0, leased_until = given.due_at, missed = :notification
FROM unnest(:event::bigint[], :due_at::bigint[]) AS given (event, due_at)
WHERE events.sequence = given.event AND events.state <> 'pending';
