"""What stands in each kind of project file: the Structs that files are checked against and editors' schemas come from.

A field's description is what an editor shows. Values with a form of their own (expressions, durations, locales) are
text here; the modules that compile them know more.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

from msgspec import Meta, Struct

from arauto import channels
from arauto.decide import steps
from arauto.decide.wishes import IN_APP
from arauto.model import JSON

_NAME = Meta(
    pattern="^[a-z][a-z0-9-]*$",
    extra_json_schema={"patternErrorMessage": "must be small letters, digits and -, beginning with a letter"},
)
_URL = Meta(pattern="^https?://[^/]+", extra_json_schema={"patternErrorMessage": "must be an http or https URL"})
_COLOR = Meta(
    pattern="^#([0-9a-fA-F]{3}|[0-9a-fA-F]{6})$",
    extra_json_schema={"patternErrorMessage": "must be a colour such as #0f766e, in quotes"},
)

Expression: TypeAlias = Annotated[str, Meta(min_length=1)]
Duration: TypeAlias = Annotated[str, Meta(examples=["30s", "5m", "1h30m", "2d"])]
Locale: TypeAlias = Annotated[str, Meta(examples=["pt-BR", "en"])]
TimeZone: TypeAlias = Annotated[str, Meta(examples=["America/Sao_Paulo", "UTC"])]
Day: TypeAlias = Annotated[str, Meta(examples=["2026-12-25"])]
TimeOfDay: TypeAlias = Annotated[str, Meta(examples=["09:00"])]
Schema: TypeAlias = Annotated[dict[str, Any], Meta(extra_json_schema={"x-holds": "schema"})]


def _addresses(shape: dict[str, JSON], description: str) -> dict[str, JSON]:
    """Properties for the channels whose addresses are written down."""
    written = (name for name in channels.names() if name != IN_APP)
    return {name: {**shape, "description": description.format(name)} for name in written}


_TEXT: dict[str, JSON] = {"type": "string", "minLength": 1}
_ONE_ADDRESS: list[JSON] = [_TEXT, {"type": "object"}]
_ADDRESS: dict[str, JSON] = {
    "anyOf": [*_ONE_ADDRESS, {"type": "array", "minItems": 1, "items": {"anyOf": _ONE_ADDRESS}}]
}

Recipient: TypeAlias = Annotated[
    dict[str, Any],
    Meta(
        extra_json_schema={
            "properties": {
                "name": _TEXT | {"description": "What texts call them."},
                "locale": _TEXT | {"description": "A BCP 47 tag; the project's when not given."},
                "time_zone": _TEXT | {"description": "An IANA name; the project's when not given."},
                "attributes": {"type": "object", "description": "What conditions and texts may ask for."},
                **_addresses(_ADDRESS, "The address, or a list of addresses, for {}."),
            }
        }
    ),
]
"""A fixed person or system: what is written of them, and addresses by channel."""

Upsert: TypeAlias = Annotated[
    dict[str, Any],
    Meta(
        extra_json_schema={
            "properties": {
                "name": _TEXT | {"description": "An expression that gives the name."},
                "locale": _TEXT | {"description": "An expression that gives a BCP 47 tag."},
                "time_zone": _TEXT | {"description": "An expression that gives an IANA name."},
                "attributes": {
                    "type": "object",
                    "additionalProperties": _TEXT,
                    "description": "Expressions, by attribute.",
                },
                **_addresses(_TEXT, "An expression that gives the address for {}."),
            },
            "minProperties": 1,
        }
    ),
]
"""A person as the event tells them: expressions by what they give."""


class BrandEntry(Struct, frozen=True, kw_only=True):
    """How messages look."""

    name: Annotated[str, Meta(min_length=1, description="The company's name, as recipients know it.")]
    color: Annotated[str, _COLOR, Meta(description="The colour of buttons and headings.")] = "#0f766e"
    logo: Annotated[str, _URL, Meta(description="An image at an https URL, shown on top of e-mails.")] | None = None
    url: Annotated[str, _URL, Meta(description="Where the logo leads.")] | None = None
    footer: Annotated[str, Meta(description="What stands at the end of every e-mail.")] | None = None


class CategoryEntry(Struct, frozen=True, kw_only=True):
    """A kind of message that people know by name."""

    title: Annotated[str | dict[str, str], Meta(description="Its title, for all locales or by locale.")]
    consent: Annotated[
        Literal["required", "opt_out", "opt_in"],
        Meta(description="required: everybody gets it; opt_out: unless they said no; opt_in: only if they said yes."),
    ] = "opt_out"
    urgent: Annotated[bool, Meta(description="Quiet hours and the attention budget do not hold it up.")] = False
    priority: Annotated[
        Literal["low", "normal", "high"], Meta(description="Which part of the attention budget it may use.")
    ] = "normal"
    tracking: Annotated[bool, Meta(description="Whether e-mails tell when they are opened and clicked.")] = False
    retention: Annotated[Duration, Meta(description="How long its events and messages are kept.")] | None = None


class AttentionEntry(Struct, frozen=True, kw_only=True):
    """The attention budget: how many messages a person gets in a time, whatever they are about."""

    per: Annotated[Duration, Meta(description="The time, such as 1d.")]
    low: Annotated[int, Meta(ge=1, description="How many there may have been for one of low priority to be sent.")]
    normal: Annotated[int, Meta(ge=1, description="The same for normal priority.")]
    high: Annotated[int, Meta(ge=1, description="The same for high priority.")]


class ProjectFile(Struct, frozen=True, kw_only=True):
    """``arauto.yaml``: the project, and what holds for all of it."""

    name: Annotated[str, _NAME, Meta(description="The project's name.")]
    locale: Annotated[Locale, Meta(description="The locale of recipients who have none.")]
    time_zone: Annotated[TimeZone, Meta(description="The time zone of recipients who have none.")]
    brand: Annotated[BrandEntry, Meta(description="How messages look.")]
    public_url: Annotated[str, _URL, Meta(description="Where the hub is reached from outside.")] | None = None
    private_networks: Annotated[
        tuple[str, ...], Meta(description="CIDR ranges that outbound calls may reach although they are not public.")
    ] = ()
    categories: Annotated[dict[str, CategoryEntry], Meta(description="The kinds of messages, by name.")] = {}
    attention: Annotated[AttentionEntry, Meta(description="The attention budget of each person.")] | None = None
    retention: Annotated[Duration, Meta(description="How long events and messages are kept.")] | None = None
    holidays: Annotated[tuple[Day, ...], Meta(description="Days that are no business days.")] = ()


class SourceFile(Struct, frozen=True, kw_only=True):
    """``sources/<name>.yaml``: a system that events come from; the kind's own settings stand beside ``kind``."""

    kind: Annotated[str, Meta(description="How the source's calls are verified and mapped.")]


class EventFile(Struct, frozen=True, kw_only=True):
    """``events/<type>.yaml``: what can happen, and what its data look like."""

    description: Annotated[str, Meta(min_length=1, description="What happened, in one sentence.")]
    schema: Annotated[Schema, Meta(description="The JSON Schema (2020-12) of an event's data.")]
    samples: Annotated[
        dict[str, Any], Meta(min_length=1, description="Examples of the data, by name; each is checked.")
    ]


class OverrideEntry(Struct, frozen=True, kw_only=True, rename={"start": "from", "end": "to"}):
    """Somebody stands in."""

    member: Annotated[str, Meta(description="Who is on call instead.")]
    start: Annotated[str, Meta(description="From when: a day (at its hand-over), a time in the zone, or with offset.")]
    end: Annotated[str, Meta(description="Until when, written in the same ways.")]


class RotaEntry(Struct, frozen=True, kw_only=True):
    """Members who take turns in being on call."""

    members: Annotated[tuple[str, ...], Meta(min_length=1, description="The ids of those who take turns, in order.")]
    every: Annotated[Duration, Meta(description="How long a turn is, in whole days.", examples=["1d", "1w"])]
    start: Annotated[Day, Meta(description="The day on which the first member's first turn begins.")]
    hand_over: Annotated[TimeOfDay, Meta(description="When one hands over to the next.")]
    zone: Annotated[TimeZone, Meta(description="The hand-over's time zone; the project's when not given.")] | None = (
        None
    )
    overrides: Annotated[
        tuple[OverrideEntry, ...], Meta(description="Who stands in; of two that overlap, the later counts.")
    ] = ()


class GroupEntry(Struct, frozen=True, kw_only=True):
    """Recipients together."""

    members: Annotated[tuple[str, ...], Meta(description="The ids of people and systems.")] | None = None
    query: Annotated[Expression, Meta(description="Everybody for whom this expression is true.")] | None = None
    rota: Annotated[RotaEntry, Meta(description="Whoever is on call.")] | None = None


class RecipientsFile(Struct, frozen=True, kw_only=True):
    """``recipients/*.yaml``: the people, systems and groups that are always there; all files count as one."""

    attributes: Annotated[Schema, Meta(description="The JSON Schema of recipients' attributes.")] | None = None
    people: Annotated[dict[str, Recipient], Meta(description="People, by id.")] = {}
    systems: Annotated[dict[str, Recipient], Meta(description="Systems, by id.")] = {}
    groups: Annotated[
        dict[
            str,
            Annotated[
                GroupEntry,
                Meta(extra_json_schema={"oneOf": [{"required": [key]} for key in ("members", "query", "rota")]}),
            ],
        ],
        Meta(description="Recipients together, by name."),
    ] = {}


class PriceEntry(Struct, frozen=True, kw_only=True):
    """What a provider charges."""

    amount: Annotated[float, Meta(ge=0, description="How much of the currency.", examples=[0.29])]
    currency: Annotated[
        str,
        Meta(
            pattern="^[A-Z]{3}$",
            description="Its code of ISO 4217.",
            examples=["BRL", "USD"],
            extra_json_schema={"patternErrorMessage": "must be a code of three capital letters, such as BRL"},
        ),
    ]
    per: Annotated[
        Literal["message", "segment"], Meta(description="For what: each message, or each segment of one.")
    ] = "message"


class ProviderEntry(Struct, frozen=True, kw_only=True):
    """Who carries a channel's messages; the kind's own settings stand beside ``kind``."""

    kind: Annotated[str, Meta(description="A provider of this channel.")]
    name: Annotated[str, _NAME, Meta(description="What traces call it; its kind when not given.")] | None = None
    price: Annotated[PriceEntry, Meta(description="What it charges, for simulations and plans.")] | None = None


class ChannelFile(Struct, frozen=True, kw_only=True):
    """``channels/<channel>.yaml``: by which means messages go out."""

    providers: Annotated[
        tuple[dict[str, Any], ...],
        Meta(description="In order of preference: the next is tried when one refuses altogether."),
    ] = ()
    retry: (
        Annotated[tuple[Duration, ...], Meta(description="The wait after the first, second, … failed attempt.")] | None
    ) = None
    expires: (
        Annotated[Duration, Meta(description="How long a message may still be sent after its creation.")] | None
    ) = None
    on_unknown: (
        Annotated[
            Literal["retry", "hold"],
            Meta(description="What to do when nobody knows whether an attempt was accepted."),
        ]
        | None
    ) = None
    concurrency: Annotated[int, Meta(ge=1, description="How many messages are sent at the same time.")] | None = None


class TargetEntry(Struct, frozen=True, kw_only=True):
    """Who hears of it: a person whom the event names, a group, or a system."""

    person: Annotated[Expression, Meta(description="An expression that gives a person's id.")] | None = None
    upsert: Annotated[Upsert, Meta(description="Expressions that create or update the person.")] | None = None
    group: Annotated[str, Meta(description="A group of recipients/.")] | None = None
    system: Annotated[str, Meta(description="A system of recipients/.")] | None = None
    when: Annotated[Expression, Meta(description="Only when this is true.")] | None = None


class MatchEntry(Struct, frozen=True, kw_only=True):
    """What both events give when they are about the same thing."""

    here: Annotated[Expression, Meta(description="Asked of the run's own event.")]
    there: Annotated[Expression, Meta(description="Asked of the awaited event.")]


Match: TypeAlias = Annotated[
    Expression | MatchEntry,
    Meta(description="What both events give when they are about the same thing: event.data.order.id"),
]


class AwaitedEntry(Struct, frozen=True, kw_only=True):
    """Events that take a notification back."""

    on: Annotated[
        str | Annotated[list[str], Meta(min_length=1)], Meta(description="The event type, or a list of them.")
    ]
    match: Match
    when: Annotated[Expression, Meta(description="Only when this is true of the awaited event.")] | None = None


class MuteEntry(Struct, frozen=True, kw_only=True):
    """Nothing is sent while something is open."""

    opened: Annotated[str, Meta(description="The event type that opens it.")]
    closed: Annotated[str, Meta(description="The event type that closes it.")]
    match: Match
    drop: Annotated[bool, Meta(description="What would be sent meanwhile is dropped, and does not wait.")] = False


def _step_schema() -> dict[str, JSON]:
    kinds = {name: {"description": (steps.load(name).__doc__ or "").partition("\n")[0]} for name in steps.names()}
    closed: dict[str, JSON] = {"additionalProperties": False, "x-unknown": "unknown-step"}
    return {"properties": kinds, "minProperties": 1, "maxProperties": 1, **closed}


class NotificationFile(Struct, frozen=True, kw_only=True):
    """``notifications/<name>/notification.yaml``: the rule that connects an event, recipients and channels."""

    on: Annotated[
        str | Annotated[list[str], Meta(min_length=1)], Meta(description="The event type, or a list of them.")
    ]
    category: Annotated[str, Meta(description="A category of arauto.yaml.")]
    to: Annotated[
        tuple[
            Annotated[
                TargetEntry,
                Meta(
                    extra_json_schema={
                        "oneOf": [{"required": [key]} for key in ("person", "group", "system")],
                        "dependentRequired": {"upsert": ["person"]},
                    }
                ),
            ],
            ...,
        ],
        Meta(min_length=1, description="Who hears of it."),
    ]
    steps: Annotated[
        tuple[Annotated[dict[str, Any], Meta(extra_json_schema=_step_schema())], ...],
        Meta(min_length=1, description="What happens for each recipient, in order."),
    ]
    when: Annotated[Expression, Meta(description="Only when this is true.")] | None = None
    expires: Annotated[Duration, Meta(description="How long its messages are worth sending.")] | None = None
    cancel: Annotated[AwaitedEntry, Meta(description="What takes it back.")] | None = None
    mute: Annotated[MuteEntry, Meta(description="While what is open nothing is sent.")] | None = None
    in_flight: Annotated[
        Literal["pinned", "latest"],
        Meta(description="Whether runs finish on the version of the project that began them, or follow the latest."),
    ] = "pinned"
