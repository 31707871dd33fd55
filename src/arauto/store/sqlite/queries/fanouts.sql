-- fan-outs ----------------------------------------------------------------------------------------------------------

-- name: insert_fanouts
INSERT INTO fanouts (key, event, events, state, owner, leased_until, claims, cursor, chosen, document)
VALUES (:key, :event, :events, 'running', '', :now, 0, '', 0, :document)
ON CONFLICT (key) DO NOTHING;

-- name: take_fanouts
UPDATE fanouts SET owner = :owner, leased_until = :lease_until, claims = claims + 1
WHERE sequence IN (
    SELECT sequence FROM fanouts WHERE state = 'running' AND leased_until <= :now
    ORDER BY leased_until, sequence LIMIT :limit
)
RETURNING sequence, events, cursor, chosen, claims, document;

-- name: events_of_fanouts
SELECT sequence, document FROM events WHERE sequence IN (SELECT value FROM json_each(:events));

-- name: move_fanout
UPDATE fanouts SET state = :state, cursor = :cursor, leased_until = :due_at, claims = 0, document = :document
WHERE key = :key AND state = 'running' AND owner = :owner AND cursor = :before
RETURNING event;

-- name: count_chosen
UPDATE fanouts SET chosen = chosen + :chosen WHERE key = :key;

-- name: begun
SELECT key FROM runs
WHERE event = (SELECT sequence FROM events WHERE key = :event) AND key IN (SELECT value FROM json_each(:runs));

-- name: signals_about
SELECT signals.sequence, signals.key, :about, signals.at, events.document
FROM signals JOIN events ON events.sequence = signals.event
WHERE signals.key = :key AND (:always = 1 OR signals.event > (SELECT sequence FROM events WHERE key = :about));

-- name: fanouts_of_event
SELECT state, cursor, chosen, document FROM fanouts WHERE event = :event ORDER BY sequence;

-- name: end_fanout_leases
UPDATE fanouts SET leased_until = :now WHERE state = 'running' AND leased_until > :now;
