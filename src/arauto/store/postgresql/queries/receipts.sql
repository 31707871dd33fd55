-- name: messages_told_of
SELECT id, document FROM messages WHERE id = ANY(:ids::text[]);

-- name: messages_to_note
SELECT id, sequence, state, receipt, arrived, document FROM messages
WHERE id = ANY(:ids::text[]) ORDER BY sequence
FOR UPDATE;

-- name: insert_receipts
INSERT INTO receipts (message, kind, permanent, resent, at, detail)
SELECT message, kind, permanent, resent, at, detail
FROM unnest(:message::bigint[], :kind::text[], :permanent::bigint[], :resent::bigint[], :at::bigint[],
            :detail::text[])
    AS given (message, kind, permanent, resent, at, detail)
ON CONFLICT (message, kind, permanent, resent) DO NOTHING
RETURNING message, kind, permanent, resent;

-- name: note_receipts
UPDATE messages SET receipt = given.receipt, arrived = given.arrived, state = given.state,
    due_at = CASE WHEN given.state = messages.state THEN due_at ELSE NULL END
FROM unnest(:message::bigint[], :receipt::text[], :arrived::bigint[], :state::text[])
    AS given (message, receipt, arrived, state)
WHERE messages.sequence = given.message;

-- name: awaited_keys
SELECT DISTINCT key FROM awaits WHERE key = ANY(:keys::text[]);

-- name: receipts
SELECT message, kind, permanent, at, detail FROM receipts WHERE message = ANY(:messages::bigint[]);

-- name: ids_of_messages
SELECT id FROM messages WHERE sequence = ANY(:messages::bigint[]);
