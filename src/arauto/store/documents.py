"""How nouns lie in rows: documents as compact JSON, times as microseconds since 1970 in UTC."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar, cast

import msgspec

from arauto.model import (
    JSON,
    Attempt,
    Consent,
    Event,
    Fanout,
    Message,
    Origin,
    Receipt,
    Recipient,
    Run,
    Signal,
    Silence,
    Wishes,
)
from arauto.store.records import ApiKey, InboxItem, Rejection, Replay, StoredEvent, StoredFanout, StoredMessage

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_encode = msgspec.json.Encoder().encode

T = TypeVar("T")


def to_micros(moment: datetime) -> int:
    """Exact; the moment must know its zone."""
    since = moment - _EPOCH
    return (since.days * 86400 + since.seconds) * 1_000_000 + since.microseconds


def to_moment(micros: int) -> datetime:
    """The inverse of ``to_micros``, in UTC."""
    return _EPOCH + timedelta(microseconds=micros)


def optional(convert: Callable[[Any], T], value: Any) -> T | None:
    """``convert`` for what may be None."""
    return None if value is None else convert(value)


def to_document(value: object) -> str:
    """Compact JSON."""
    return _encode(value).decode()


def _reader(kind: type[T]) -> Callable[[str], T]:
    return msgspec.json.Decoder(kind).decode


read_json: Callable[[str], JSON] = _reader(cast("type[Any]", Any))
read_event = _reader(Event)
read_recipient = _reader(Recipient)
read_wishes = _reader(Wishes)
read_consent = _reader(Consent)
read_silence = _reader(Silence)
read_fanout = _reader(Fanout)
read_rejection = _reader(Rejection)
read_attempts = _reader(list[Attempt])
read_replay = _reader(Replay)
_read_run = _reader(Run)
_read_message = _reader(Message)
_read_receipt = _reader(Receipt)
read_origin = _reader(Origin)
_read_key = _reader(ApiKey)


def run_document(run: Run) -> str:
    """A run without its events and signals, which have rows of their own."""
    return to_document(msgspec.structs.replace(run, events=(), signals=(), until=None, origins=()))


def read_run(
    document: str,
    events: tuple[Event, ...],
    origins: tuple[Origin | None, ...],
    signals: tuple[Signal, ...],
    until: datetime | None,
) -> Run:
    """A run with these events, their origins, and its signals."""
    return msgspec.structs.replace(
        _read_run(document), events=events, origins=origins if any(origins) else (), signals=signals, until=until
    )


def read_signal(key: str, about: str, at: int, event: str | None, receipt: str | None) -> Signal:
    """A signal from its columns; ``event`` and ``receipt`` are documents."""
    return Signal(
        key=key,
        about=about,
        at=to_moment(at),
        event=None if event is None else read_event(event),
        receipt=None if receipt is None else _read_receipt(receipt),
    )


def read_message(document: str, late: str | None) -> Message:
    """A message with the attempts that came late behind the others."""
    message = _read_message(document)
    if late is None:
        return message
    more = [attempt for attempt in read_attempts(late) if attempt not in message.attempts]
    return msgspec.structs.replace(message, attempts=(*message.attempts, *more))


def read_key(document: str, revoked_at: int | None) -> ApiKey:
    """A key, revoked or not."""
    return msgspec.structs.replace(_read_key(document), revoked_at=optional(to_moment, revoked_at))


def stored_event(row: Any) -> StoredEvent:
    """From the columns sequence, received_at, body_hash, state, document and perhaps explanation."""
    _, received_at, body_hash, state, document, *explanation = row
    return StoredEvent(
        event=read_event(document),
        received_at=to_moment(received_at),
        body_hash=body_hash,
        state=state,
        explanation=optional(read_json, explanation[0]) if explanation else None,
    )


def stored_message(row: Any, receipts: Sequence[Receipt] = ()) -> StoredMessage:
    """From the columns sequence, state, due_at, claimed_at, document, late and receipt."""
    _, state, due_at, claimed_at, document, late, receipt = row
    return StoredMessage(
        message=read_message(document, late),
        state=state,
        due_at=to_moment(due_at) if state == "queued" else None,
        claimed_at=to_moment(claimed_at) if state == "sending" else None,
        receipt=receipt,
        receipts=tuple(receipts),
    )


def stored_fanout(row: Any) -> StoredFanout:
    """From the columns state, cursor, chosen and document."""
    state, cursor, chosen, document = row
    return StoredFanout(msgspec.structs.replace(read_fanout(document), cursor=cursor, chosen=chosen), state)


def inbox_item(row: Any, tenant: str, recipient: str) -> InboxItem:
    """From the columns message, id, created_at, read_at and content."""
    _, id, created_at, read_at, content = row
    return InboxItem(
        id=id,
        recipient=recipient,
        created_at=to_moment(created_at),
        content=read_json(content),
        read_at=optional(to_moment, read_at),
        tenant=tenant,
    )
