-- name: put
INSERT INTO got VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING;

-- name: note_recorded
INSERT INTO recorded VALUES (?) ON CONFLICT DO NOTHING;

-- name: faithful
SELECT count(*), count(got.id) FROM recorded LEFT JOIN got ON got.new = 0 AND got.id = recorded.id;

-- name: drop_before
DELETE FROM got WHERE at < ?;

-- name: pair_by_id
INSERT INTO pairs SELECT a.id, b.id FROM got AS a JOIN got AS b ON b.new = 1 AND b.id = a.id WHERE a.new = 0;
CREATE TABLE alone AS SELECT new, id, event, notification, recipient, channel, at FROM got AS one
WHERE NOT EXISTS (SELECT 1 FROM got AS other WHERE other.new = 1 - one.new AND other.id = one.id);

-- name: turns_by_channel
CREATE TABLE turns AS
SELECT new, id, event, notification, recipient, channel AS way,
    row_number() OVER (PARTITION BY new, event, notification, recipient, channel ORDER BY at, id) AS turn
FROM alone;

-- name: turns_anyhow
CREATE TABLE turns AS
SELECT new, id, event, notification, recipient, '' AS way,
    row_number() OVER (PARTITION BY new, event, notification, recipient ORDER BY at, id) AS turn
FROM alone;

-- name: pair_turns
CREATE INDEX turns_of_new ON turns (new, event, notification, recipient, way, turn);
CREATE TABLE alike AS SELECT a.id AS old, b.id AS new
FROM turns AS a JOIN turns AS b USING (event, notification, recipient, way, turn) WHERE a.new = 0 AND b.new = 1;
INSERT INTO pairs SELECT old, new FROM alike;
DELETE FROM alone WHERE new = 0 AND id IN (SELECT old FROM alike) OR new = 1 AND id IN (SELECT new FROM alike);
DROP TABLE alike;
DROP TABLE turns;

-- name: leave_the_rest
INSERT INTO pairs SELECT iif(new = 0, id, NULL), iif(new = 1, id, NULL) FROM alone;

-- name: compared
SELECT pairs.old, pairs.new, a.at, b.at, coalesce(b.event, a.event), coalesce(b.notification, a.notification),
    coalesce(b.recipient, a.recipient), a.channel, b.channel, a.category, b.category, a.locale, b.locale,
    a.segments, b.segments, a.cost, b.cost, a.currency, b.currency, a.title, b.title, a.text IS b.text
FROM pairs LEFT JOIN got AS a ON a.new = 0 AND a.id = pairs.old LEFT JOIN got AS b ON b.new = 1 AND b.id = pairs.new
ORDER BY coalesce(b.at, a.at), coalesce(b.notification, a.notification), coalesce(b.recipient, a.recipient),
    pairs.new, pairs.old;
