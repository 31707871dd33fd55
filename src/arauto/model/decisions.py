"""What a step looks at, and what it may decide."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Protocol, TypeAlias

from msgspec import Struct

from arauto.model.basics import Context, Reason
from arauto.model.notifications import Awaited, AwaitedReceipt, Target
from arauto.model.recipients import Recipient
from arauto.model.runs import Run


class Use(Struct, frozen=True):
    """One of ``at_most`` uses of an allowance in any span of ``per``. The store grants it, so that no two workers
    take the last one; a run that gets none is asked again, with ``Run.refused`` saying when there is room."""

    key: str
    at_most: int
    per: timedelta
    count: int = 1
    """How many it takes of them."""


class Merge(Struct, frozen=True):
    """Runs that wait under the same key become one, with the events of all: the first to wait takes in the others."""

    key: str
    latest: datetime | None = None
    """A sliding window: each event moves the end to its own ``until``, but not beyond this. None: the end stays."""
    at_most: int | None = None
    """With this many events the waiting is over."""
    apart: bool = False
    """What each run brings is told apart: they may be of different notifications."""


class Continue(Struct, frozen=True):
    """The step is done; go on with the next."""

    reason: Reason
    to: int | None = None
    """The index of the step to go to; None: the one that follows."""
    uses: tuple[Use, ...] = ()
    round: int | None = None
    """The round that begins with it; None: the same."""


class Wait(Struct, frozen=True):
    """Ask again at ``until``, or sooner when something awaited happens. Waiting is not failing."""

    until: datetime
    reason: Reason
    merge: Merge | None = None
    hold: str | None = None
    """The key of what holds it up, such as a silence; when that ends or changes, it is asked again at once."""


class Notify(Struct, frozen=True):
    """Begin runs of the same notification for others, from step ``first`` on, and go on with the next step."""

    targets: tuple[Target, ...]
    first: int


class Stop(Struct, frozen=True):
    """The run ends here."""

    reason: Reason


class Send(Struct, frozen=True):
    """Hand the text to these channels, then ask the step again."""

    channels: tuple[str, ...]
    reason: Reason
    awaited: bool = False
    """The step wants to know how the messages end before it continues."""


Decision: TypeAlias = Continue | Wait | Stop | Send | Notify


class Situation(Struct, frozen=True):
    """All that a step may look at."""

    run: Run
    recipient: Recipient
    """As they are now."""
    context: Context
    reachable: frozenset[str]
    """The channels that this hub has, this notification has a text for, and this recipient has an address for and
    does not refuse."""
    now: datetime
    time_zone: str
    """The recipient's, or the project's."""


class Step(Protocol):
    """One entry of a notification's ``steps``. Pure: the same situation always gives the same decision."""

    def decide(self, situation: Situation) -> Decision:
        """What to do now. Raises LanguageError when an expression fails."""
        ...

    @property
    def channels(self) -> tuple[str, ...]:
        """The channels that this step may send to."""
        ...

    @property
    def awaits(self) -> tuple[Awaited, ...]:
        """The events that this step listens for, from the beginning of the run."""
        ...

    @property
    def receipts(self) -> tuple[AwaitedReceipt, ...]:
        """The receipts that this step listens for, from the beginning of the run."""
        ...
