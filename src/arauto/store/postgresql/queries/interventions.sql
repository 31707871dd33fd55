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
