-- name: wishes
SELECT recipient, document FROM wishes WHERE tenant = :tenant AND recipient = ANY(:ids::text[]);

-- name: put_wishes
INSERT INTO wishes (tenant, recipient, changed_at, document) VALUES (:tenant, :recipient, :now, :document)
ON CONFLICT (tenant, recipient) DO UPDATE SET
    changed_at = greatest(wishes.changed_at, excluded.changed_at), document = excluded.document
WHERE wishes.document <> excluded.document;

-- name: insert_consents
INSERT INTO consents (tenant, recipient, at, document)
SELECT tenant, recipient, at, document
FROM unnest(:tenant::text[], :recipient::text[], :at::bigint[], :document::text[])
    AS given (tenant, recipient, at, document);

-- name: consents
SELECT document FROM consents WHERE tenant = :tenant AND recipient = :recipient ORDER BY sequence;

-- name: suppress
INSERT INTO suppressions (tenant, hash, channel, reason, at)
SELECT tenant, hash, channel, reason, at
FROM unnest(:tenant::text[], :hash::text[], :channel::text[], :reason::text[], :at::bigint[])
    AS given (tenant, hash, channel, reason, at)
ON CONFLICT (tenant, hash) DO NOTHING;

-- name: release_address
DELETE FROM suppressions WHERE tenant = :tenant AND hash = :hash RETURNING hash;

-- name: suppressed
SELECT hash, channel, reason, at FROM suppressions WHERE tenant = :tenant AND hash = ANY(:hashes::text[]);
