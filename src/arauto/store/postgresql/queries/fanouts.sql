-- fan-outs ----------------------------------------------------------------------------------------------------------

-- name: insert_fanouts
INSERT INTO fanouts (key, event, events, state, owner, leased_until, claims, cursor, chosen, document)
SELECT key, event, events, 'running', '', :now, 0, '', 0, document
FROM unnest(:key::text[], :event::bigint[], :events::text[], :document::text[]) AS given (key, event, events, document)
ON CONFLICT (key) DO NOTHING;

-- name: take_fanouts
WITH due AS MATERIALIZED (
    SELECT sequence FROM fanouts WHERE state = 'running' AND leased_until <= :now
    ORDER BY leased_until, sequence LIMIT :limit
    FOR UPDATE SKIP LOCKED
)
UPDATE fanouts SET owner = :owner, leased_until = :lease_until, claims = claims + 1
FROM due WHERE fanouts.sequence = due.sequence
RETURNING fanouts.sequence, events, cursor, chosen, claims, document;

-- name: events_of_fanouts
SELECT sequence, document FROM events WHERE sequence = ANY(:events::bigint[]);

-- name: move_fanout
WITH found AS MATERIALIZED (
    SELECT sequence, state, owner, cursor FROM fanouts WHERE key = :key FOR UPDATE
)
UPDATE fanouts SET state = :state, cursor = :cursor, leased_until = :due_at, claims = 0, document = :document
FROM found
WHERE fanouts.sequence = found.sequence AND found.state = 'running' AND found.owner = :owner
    AND found.cursor = :before
RETURNING fanouts.event;

-- name: count_chosen
UPDATE fanouts SET chosen = chosen + :chosen WHERE key = :key;

-- name: begun
SELECT runs.key FROM events JOIN runs ON runs.event = events.sequence
WHERE events.key = :event AND runs.key = ANY(:runs::text[]);

-- name: signals_about
SELECT signals.sequence, signals.key, given.about, signals.at, events.document
FROM unnest(:key::text[], :about::text[], :always::bigint[]) AS given (key, about, always)
    JOIN signals ON signals.key = given.key JOIN events ON events.sequence = signals.event
WHERE given.always = 1 OR signals.event > (SELECT sequence FROM events WHERE events.key = given.about);

-- name: fanouts_of_event
SELECT state, cursor, chosen, document FROM fanouts WHERE event = :event ORDER BY sequence;

-- name: end_fanout_leases
UPDATE fanouts SET leased_until = :now WHERE state = 'running' AND leased_until > :now;
