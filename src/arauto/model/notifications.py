"""What a user writes."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

from msgspec import Struct, field

from arauto.model.basics import JSON, Context, Reason

if TYPE_CHECKING:
    from arauto.model.decisions import Step
    from arauto.model.runs import ReceiptKind


class Expression(Protocol):
    """A compiled expression of the one language."""

    @property
    def source(self) -> str:
        """The text as the user wrote it."""
        ...

    def evaluate(self, context: Context) -> JSON:
        """Its value. Raises LanguageError when it fails; a failure is never false."""
        ...

    def first_failure(self, context: Context) -> Reason:
        """Of a condition that is false: the first part that failed, as code ``condition_false`` with the part
        (``condition``) and what it looked at (``seen``: path → value)."""
        ...


class Composer(Protocol):
    """One text of one notification, compiled for one channel and one locale."""

    def compose(self, context: Context) -> Struct:
        """The channel's native form, filled with this context. Raises LanguageError when an expression fails."""
        ...


class PersonTarget(Struct, frozen=True, kw_only=True):
    """A person named by the event, created or brought up to date from it when ``upsert`` is given."""

    person: Expression
    upsert: dict[str, Expression] | None = None
    when: Expression | None = None


class GroupTarget(Struct, frozen=True, kw_only=True):
    """Every member of a group."""

    group: str
    when: Expression | None = None


class SystemTarget(Struct, frozen=True, kw_only=True):
    """A fixed recipient that is a system."""

    system: str
    when: Expression | None = None


Target: TypeAlias = PersonTarget | GroupTarget | SystemTarget


class Awaited(Struct, frozen=True, kw_only=True):
    """Events that something listens for: of these types, and about the same thing as the run's own event, because
    ``there``, asked of the awaited event, gives what ``here`` gives of the run's."""

    types: tuple[str, ...]
    here: Expression
    there: Expression
    when: Expression | None = None
    """Asked of the awaited event."""


class AwaitedReceipt(Struct, frozen=True):
    """A kind of receipt that something listens for."""

    kind: ReceiptKind
    anybody: bool
    """From anybody whom this notification told of the event, and not only from the run's own recipient."""


class Mute(Struct, frozen=True, kw_only=True):
    """Nothing is sent while something is open: since the last event of ``opened`` no event of ``closed`` came."""

    opened: Awaited
    closed: Awaited
    drop: bool
    """What would be sent meanwhile is dropped; otherwise it waits for the end."""


class Listener(Struct, frozen=True):
    """Something in a notification that listens for events of a type."""

    notification: str
    place: str
    """``cancel``, ``opened``, ``closed``, or that of a step (``decide.signals``)."""
    awaited: Awaited
    mute: Mute | None = None
    """What it opens or closes."""


class Notification(Struct, frozen=True, kw_only=True):
    """What a user writes: on which event, when, to whom, in which steps, with which content."""

    name: str
    on: tuple[str, ...]
    category: str
    to: tuple[Target, ...]
    steps: tuple[Step, ...]
    """In the order of the file, those inside of others too."""
    following: tuple[int, ...]
    """For each step, the index of the one after it; ``len(steps)`` is the end."""
    when: Expression | None = None
    expires: timedelta | None = None
    composers: dict[str, dict[str, Composer]]
    """By channel, then by locale."""
    cancel: Awaited | None = None
    """What takes it back."""
    corrections: dict[str, dict[str, Composer]] = field(default_factory=dict)
    """What those are told who had received it before it was taken back; by channel, then by locale."""
    mute: Mute | None = None
    notices: dict[str, Composer] = field(default_factory=dict)
    """By locale, its text as the inbox has it, for messages that list several notices; only where there is an
    attention budget."""
    in_flight: Literal["pinned", "latest"] = "pinned"
    """Whether its runs finish on the version of the catalogue that began them."""
    marks: tuple[str, ...] = ()
    """For each step, a hash of what is written of it."""
    edition: str = ""
    """A hash of all its files: versions of the catalogue in which it is the same are one to its runs."""
