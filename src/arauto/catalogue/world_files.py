"""``worlds/*.yaml``: the Structs that worlds are checked against, and that editors' schemas come from."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

from msgspec import Meta, Struct

from arauto.catalogue import files

Percent: TypeAlias = Annotated[float, Meta(ge=0, le=100)]
Weights: TypeAlias = Annotated[
    dict[str, Annotated[float, Meta(ge=0)]], Meta(min_length=1, description="Shares, which need not make 100.")
]
Profile: TypeAlias = Literal["even", "office", "shop", "evening"]
_RATES = ("per_hour", "per_day", "per_week", "follows")


class QuietHoursShare(Struct, frozen=True, kw_only=True):
    """How many want no messages at night."""

    share: Annotated[Percent, Meta(description="Of the people, in percent.")]
    start: Annotated[files.TimeOfDay, Meta(description="When their quiet begins, in their zone.")] = "22:00"
    end: Annotated[files.TimeOfDay, Meta(description="When it ends.")] = "07:00"


class WishesEntry(Struct, frozen=True, kw_only=True):
    """What people have said that they want."""

    quiet_hours: QuietHoursShare | None = None
    refuse: Annotated[dict[str, Percent], Meta(description="By category, how many percent have said no.")] = {}
    agree: Annotated[dict[str, Percent], Meta(description="By category, how many percent have said yes.")] = {}


class AttributeEntry(Struct, frozen=True, kw_only=True):
    """A value of an attribute, and how many have it."""

    value: Any
    share: Annotated[Percent, Meta(description="Of the people, in percent; the others are left without.")]


class PeopleEntry(Struct, frozen=True, kw_only=True):
    """Those who are named by events."""

    count: Annotated[int, Meta(ge=1, le=100_000, description="How many there are.")] = 500
    id: (
        Annotated[
            str,
            Meta(
                pattern=r"\{number\}",
                description="Their ids; as in the samples of events when not given.",
                examples=["c-{number}"],
                extra_json_schema={"patternErrorMessage": "must have {number} in it"},
            ),
        ]
        | None
    ) = None
    locales: Annotated[Weights, Meta(description="By locale; the project's when not given.")] | None = None
    time_zones: Annotated[Weights, Meta(description="By time zone; the project's when not given.")] | None = None
    addresses: (
        Annotated[
            dict[str, Percent],
            Meta(description="By channel, how many percent can be reached; everybody when not given."),
        ]
        | None
    ) = None
    attributes: Annotated[dict[str, tuple[AttributeEntry, ...]], Meta(description="By attribute, its values.")] = {}
    wishes: WishesEntry | None = None


class FollowsEntry(Struct, frozen=True, kw_only=True):
    """An event comes some time after another, and is about the same person and the same things."""

    after: Annotated[str, Meta(description="The event type that it follows.")]
    share: Annotated[Percent, Meta(description="How many percent of those are followed.")] = 100.0
    within: Annotated[files.Duration, Meta(description="It comes this long after it at the latest.")]
    at_least: Annotated[files.Duration, Meta(description="And this long after it at the earliest.")] | None = None


class ArrivalsEntry(Struct, frozen=True, kw_only=True):
    """How often events of a type come."""

    per_hour: Annotated[float, Meta(ge=0, description="How many in an hour, on average.")] | None = None
    per_day: Annotated[float, Meta(ge=0, description="How many in a day, on average over a week.")] | None = None
    per_week: Annotated[float, Meta(ge=0, description="How many in a week.")] | None = None
    profile: Annotated[
        Profile,
        Meta(
            description="When in the day and the week: even, office (working hours), shop (noon and evening, some at "
            "weekends) or evening."
        ),
    ] = "even"
    follows: (
        Annotated[
            FollowsEntry | Annotated[tuple[FollowsEntry, ...], Meta(min_length=1)],
            Meta(description="Events that it comes after."),
        ]
        | None
    ) = None
    samples: Annotated[Weights, Meta(description="By sample, how often it is the model; all alike when not given.")] | (
        None
    ) = None


class HabitEntry(Struct, frozen=True, kw_only=True):
    """What people do with messages."""

    share: Annotated[Percent, Meta(description="Of how many messages, in percent.")]
    after: Annotated[files.Duration, Meta(description="After how long; half of them earlier, half of them later.")]


class ProviderEntry(Struct, frozen=True, kw_only=True):
    """How a channel's providers behave."""

    takes: (
        Annotated[files.Duration, Meta(description="How long a message is on its way; half shorter, half longer.")]
        | None
    ) = None
    later: Annotated[Percent, Meta(description="Of the attempts: not now, try again.")] = 0.0
    rejected: Annotated[Percent, Meta(description="Of the attempts: refused for good.")] = 0.0
    unknown: Annotated[Percent, Meta(description="Of the attempts: nobody knows how they ended.")] = 0.0
    bounced: Annotated[
        Percent, Meta(description="Of what was accepted: it comes back, and the address is used no more.")
    ] = 0.0


class OutageEntry(Struct, frozen=True, kw_only=True):
    """A provider does not work for a while."""

    channel: Annotated[str, Meta(description="The channel whose messages fail.")]
    start: Annotated[files.Duration, Meta(description="How long after the beginning it starts.", examples=["2d"])]
    lasts: Annotated[files.Duration, Meta(description="How long it lasts.", examples=["6h"])]
    provider: Annotated[str, Meta(description="Only the provider of this name.")] | None = None
    fails: Annotated[
        Literal["rejected", "later", "unknown"],
        Meta(description="later: try again; rejected: for good; unknown: nobody knows how it ended."),
    ] = "later"


class WorldFile(Struct, frozen=True, kw_only=True):
    """``worlds/*.yaml``: who there is, what happens, and how providers and people behave."""

    description: Annotated[str, Meta(description="What is tried out with it.")] | None = None
    people: Annotated[PeopleEntry, Meta(description="Those who are named by events.")] = PeopleEntry()
    events: Annotated[
        dict[
            str,
            Annotated[ArrivalsEntry, Meta(extra_json_schema={"anyOf": [{"required": [key]} for key in _RATES]})],
        ],
        Meta(min_length=1, description="By event type, how often they come; others do not."),
    ]
    habits: Annotated[
        dict[str, dict[str, HabitEntry]],
        Meta(description="By channel and kind of receipt (opened, clicked, read, …), what people do with messages."),
    ] = {}
    providers: Annotated[dict[str, ProviderEntry], Meta(description="By channel, how its providers behave.")] = {}
    outages: Annotated[tuple[OutageEntry, ...], Meta(description="When providers do not work.")] = ()


RATES: dict[str, float] = {"per_hour": 24.0, "per_day": 1.0, "per_week": 1 / 7}
"""How many in a day one of each is."""

__all__: list[str] = [
    "RATES",
    "ArrivalsEntry",
    "FollowsEntry",
    "HabitEntry",
    "OutageEntry",
    "PeopleEntry",
    "ProviderEntry",
    "WishesEntry",
    "WorldFile",
]
