-- The statements on PostgreSQL. `-- name: x` begins one; its text ends at the next. `:name` is a parameter. The file
-- for SQLite has the same names with the same parameters. What is done for many rows is one statement here, with
-- an array for each column. What takes work leaves alone what others have locked. What changes given rows finds and
-- locks them first, in the order of `sequence`, so that two nodes take turns; only then is their state looked at, for
-- otherwise the planner may look for the rows in the small index of that state, which is large in a backlog.

-- name: schema_version
SELECT value FROM meta WHERE name = 'schema_version';

-- name: ping
INSERT INTO meta (name, value) VALUES ('pinged_at', :now::text)
ON CONFLICT (name) DO UPDATE SET value = excluded.value;


-- events ------------------------------------------------------------------------------------------------------------

-- name: append_events
-- Numbered in the order given, inserted in the order of their keys: so two nodes that are given the same events
-- cannot wait for each other.
WITH given AS MATERIALIZED (
    SELECT nextval('events_sequence_seq') AS sequence, given.*
    FROM unnest(:key::text[], :tenant::text[], :id::text[], :type::text[], :body_hash::text[], :document::text[])
        AS given (key, tenant, id, type, body_hash, document)
)
INSERT INTO events
    (sequence, key, tenant, id, type, received_at, body_hash, state, owner, leased_until, claims, document)
SELECT sequence, key, tenant, id, type, :now, body_hash, 'pending', :owner, :lease_until, 1, document
FROM given ORDER BY key
ON CONFLICT (key) DO NOTHING
RETURNING key;

-- name: body_hashes
SELECT key, body_hash FROM events WHERE key = ANY(:keys::text[]);

-- name: take_pending
-- In the order in which leases ended: that is the order of arrival, but an event that kills its planner goes last.
WITH due AS MATERIALIZED (
    SELECT sequence FROM events
    WHERE state = 'pending' AND state <> 'planned' AND leased_until <= :now
    ORDER BY leased_until, sequence LIMIT :limit
    FOR UPDATE SKIP LOCKED
)
UPDATE events SET owner = :owner, leased_until = :lease_until, claims = claims + 1
FROM due WHERE events.sequence = due.sequence
RETURNING events.sequence, claims, document;

-- name: mark_planned
WITH found AS MATERIALIZED (
    SELECT events.sequence, events.state, events.owner, given.explanation
    FROM unnest(:key::text[], :explanation::text[]) AS given (key, explanation)
        JOIN events ON events.key = given.key
    ORDER BY events.sequence
    FOR UPDATE OF events
)
UPDATE events SET state = 'planned', explanation = found.explanation
FROM found WHERE events.sequence = found.sequence AND found.state = 'pending' AND found.owner = :owner
RETURNING events.key, events.sequence, events.tenant;

-- name: quarantine
UPDATE events SET state = 'quarantined', explanation = :explanation WHERE key = :key AND state = 'pending';

-- name: end_event_leases
UPDATE events SET leased_until = :now WHERE state = 'pending' AND state <> 'planned' AND leased_until > :now;


-- runs --------------------------------------------------------------------------------------------------------------

-- name: insert_runs
INSERT INTO runs (event, key, tenant, state, due_at, woken, event_count, document)
SELECT event, key, tenant, state, due_at, 0, event_count, document
FROM unnest(:event::bigint[], :key::text[], :tenant::text[], :state::text[], :due_at::bigint[],
            :event_count::bigint[], :document::text[])
    AS given (event, key, tenant, state, due_at, event_count, document)
ON CONFLICT (event, key) DO NOTHING
RETURNING key, sequence;

-- name: insert_run_events
INSERT INTO run_events (run, position, event)
SELECT given.run, given.position, events.sequence
FROM unnest(:run::bigint[], :position::bigint[], :event::text[]) AS given (run, position, event)
    JOIN events ON events.key = given.event
ON CONFLICT (run, position) DO NOTHING;

-- name: take_due_runs
WITH due AS MATERIALIZED (
    SELECT sequence FROM runs
    WHERE state = 'waiting' AND coalesce(leased_until, due_at) <= :now
    ORDER BY coalesce(leased_until, due_at), sequence LIMIT :limit
    FOR UPDATE SKIP LOCKED
)
UPDATE runs SET owner = :owner, leased_until = :lease_until, woken = 0
FROM due WHERE runs.sequence = due.sequence
RETURNING runs.sequence;

-- name: update_runs
-- A run that was woken while it was being advanced was advanced on old knowledge: it stays due.
WITH found AS MATERIALIZED (
    SELECT runs.sequence, runs.state AS old_state, runs.owner, given.*
    FROM unnest(:event::text[], :key::text[], :state::text[], :due_at::bigint[], :event_count::bigint[],
                :document::text[])
            AS given (event_key, run_key, state, due_at, event_count, document)
        JOIN events ON events.key = given.event_key
        JOIN runs ON runs.event = events.sequence AND runs.key = given.run_key
    ORDER BY runs.sequence
    FOR UPDATE OF runs
)
UPDATE runs SET
    state = found.state, due_at = CASE woken WHEN 1 THEN :now ELSE found.due_at END, owner = NULL,
    leased_until = NULL, event_count = found.event_count, document = found.document
FROM found WHERE runs.sequence = found.sequence AND found.old_state = 'waiting' AND found.owner = :owner
RETURNING runs.key, runs.sequence;

-- name: wake_runs
WITH ended AS MATERIALIZED (SELECT DISTINCT run FROM messages WHERE id = ANY(:messages::text[])),
awaiting AS MATERIALIZED (
    SELECT runs.sequence, runs.state FROM ended JOIN runs ON runs.sequence = ended.run
    ORDER BY runs.sequence
    FOR UPDATE OF runs
)
UPDATE runs SET due_at = :now, woken = 1
FROM awaiting WHERE runs.sequence = awaiting.sequence AND awaiting.state = 'waiting';

-- name: end_run_leases
UPDATE runs SET leased_until = :now
WHERE state = 'waiting' AND coalesce(leased_until, due_at) > :now AND leased_until IS NOT NULL;

-- name: runs
SELECT runs.sequence, runs.state, runs.due_at, runs.event_count, runs.document, events.document
FROM runs JOIN events ON events.sequence = runs.event
WHERE runs.sequence = ANY(:runs::bigint[])
ORDER BY runs.sequence;

-- name: run_events
SELECT run_events.run, events.document
FROM run_events JOIN events ON events.sequence = run_events.event
WHERE run_events.run = ANY(:runs::bigint[])
ORDER BY run_events.run, run_events.position;

-- name: runs_of_event
SELECT sequence FROM runs WHERE event = :event
UNION
SELECT run FROM run_events WHERE event = :event;


-- messages ----------------------------------------------------------------------------------------------------------

-- name: insert_messages
INSERT INTO messages (id, run, tenant, recipient, channel, state, due_at, claimed_at, fence, document)
SELECT id, run, tenant, recipient, channel, state, due_at, claimed_at, fence, document
FROM unnest(:id::text[], :run::bigint[], :tenant::text[], :recipient::text[], :channel::text[], :state::text[],
            :due_at::bigint[], :claimed_at::bigint[], :fence::bigint[], :document::text[])
    AS given (id, run, tenant, recipient, channel, state, due_at, claimed_at, fence, document)
ON CONFLICT (id) DO NOTHING
RETURNING id, sequence;

-- name: take_due_messages
-- Each channel has a limit of its own, so that one that is stuck holds up no other.
WITH due AS MATERIALIZED (
    SELECT due.sequence
    FROM unnest(:channel::text[], :room::bigint[]) AS given (channel, room) CROSS JOIN LATERAL (
        SELECT sequence FROM messages
        WHERE state = 'queued' AND messages.channel = given.channel AND due_at <= :now
        ORDER BY due_at, sequence LIMIT given.room
        FOR UPDATE SKIP LOCKED
    ) AS due
)
UPDATE messages SET state = 'sending', due_at = :lease_until, claimed_at = :now, fence = fence + 1
FROM due WHERE messages.sequence = due.sequence
RETURNING messages.sequence, run, claimed_at, fence, document, late;

-- name: take_abandoned
-- Still claimed when it was: what was abandoned is the attempt of then.
WITH due AS MATERIALIZED (
    SELECT sequence FROM messages WHERE state = 'sending' AND due_at <= :now ORDER BY due_at, sequence LIMIT :limit
    FOR UPDATE SKIP LOCKED
)
UPDATE messages SET due_at = :lease_until, fence = fence + 1
FROM due WHERE messages.sequence = due.sequence
RETURNING messages.sequence, run, claimed_at, fence, document, late;

-- name: settle
WITH found AS MATERIALIZED (
    SELECT messages.sequence, messages.state AS old_state, messages.fence AS old_fence, given.*
    FROM unnest(:id::text[], :fence::bigint[], :state::text[], :due_at::bigint[], :document::text[])
            AS given (id, fence, state, due_at, document)
        JOIN messages ON messages.id = given.id
    ORDER BY messages.sequence
    FOR UPDATE OF messages
)
UPDATE messages SET state = found.state, due_at = found.due_at, document = found.document
FROM found
WHERE messages.sequence = found.sequence AND found.old_state = 'sending' AND found.old_fence = found.fence
RETURNING messages.id;

-- name: messages_to_amend
SELECT id, fence, document, late FROM messages WHERE id = ANY(:ids::text[]) ORDER BY sequence FOR UPDATE;

-- name: keep_late
UPDATE messages SET late = given.late
FROM unnest(:id::text[], :late::text[]) AS given (id, late)
WHERE messages.id = given.id;

-- name: end_message_leases
UPDATE messages SET due_at = :now WHERE state = 'sending' AND due_at > :now;

-- name: states_of_runs
SELECT run, id, state FROM messages WHERE run = ANY(:runs::bigint[]) ORDER BY sequence;

-- name: messages_of_runs
SELECT sequence, state, due_at, claimed_at, document, late FROM messages
WHERE run = ANY(:runs::bigint[])
ORDER BY sequence;

-- name: message
SELECT sequence, state, due_at, claimed_at, document, late FROM messages WHERE id = :id;

-- name: next_due
-- A few look-ups in indexes, however many rows wait: the channels are found by leaping from one to the next.
WITH RECURSIVE channels (channel) AS (
    SELECT min(channel) FROM messages WHERE state = 'queued'
    UNION ALL
    SELECT (SELECT min(channel) FROM messages WHERE state = 'queued' AND messages.channel > channels.channel)
    FROM channels WHERE channels.channel IS NOT NULL
)
SELECT min(due) FROM (
    SELECT (SELECT due_at FROM messages WHERE state = 'queued' AND messages.channel = channels.channel
            ORDER BY due_at LIMIT 1) AS due
    FROM channels
    UNION ALL
    SELECT (SELECT due_at FROM messages WHERE state = 'sending' ORDER BY due_at LIMIT 1)
    UNION ALL
    SELECT (SELECT coalesce(leased_until, due_at) FROM runs
            WHERE state = 'waiting' AND coalesce(leased_until, due_at) IS NOT NULL
            ORDER BY coalesce(leased_until, due_at) LIMIT 1)
    UNION ALL
    SELECT (SELECT leased_until FROM events WHERE state = 'pending' AND state <> 'planned'
            ORDER BY leased_until LIMIT 1)
) AS all_due;
