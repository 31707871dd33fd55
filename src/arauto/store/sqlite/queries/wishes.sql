-- name: wishes
SELECT recipient, document FROM wishes WHERE tenant = :tenant AND recipient IN (SELECT value FROM json_each(:ids));

-- name: put_wishes
INSERT INTO wishes (tenant, recipient, changed_at, document) VALUES (:tenant, :recipient, :now, :document)
ON CONFLICT (tenant, recipient) DO UPDATE SET
    changed_at = max(wishes.changed_at, excluded.changed_at), document = excluded.document
WHERE wishes.document <> excluded.document;

-- name: insert_consents
INSERT INTO consents (tenant, recipient, at, document) VALUES (:tenant, :recipient, :at, :document);

-- name: consents
SELECT document FROM consents WHERE tenant = :tenant AND recipient = :recipient ORDER BY sequence;

-- name: suppress
INSERT INTO suppressions (tenant, hash, channel, reason, at) VALUES (:tenant, :hash, :channel, :reason, :at)
ON CONFLICT (tenant, hash) DO NOTHING;

-- name: release_address
DELETE FROM suppressions WHERE tenant = :tenant AND hash = :hash RETURNING hash;

-- name: suppressed
SELECT hash, channel, reason, at FROM suppressions
WHERE tenant = :tenant AND hash IN (SELECT value FROM json_each(:hashes));
