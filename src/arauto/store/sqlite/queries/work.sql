-- The statements on SQLite. `-- name: x` begins one; its text ends at the next. `:name` is a parameter, and a list
-- given for one arrives as a JSON array. The file for PostgreSQL has the same names with the same parameters.

-- name: schema_version
SELECT value FROM meta WHERE name = 'schema_version';

-- name: ping
INSERT INTO meta (name, value) VALUES ('pinged_at', :now)
ON CONFLICT (name) DO UPDATE SET value = excluded.value;


-- events ------------------------------------------------------------------------------------------------------------

-- name: append_events
INSERT INTO events
    (key, tenant, id, type, received_at, body_hash, state, owner, leased_until, claims, document)
VALUES (:key, :tenant, :id, :type, :now, :body_hash, 'pending', :owner, :lease_until, 1, :document)
ON CONFLICT (key) DO NOTHING
RETURNING key;

-- name: body_hashes
SELECT key, body_hash FROM events WHERE key IN (SELECT value FROM json_each(:keys));

-- name: take_pending
-- In the order in which leases ended: that is the order of arrival, but an event that kills its planner goes last.
UPDATE events SET owner = :owner, leased_until = :lease_until, claims = claims + 1
WHERE sequence IN (
    SELECT sequence FROM events
    WHERE state = 'pending' AND state <> 'planned' AND leased_until <= :now
    ORDER BY leased_until, sequence LIMIT :limit
)
RETURNING sequence, claims, document, missed;

-- name: mark_planned
UPDATE events SET state = 'planned', explanation = :explanation, missed = NULL
WHERE key = :key AND state = 'pending' AND owner = :owner
RETURNING key, sequence, tenant;

-- name: quarantine
UPDATE events SET state = 'quarantined', explanation = :explanation WHERE key = :key AND state = 'pending';

-- name: end_event_leases
UPDATE events SET leased_until = :now WHERE state = 'pending' AND state <> 'planned' AND leased_until > :now;


-- runs --------------------------------------------------------------------------------------------------------------

-- name: insert_runs
INSERT INTO runs
    (event, key, tenant, recipient, state, due_at, until, woken, event_count, merge_key, merge_latest, merge_limit,
     hold, catalogue, document)
VALUES
    (:event, :key, :tenant, :recipient, :state, :due_at, :until, 0, :event_count, :merge_key, :merge_latest,
     :merge_limit, :hold, :catalogue, :document)
ON CONFLICT (event, key) DO NOTHING
RETURNING key, sequence;

-- name: insert_run_events
INSERT INTO run_events (run, position, event, origin)
SELECT :run, :position, sequence, :origin FROM events WHERE key = :event
ON CONFLICT (run, position) DO NOTHING;

-- name: take_due_runs
UPDATE runs SET owner = :owner, leased_until = :lease_until, woken = 0
WHERE sequence IN (
    SELECT sequence FROM runs
    WHERE state = 'waiting' AND coalesce(leased_until, due_at) <= :now
    ORDER BY coalesce(leased_until, due_at), sequence LIMIT :limit
)
RETURNING sequence;

-- name: update_runs
-- A run that was woken while it was being advanced was advanced on old knowledge: it stays due. One that took in
-- others meanwhile is left as it was: they would not be in what was decided. So is one that was to join another.
UPDATE runs SET
    state = CASE woken WHEN 1 THEN 'waiting' ELSE :state END, due_at = CASE woken WHEN 1 THEN :now ELSE :due_at END,
    until = :until, owner = NULL, leased_until = NULL, merge_key = :merge_key, merge_latest = :merge_latest,
    merge_limit = :merge_limit, hold = :hold, catalogue = :catalogue, document = :document
WHERE event = (SELECT sequence FROM events WHERE key = :event) AND key = :key
    AND state = 'waiting' AND owner = :owner AND event_count = :event_count AND (woken = 0 OR :joins = 0)
RETURNING key, sequence;

-- name: release_runs
UPDATE runs SET owner = NULL, leased_until = NULL
WHERE event = (SELECT sequence FROM events WHERE key = :event) AND key = :key
    AND state = 'waiting' AND owner = :owner;

-- name: lock_keys
-- SQLite has one writer: nothing is to be locked.
SELECT 1 WHERE :keys IS NULL;

-- name: merge_hosts
SELECT merge_key, sequence, key, event_count FROM runs WHERE merge_key IN (SELECT value FROM json_each(:keys));

-- name: grow_hosts
UPDATE runs SET
    until = CASE
        WHEN merge_limit <= :event_count THEN :now
        WHEN merge_latest IS NULL THEN until
        ELSE min(max(until, :until), merge_latest) END,
    due_at = CASE
        WHEN merge_limit <= :event_count THEN :now
        WHEN merge_latest IS NULL OR woken = 1 THEN due_at
        ELSE min(max(until, :until), merge_latest) END,
    event_count = :event_count
WHERE sequence = :run;

-- name: insert_awaits
INSERT INTO awaits (run, key, event, since, cancels)
SELECT :run, :key, sequence, CASE :always WHEN 1 THEN 0 ELSE sequence END, :cancels FROM events WHERE key = :event
ON CONFLICT (run, key, event) DO NOTHING;

-- name: hand_over_awaits
INSERT INTO awaits (run, key, event, since, cancels)
SELECT :host, key, event, since, cancels FROM awaits WHERE run = :run AND (:apart = 0 OR cancels = 1)
ON CONFLICT (run, key, event) DO NOTHING;

-- name: delete_awaits
DELETE FROM awaits WHERE run = :run AND (:keeps = 0 OR cancels = 0);

-- name: delete_signals
DELETE FROM signals WHERE key = :key AND event < :event;

-- name: insert_signals
INSERT INTO signals (key, event, at, receipt) VALUES (:key, :event, :at, :receipt);

-- name: insert_openings
-- Whatever is open was opened by the first event since the last that closed it.
INSERT INTO signals (key, event, at, receipt)
SELECT :opened, :event, :at, NULL
WHERE NOT EXISTS (SELECT 1 FROM signals WHERE key = :opened AND event <= :event)
    AND NOT EXISTS (SELECT 1 FROM signals WHERE key = :closed AND event > :event);

-- name: standing_holds
SELECT hold FROM silences WHERE hold IN (SELECT value FROM json_each(:keys))
UNION
SELECT key FROM signals WHERE key IN (SELECT value FROM json_each(:keys));

-- name: free_held_runs
UPDATE runs SET due_at = :now, woken = 1
WHERE hold IN (SELECT value FROM json_each(:keys)) AND state = 'waiting'
RETURNING sequence;

-- name: free_held_messages
UPDATE messages SET due_at = :now
WHERE hold IN (SELECT value FROM json_each(:keys)) AND state = 'queued'
RETURNING sequence;

-- name: wake_signalled
-- Those of these runs for which something has happened already.
UPDATE runs SET state = 'waiting', due_at = :now, woken = 1
WHERE sequence IN (
    SELECT awaits.run FROM awaits JOIN signals ON signals.key = awaits.key JOIN runs ON runs.sequence = awaits.run
    WHERE awaits.run IN (SELECT value FROM json_each(:runs))
        AND (signals.event IS NULL OR signals.event > awaits.since)
        AND (runs.state = 'waiting' OR awaits.cancels = 1)
)
RETURNING sequence;

-- name: wake_listeners
-- Those that listen for these keys.
UPDATE runs SET state = 'waiting', due_at = :now, woken = 1
WHERE sequence IN (
    SELECT awaits.run FROM awaits JOIN runs ON runs.sequence = awaits.run
    WHERE awaits.key IN (SELECT value FROM json_each(:keys)) AND (runs.state = 'waiting' OR awaits.cancels = 1)
)
RETURNING sequence;

-- name: signals_of_runs
SELECT awaits.run, signals.key, about.key, signals.at, events.document, signals.receipt
FROM awaits JOIN signals ON signals.key = awaits.key JOIN events AS about ON about.sequence = awaits.event
    LEFT JOIN events ON events.sequence = signals.event
WHERE awaits.run IN (SELECT value FROM json_each(:runs))
    AND (signals.event IS NULL OR signals.event > awaits.since)
ORDER BY signals.sequence;

-- name: signals
SELECT signals.key, signals.at, events.document FROM signals JOIN events ON events.sequence = signals.event
WHERE signals.key IN (SELECT value FROM json_each(:keys))
ORDER BY signals.sequence;

-- name: uses
SELECT key, at, count FROM uses WHERE key IN (SELECT value FROM json_each(:keys)) ORDER BY at;

-- name: insert_uses
INSERT INTO uses (key, at, run, count) VALUES (:key, :at, :run, :count);

-- name: delete_uses
DELETE FROM uses WHERE key = :key AND at <= :before;

-- name: event_sequences
SELECT key, sequence FROM events WHERE key IN (SELECT value FROM json_each(:keys));

-- name: cancel_messages
UPDATE messages SET state = 'cancelled', due_at = NULL
WHERE id IN (SELECT value FROM json_each(:ids))
    AND (state IN ('queued', 'held', 'unknown') OR sequence IN (SELECT value FROM json_each(:cleared)))
RETURNING id;

-- name: clear_inbox
-- What was read stays: the correction follows it.
DELETE FROM inbox
WHERE message IN (SELECT sequence FROM messages WHERE id IN (SELECT value FROM json_each(:ids))) AND read_at IS NULL
RETURNING message;

-- name: rewrite_inbox
UPDATE inbox SET content = :content
WHERE message = (SELECT sequence FROM messages WHERE id = :id) AND read_at IS NULL;

-- name: wake_runs
UPDATE runs SET due_at = :now, woken = 1
WHERE sequence IN (SELECT run FROM messages WHERE id IN (SELECT value FROM json_each(:messages)))
    AND state = 'waiting';

-- name: end_run_leases
UPDATE runs SET leased_until = :now
WHERE state = 'waiting' AND coalesce(leased_until, due_at) > :now AND leased_until IS NOT NULL;

-- name: runs
SELECT runs.sequence, runs.state, runs.due_at, runs.until, runs.event_count, runs.document, events.document
FROM runs JOIN events ON events.sequence = runs.event
WHERE runs.sequence IN (SELECT value FROM json_each(:runs))
ORDER BY runs.sequence;

-- name: run_events
SELECT run_events.run, events.document, run_events.origin
FROM run_events JOIN events ON events.sequence = run_events.event
WHERE run_events.run IN (SELECT value FROM json_each(:runs))
ORDER BY run_events.run, run_events.position;

-- name: runs_of_event
SELECT sequence FROM (SELECT sequence FROM runs WHERE event = :event ORDER BY sequence LIMIT :limit)
UNION
SELECT run FROM (SELECT run FROM run_events WHERE event = :event ORDER BY run LIMIT :limit)
ORDER BY 1 LIMIT :limit;

-- name: runs_of_event_and_recipient
SELECT sequence FROM runs WHERE tenant = :tenant AND recipient = :recipient AND +event = :event
UNION
SELECT runs.sequence FROM run_events JOIN runs ON runs.sequence = run_events.run
WHERE run_events.event = :event AND runs.tenant = :tenant AND runs.recipient = :recipient
ORDER BY 1 LIMIT :limit;

-- name: counts_of_event
SELECT 'runs' AS what, '' AS channel, state, count(*) FROM runs WHERE event = :event GROUP BY state
UNION ALL
SELECT 'messages', messages.channel, messages.state, count(*)
FROM runs JOIN messages ON messages.run = runs.sequence
WHERE runs.event = :event GROUP BY messages.channel, messages.state;


-- messages ----------------------------------------------------------------------------------------------------------

-- name: insert_messages
INSERT INTO messages (id, run, tenant, recipient, channel, notification, created_at, state, due_at, claimed_at,
     fence, document)
VALUES
    (:id, :run, :tenant, :recipient, :channel, :notification, :created_at, :state, :due_at, :claimed_at, :fence,
     :document)
ON CONFLICT (id) DO NOTHING
RETURNING id, sequence;

-- name: take_due_messages
-- Each channel has a limit of its own, so that one that is stuck holds up no other.
UPDATE messages SET state = 'sending', due_at = :lease_until, claimed_at = :now, fence = fence + 1
WHERE sequence IN (
    SELECT sequence FROM messages
    WHERE state = 'queued' AND channel = :channel AND due_at <= :now
    ORDER BY due_at, sequence LIMIT :room
)
RETURNING sequence, run, claimed_at, fence, document, late;

-- name: take_abandoned
-- Still claimed when it was: what was abandoned is the attempt of then.
UPDATE messages SET due_at = :lease_until, fence = fence + 1
WHERE sequence IN (
    SELECT sequence FROM messages WHERE state = 'sending' AND due_at <= :now ORDER BY due_at, sequence LIMIT :limit
)
RETURNING sequence, run, claimed_at, fence, document, late;

-- name: settle
-- A receipt that came before its attempt was settled says more than the attempt does.
UPDATE messages SET
    state = CASE WHEN arrived = 1 OR (:state = 'unknown' AND receipt IS NOT NULL) THEN 'sent' ELSE :state END,
    due_at = CASE arrived WHEN 1 THEN NULL ELSE :due_at END,
    hold = :hold, document = :document
WHERE id = :id AND state = 'sending' AND fence = :fence
RETURNING id, state;

-- name: messages_to_amend
-- Of a person who was erased, nothing is kept any more.
SELECT id, fence, document, late FROM messages
WHERE id IN (SELECT value FROM json_each(:ids)) AND substr(recipient, 1, 7) <> 'erased_';

-- name: keep_late
UPDATE messages SET late = :late WHERE id = :id;

-- name: end_message_leases
UPDATE messages SET due_at = :now WHERE state = 'sending' AND due_at > :now;

-- name: states_of_runs
SELECT messages.run, messages.id,
    CASE WHEN messages.state = 'sent' AND messages.arrived = 0 THEN 'failed' ELSE messages.state END,
    inbox.read_at IS NOT NULL
FROM messages LEFT JOIN inbox ON inbox.message = messages.sequence
WHERE messages.run IN (SELECT value FROM json_each(:runs)) ORDER BY messages.sequence;

-- name: messages_of_runs
SELECT sequence, state, due_at, claimed_at, document, late, receipt FROM messages
WHERE run IN (SELECT value FROM json_each(:runs))
ORDER BY sequence;

-- name: message
SELECT sequence, state, due_at, claimed_at, document, late, receipt FROM messages WHERE id = :id;

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
    UNION ALL
    SELECT (SELECT leased_until FROM fanouts WHERE state = 'running' ORDER BY leased_until LIMIT 1)
);
