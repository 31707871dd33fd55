-- name: messages_told_of
SELECT id, document FROM messages WHERE id IN (SELECT value FROM json_each(:ids));

-- name: messages_to_note
SELECT id, sequence, state, receipt, arrived, document FROM messages
WHERE id IN (SELECT value FROM json_each(:ids)) ORDER BY sequence;

-- name: insert_receipts
INSERT INTO receipts (message, kind, permanent, resent, at, detail)
VALUES (:message, :kind, :permanent, :resent, :at, :detail)
ON CONFLICT (message, kind, permanent, resent) DO NOTHING
RETURNING message, kind, permanent, resent;

-- name: note_receipts
UPDATE messages SET receipt = :receipt, arrived = :arrived, state = :state,
    due_at = CASE WHEN :state = state THEN due_at ELSE NULL END
WHERE sequence = :message;

-- name: awaited_keys
SELECT DISTINCT key FROM awaits WHERE key IN (SELECT value FROM json_each(:keys));

-- name: receipts
SELECT message, kind, permanent, at, detail FROM receipts
WHERE message IN (SELECT value FROM json_each(:messages));

-- name: ids_of_messages
SELECT id FROM messages WHERE sequence IN (SELECT value FROM json_each(:messages));
