-- name: silences
SELECT document FROM silences WHERE tenant = :tenant ORDER BY id;

-- name: put_silence
INSERT INTO silences (tenant, id, document) VALUES (:tenant, :id, :document)
ON CONFLICT (tenant, id) DO UPDATE SET document = excluded.document;

-- name: delete_silence
DELETE FROM silences WHERE tenant = :tenant AND id = :id RETURNING id;
