-- recipients --------------------------------------------------------------------------------------------------------

-- name: recipients
SELECT recipients.id, recipients.document, wishes.document
FROM recipients LEFT JOIN wishes ON wishes.tenant = recipients.tenant AND wishes.recipient = recipients.id
WHERE recipients.tenant = :tenant AND recipients.id = ANY(:ids::text[]);

-- name: list_recipients
SELECT id, document FROM recipients WHERE tenant = :tenant AND id > :after ORDER BY id LIMIT :limit;

-- name: put_recipients
-- In the order of their ids, so that two nodes that write the same ones take turns.
INSERT INTO recipients (tenant, id, changed_at, document)
SELECT tenant, id, :now, document
FROM unnest(:tenant::text[], :id::text[], :document::text[]) AS given (tenant, id, document)
ORDER BY tenant, id
ON CONFLICT (tenant, id) DO UPDATE SET
    changed_at = greatest(recipients.changed_at, excluded.changed_at), document = excluded.document
WHERE recipients.document <> excluded.document;

-- name: delete_recipient
DELETE FROM recipients WHERE tenant = :tenant AND id = :id RETURNING id;


-- inbox -------------------------------------------------------------------------------------------------------------

-- name: insert_inbox
INSERT INTO inbox (message, tenant, recipient, created_at, read_at, content)
SELECT message, tenant, recipient, created_at, read_at, content
FROM unnest(:message::bigint[], :tenant::text[], :recipient::text[], :created_at::bigint[], :read_at::bigint[],
            :content::text[])
    AS given (message, tenant, recipient, created_at, read_at, content)
ON CONFLICT (message) DO NOTHING;

-- name: inbox
SELECT inbox.message, messages.id, inbox.created_at, inbox.read_at, inbox.content
FROM inbox JOIN messages ON messages.sequence = inbox.message
WHERE inbox.tenant = :tenant AND inbox.recipient = :recipient AND inbox.message < :before
    AND (:unread::bigint = 0 OR inbox.read_at IS NULL)
ORDER BY inbox.message DESC LIMIT :limit;

-- name: inbox_counts
SELECT count(read_at), count(*) FROM inbox WHERE tenant = :tenant AND recipient = :recipient;

-- name: mark_inbox
UPDATE inbox SET read_at = :read_at
WHERE tenant = :tenant AND recipient = :recipient AND (read_at IS NULL) = (:read_at::bigint IS NOT NULL)
    AND message IN (SELECT sequence FROM messages WHERE id = ANY(:ids::text[]))
RETURNING message;

-- name: mark_whole_inbox
UPDATE inbox SET read_at = :read_at
WHERE tenant = :tenant AND recipient = :recipient AND (read_at IS NULL) = (:read_at::bigint IS NOT NULL)
RETURNING message;


-- people and machines that use the hub ------------------------------------------------------------------------------

-- name: put_key
INSERT INTO api_keys (id, tenant, hash, revoked_at, document)
VALUES (:id, :tenant, :hash, :revoked_at, :document)
ON CONFLICT (tenant, id) DO UPDATE SET
    hash = excluded.hash, revoked_at = excluded.revoked_at, document = excluded.document;

-- name: keys
SELECT document, revoked_at FROM api_keys WHERE tenant = :tenant ORDER BY id;

-- name: find_key
SELECT document, revoked_at FROM api_keys WHERE hash = :hash;

-- name: revoke_key
UPDATE api_keys SET revoked_at = :now WHERE tenant = :tenant AND id = :id AND revoked_at IS NULL RETURNING id;

-- name: insert_hub_secret
INSERT INTO hub_secrets (name, value) VALUES (:name, :value) ON CONFLICT (name) DO NOTHING;

-- name: hub_secret
SELECT value FROM hub_secrets WHERE name = :name;

-- name: insert_rejections
INSERT INTO rejections (tenant, document)
SELECT tenant, document FROM unnest(:tenant::text[], :document::text[]) AS given (tenant, document);

-- name: trim_rejections
DELETE FROM rejections
WHERE sequence <= (SELECT sequence FROM rejections ORDER BY sequence DESC LIMIT 1 OFFSET :keep);
