-- name: live_release
SELECT number, version, at, who, how, replaces, true FROM releases ORDER BY number DESC LIMIT 1;

-- name: release
SELECT number, version, at, who, how, replaces, EXISTS (
    SELECT 1 FROM release_files WHERE release_files.version = releases.version), plan
FROM releases WHERE version = :version ORDER BY number DESC LIMIT 1;

-- name: versions_like
SELECT DISTINCT version FROM releases WHERE substr(version, 1, length(:prefix::text)) = :prefix::text ORDER BY version;

-- name: releases
SELECT number, version, at, who, how, replaces, EXISTS (
    SELECT 1 FROM release_files WHERE release_files.version = releases.version)
FROM releases WHERE number < :before ORDER BY number DESC LIMIT :limit;

-- name: release_files
SELECT files FROM release_files WHERE version = :version;

-- name: versions_with_files
SELECT version FROM release_files ORDER BY version;

-- name: put_release
INSERT INTO releases (number, version, at, who, how, replaces, plan)
VALUES (:number, :version, :at, :who, :how, :replaces, :plan)
ON CONFLICT (number) DO NOTHING RETURNING number;

-- name: keep_release_files
INSERT INTO release_files (version, files) VALUES (:version, :files) ON CONFLICT (version) DO NOTHING;

-- name: drop_old_release_files
DELETE FROM release_files WHERE NOT version IN (SELECT version FROM releases WHERE number > :oldest);

-- name: drop_old_plans
UPDATE releases SET plan = NULL WHERE number <= :oldest AND plan IS NOT NULL;

-- name: drop_release_files
DELETE FROM release_files WHERE version = :version
    AND NOT version = (SELECT version FROM releases ORDER BY number DESC LIMIT 1);

-- name: drop_plans_of
UPDATE releases SET plan = NULL WHERE version = :version;

-- name: plans
SELECT number, version, plan FROM releases WHERE plan IS NOT NULL ORDER BY number;

-- name: drop_plan
UPDATE releases SET plan = NULL WHERE number = :number;
