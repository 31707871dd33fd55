-- what is held of a person ------------------------------------------------------------------------------------------

-- name: held_runs
SELECT sequence, key, state, due_at, document FROM runs
WHERE tenant = :tenant AND recipient = :recipient AND sequence > :after ORDER BY sequence LIMIT :limit;

-- name: events_held_by_runs
SELECT sequence AS run, event FROM runs WHERE sequence IN (SELECT value FROM json_each(:runs))
UNION
SELECT run, event FROM run_events WHERE run IN (SELECT value FROM json_each(:runs))
ORDER BY run, event;

-- name: uses_of_runs
SELECT run, key, at, count FROM uses WHERE run IN (SELECT value FROM json_each(:keys)) ORDER BY at;

-- name: held_messages
SELECT sequence, state, due_at, document, late FROM messages
WHERE tenant = :tenant AND recipient = :recipient AND sequence > :after ORDER BY sequence LIMIT :limit;

-- name: receipts_of_messages
SELECT message, kind, permanent, at, detail FROM receipts
WHERE message IN (SELECT value FROM json_each(:messages)) ORDER BY message, at, kind;

-- name: held_inbox
SELECT message, created_at, read_at, content FROM inbox
WHERE tenant = :tenant AND recipient = :recipient AND message > :after ORDER BY message LIMIT :limit;

-- name: held_events
SELECT sequence, key, received_at, state, document, explanation FROM events
WHERE sequence IN (SELECT value FROM json_each(:events)) ORDER BY sequence;

-- name: scan_events
SELECT sequence, document, explanation FROM events
WHERE tenant = :tenant AND sequence > :after AND sequence <= :last ORDER BY sequence LIMIT :limit;

-- name: last_sequences
SELECT (SELECT coalesce(max(sequence), 0) FROM events), (SELECT coalesce(max(sequence), 0) FROM runs),
    (SELECT coalesce(max(sequence), 0) FROM messages);


-- erasure -----------------------------------------------------------------------------------------------------------

-- name: erasure
SELECT begun_at, finished_at, document FROM erasures WHERE tenant = :tenant AND pseudonym = :pseudonym;

-- name: unfinished_erasures
SELECT tenant, pseudonym FROM erasures WHERE finished_at IS NULL ORDER BY tenant, pseudonym;

-- name: begin_erasure
INSERT INTO erasures (tenant, pseudonym, begun_at, finished_at, document)
VALUES (:tenant, :pseudonym, :now, NULL, :document)
ON CONFLICT (tenant, pseudonym) DO UPDATE SET
    begun_at = excluded.begun_at, finished_at = NULL, document = excluded.document;

-- name: note_erasure
UPDATE erasures SET document = :document, finished_at = :finished_at
WHERE tenant = :tenant AND pseudonym = :pseudonym;

-- name: take_recipient
DELETE FROM recipients WHERE tenant = :tenant AND id = :recipient RETURNING document;

-- name: delete_wishes
DELETE FROM wishes WHERE tenant = :tenant AND recipient = :recipient RETURNING recipient;

-- name: consents_of_person
SELECT sequence, document FROM consents WHERE tenant = :tenant AND recipient = :recipient;

-- name: keep_consents
UPDATE consents SET recipient = :pseudonym, document = :document WHERE sequence = :sequence;

-- name: delete_uses_of_key
DELETE FROM uses WHERE key = :key;

-- name: stop_runs_of_person
UPDATE runs SET state = 'done', due_at = NULL, until = NULL, owner = NULL, leased_until = NULL, merge_key = NULL,
    merge_latest = NULL, merge_limit = NULL, hold = NULL
WHERE tenant = :tenant AND recipient = :recipient AND +state = 'waiting'
RETURNING sequence;

-- name: cancel_messages_of_person
UPDATE messages SET state = 'cancelled', due_at = NULL, hold = NULL
WHERE tenant = :tenant AND recipient = :recipient AND state IN ('queued', 'held', 'unknown')
RETURNING sequence;

-- name: under_way
-- Of the person, messages that are being sent; and events from before that are not planned.
SELECT (SELECT count(*) FROM messages
        WHERE tenant = :tenant AND recipient = :recipient AND state = 'sending' AND state <> 'sent' AND due_at > :now),
    EXISTS (SELECT 1 FROM events WHERE state = 'pending' AND state <> 'planned' AND sequence <= :last);

-- name: messages_to_erase
SELECT sequence, state, document FROM messages
WHERE tenant = :tenant AND recipient = :recipient AND sequence <= :last ORDER BY sequence LIMIT :limit;

-- name: erase_messages
UPDATE messages SET recipient = :pseudonym, document = :document, late = NULL, hold = NULL, fence = fence + 1,
    state = CASE WHEN state IN ('queued', 'sending', 'held', 'unknown') THEN 'cancelled' ELSE state END, due_at = NULL
WHERE sequence = :sequence;

-- name: delete_inbox_of_messages
DELETE FROM inbox WHERE message IN (SELECT value FROM json_each(:messages)) RETURNING message;

-- name: clear_receipts
UPDATE receipts SET detail = NULL WHERE message IN (SELECT value FROM json_each(:messages)) AND detail IS NOT NULL;

-- name: runs_to_erase
SELECT sequence, key, state, document FROM runs
WHERE tenant = :tenant AND recipient = :recipient AND sequence <= :last ORDER BY sequence LIMIT :limit;

-- name: erase_runs
UPDATE runs SET recipient = :pseudonym, document = :document, state = 'done', due_at = NULL, until = NULL,
    owner = NULL, leased_until = NULL, merge_key = NULL, merge_latest = NULL, merge_limit = NULL, hold = NULL
WHERE sequence = :sequence;

-- name: delete_awaits_of_runs
DELETE FROM awaits WHERE run IN (SELECT value FROM json_each(:runs));

-- name: delete_uses_of_runs
DELETE FROM uses WHERE run IN (SELECT value FROM json_each(:keys));

-- name: delete_signals_of_keys
DELETE FROM signals WHERE key IN (SELECT value FROM json_each(:keys));

-- name: find_events_of_runs
INSERT INTO erasing (tenant, pseudonym, event)
SELECT :tenant, :pseudonym, event FROM runs WHERE sequence IN (SELECT value FROM json_each(:runs))
UNION
SELECT :tenant, :pseudonym, event FROM run_events WHERE run IN (SELECT value FROM json_each(:runs))
ON CONFLICT (tenant, pseudonym, event) DO NOTHING;

-- name: find_events_of_signals
-- Those that runs heard of.
INSERT INTO erasing (tenant, pseudonym, event)
SELECT :tenant, :pseudonym, signals.event FROM awaits JOIN signals ON signals.key = awaits.key
WHERE awaits.run IN (SELECT value FROM json_each(:runs)) AND signals.event IS NOT NULL
ON CONFLICT (tenant, pseudonym, event) DO NOTHING;

-- name: add_found_events
INSERT INTO erasing (tenant, pseudonym, event) VALUES (:tenant, :pseudonym, :event)
ON CONFLICT (tenant, pseudonym, event) DO NOTHING;

-- name: next_found_event
SELECT event FROM erasing WHERE tenant = :tenant AND pseudonym = :pseudonym ORDER BY event LIMIT 1;

-- name: drop_found_event
DELETE FROM erasing WHERE tenant = :tenant AND pseudonym = :pseudonym AND event = :event;

-- name: event_to_clear
SELECT key, state, document, explanation FROM events WHERE sequence = :event;

-- name: needed_by_others
-- Whether somebody else is yet to be told of an event.
SELECT EXISTS (
    SELECT 1 FROM (
        SELECT sequence FROM runs WHERE event = :event
        UNION ALL SELECT run FROM run_events WHERE event = :event
        UNION ALL SELECT awaits.run FROM signals JOIN awaits ON awaits.key = signals.key WHERE signals.event = :event
    ) AS found JOIN runs ON runs.sequence = found.sequence
    WHERE runs.recipient <> :pseudonym AND (runs.state = 'waiting' OR EXISTS (
        SELECT 1 FROM messages
        WHERE messages.run = runs.sequence AND messages.state IN ('queued', 'sending', 'held', 'unknown')))
);

-- name: clear_event
UPDATE events SET id = :id, document = :document, explanation = :explanation WHERE sequence = :event;

-- name: runs_around_event
-- Those that hold an event, and those that heard of it.
SELECT sequence, recipient, state, document FROM runs
WHERE sequence IN (
    SELECT sequence FROM runs WHERE event = :event
    UNION SELECT run FROM run_events WHERE event = :event
    UNION SELECT awaits.run FROM signals JOIN awaits ON awaits.key = signals.key WHERE signals.event = :event
) AND sequence > :after
ORDER BY sequence LIMIT :limit;

-- name: clear_runs
-- Whoever has one under lease decides on what was in it: that does not count, and it is due for the next.
UPDATE runs SET document = :document, owner = NULL, leased_until = NULL WHERE sequence = :sequence;

-- name: messages_to_clear
SELECT sequence, document, late FROM messages
WHERE run IN (SELECT value FROM json_each(:runs)) AND recipient <> :pseudonym AND state <> 'sending'
ORDER BY sequence;

-- name: clear_messages
UPDATE messages SET document = :document, late = :late WHERE sequence = :sequence;

-- name: inbox_to_clear
SELECT message, content FROM inbox
WHERE message IN (SELECT sequence FROM messages WHERE run IN (SELECT value FROM json_each(:runs)));

-- name: clear_inbox_items
UPDATE inbox SET content = :content WHERE message = :message;

-- name: clear_silence
UPDATE silences SET document = :document WHERE tenant = :tenant AND id = :id;

-- name: rejections_to_clear
SELECT sequence, document FROM rejections WHERE tenant = :tenant ORDER BY sequence;

-- name: clear_rejections
UPDATE rejections SET document = :document WHERE sequence = :sequence;

-- name: fanouts_to_clear
SELECT sequence, cursor, document FROM fanouts WHERE sequence > :after ORDER BY sequence LIMIT :limit;

-- name: clear_fanout
-- Those between the new place and the old one are asked again: their runs are there already.
UPDATE fanouts SET document = :document, cursor = CASE WHEN cursor <> :recipient THEN cursor ELSE coalesce(
    (SELECT id FROM recipients WHERE tenant = :tenant AND id < :recipient ORDER BY id DESC LIMIT 1), '') END
WHERE sequence = :sequence;

-- name: replays_to_clear
SELECT id, document FROM replays WHERE tenant = :tenant ORDER BY id;

-- name: come_back
-- Whether somebody of this id is known now, or something was begun for them.
SELECT EXISTS (SELECT 1 FROM recipients WHERE tenant = :tenant AND id = :recipient),
    EXISTS (SELECT 1 FROM runs WHERE tenant = :tenant AND recipient = :recipient);


-- retention ---------------------------------------------------------------------------------------------------------

-- name: retained
SELECT event FROM retained WHERE seconds = :seconds;

-- name: note_retained
INSERT INTO retained (seconds, event) VALUES (:seconds, :event)
ON CONFLICT (seconds) DO UPDATE SET event = excluded.event;

-- name: take_old_events
SELECT sequence, received_at, state, explanation FROM events WHERE sequence > :after ORDER BY sequence LIMIT :limit;

-- name: take_overdue_events
SELECT events.sequence, events.received_at, events.state, events.explanation
FROM overdue JOIN events ON events.sequence = overdue.event
WHERE overdue.event > :after ORDER BY overdue.event LIMIT :limit;

-- name: note_overdue
INSERT INTO overdue (event) VALUES (:event) ON CONFLICT (event) DO NOTHING;

-- name: forget_overdue
DELETE FROM overdue WHERE event IN (SELECT value FROM json_each(:events));

-- name: needed_events
-- Those of these events that a run waits with, that are not planned, or that opened what is still open. What is asked
-- of states must not lead to the indexes of all that waits.
WITH held AS MATERIALIZED (
    SELECT event, sequence AS run FROM runs WHERE event IN (SELECT value FROM json_each(:events))
    UNION SELECT event, run FROM run_events WHERE event IN (SELECT value FROM json_each(:events))
    UNION SELECT signals.event, awaits.run FROM signals JOIN awaits ON awaits.key = signals.key
        WHERE signals.event IN (SELECT value FROM json_each(:events))
)
SELECT held.event FROM held JOIN runs ON runs.sequence = held.run WHERE +runs.state = 'waiting'
UNION SELECT sequence FROM events WHERE sequence IN (SELECT value FROM json_each(:events)) AND +state = 'pending'
UNION SELECT event FROM fanouts WHERE event IN (SELECT value FROM json_each(:events)) AND +state = 'running'
UNION SELECT event FROM signals WHERE event IN (SELECT value FROM json_each(:events)) AND substr(key, 1, 7) = 'opened_';

-- name: newer_events
-- Of these events, those that a run holds together with one that came after a time.
SELECT DISTINCT held.event FROM run_events AS held
    JOIN run_events AS other ON other.run = held.run JOIN events ON events.sequence = other.event
WHERE held.event IN (SELECT value FROM json_each(:events)) AND events.received_at > :since
UNION
SELECT runs.event FROM runs JOIN run_events AS other ON other.run = runs.sequence
    JOIN events ON events.sequence = other.event
WHERE runs.event IN (SELECT value FROM json_each(:events)) AND events.received_at > :since;

-- name: open_messages_of_events
SELECT found.event, messages.state, messages.document
FROM (
    SELECT event, sequence AS run FROM runs WHERE event IN (SELECT value FROM json_each(:events))
    UNION SELECT event, run FROM run_events WHERE event IN (SELECT value FROM json_each(:events))
    UNION SELECT signals.event, awaits.run FROM signals JOIN awaits ON awaits.key = signals.key
        WHERE signals.event IN (SELECT value FROM json_each(:events))
) AS found JOIN messages ON messages.run = found.run
WHERE messages.state IN ('queued', 'sending', 'held', 'unknown');

-- name: runs_of_events
SELECT runs.sequence, runs.key, runs.document, events.key FROM runs JOIN events ON events.sequence = runs.event
WHERE runs.sequence IN (
    SELECT sequence FROM runs WHERE event IN (SELECT value FROM json_each(:events))
    UNION SELECT run FROM run_events WHERE event IN (SELECT value FROM json_each(:events)));

-- name: sequences_of_messages
SELECT sequence FROM messages WHERE run IN (SELECT value FROM json_each(:runs));

-- name: delete_receipts
DELETE FROM receipts WHERE message IN (SELECT value FROM json_each(:messages));

-- name: delete_messages
DELETE FROM messages WHERE sequence IN (SELECT value FROM json_each(:messages));

-- name: delete_run_events
DELETE FROM run_events WHERE run IN (SELECT value FROM json_each(:runs));

-- name: delete_runs
DELETE FROM runs WHERE sequence IN (SELECT value FROM json_each(:runs));

-- name: delete_signals_of_events
DELETE FROM signals WHERE event IN (SELECT value FROM json_each(:events));

-- name: delete_fanouts
DELETE FROM fanouts WHERE event IN (SELECT value FROM json_each(:events));

-- name: delete_events
DELETE FROM events WHERE sequence IN (SELECT value FROM json_each(:events));
