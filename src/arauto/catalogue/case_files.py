"""``tests/*.yaml``: the Structs that test cases are checked against, and that editors' schemas come from."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

from msgspec import Meta, Struct

from arauto import channels
from arauto.catalogue import files
from arauto.decide.wishes import IN_APP
from arauto.model import JSON, ReceiptKind

Moment: TypeAlias = Annotated[str, Meta(examples=["+1h30m", "10:00", "2026-03-03T10:00"])]
Texts: TypeAlias = str | Annotated[list[str], Meta(min_length=1)]

_TEXT: dict[str, JSON] = {"type": "string", "minLength": 1}
_ONE_ADDRESS: list[JSON] = [_TEXT, {"type": "object"}]
_ADDRESS: dict[str, JSON] = {
    "anyOf": [{"const": True}, *_ONE_ADDRESS, {"type": "array", "minItems": 1, "items": {"anyOf": _ONE_ADDRESS}}]
}

Person: TypeAlias = Annotated[
    dict[str, Any],
    Meta(
        extra_json_schema={
            "properties": {
                "name": _TEXT | {"description": "What texts call them."},
                "locale": _TEXT | {"description": "A BCP 47 tag; the project's when not given."},
                "time_zone": _TEXT | {"description": "An IANA name; the project's when not given."},
                "attributes": {"type": "object", "description": "What conditions and texts may ask for."},
                **{
                    name: _ADDRESS | {"description": f"The address or addresses for {name}; true: one that is made up."}
                    for name in channels.names()
                    if name != IN_APP
                },
            }
        }
    ),
]
"""Somebody whom the hub knows of before the case begins."""


class QuietHoursEntry(Struct, frozen=True, kw_only=True):
    """A span of each day in which nothing may disturb somebody."""

    start: Annotated[files.TimeOfDay, Meta(description="When it begins, in their zone.")]
    end: Annotated[files.TimeOfDay, Meta(description="When it ends; it may be past midnight.")]
    days: (
        Annotated[
            tuple[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"], ...],
            Meta(min_length=1, description="The days on which it begins; all when not given."),
        ]
        | None
    ) = None


class WishesEntry(Struct, frozen=True, kw_only=True):
    """All that somebody wants."""

    categories: Annotated[
        dict[str, dict[str, bool]], Meta(description="By category and channel (*: all of them): wanted or not.")
    ] = {}
    quiet_hours: QuietHoursEntry | None = None
    order: Annotated[tuple[str, ...], Meta(description="Channels, the preferred one first.")] = ()
    locale: Annotated[files.Locale, Meta(description="The language that they chose.")] | None = None


class OfEntry(Struct, frozen=True, kw_only=True):
    """A message that was received: the last that fits."""

    to: Annotated[str, Meta(description="The recipient's id.")] | None = None
    by: Annotated[str, Meta(description="The channel.")] | None = None
    notification: Annotated[str, Meta(description="The notification's name.")] | None = None


class SilenceEntry(Struct, frozen=True, kw_only=True):
    """A time in which messages are held or dropped."""

    until: Annotated[Moment, Meta(description="When it ends; not before the case does when not given.")] | None = None
    notifications: Annotated[tuple[str, ...], Meta(description="Those that it concerns; all when not given.")] = ()
    categories: Annotated[tuple[str, ...], Meta(description="Those that it concerns.")] = ()
    recipients: Annotated[tuple[str, ...], Meta(description="Those whom it concerns.")] = ()
    drop: Annotated[bool, Meta(description="What would be sent is dropped, and does not wait.")] = False


class ProviderEntry(Struct, frozen=True, kw_only=True):
    """A provider that does not work."""

    channel: Annotated[str, Meta(description="The channel whose messages fail.")]
    fails: Annotated[
        Literal["rejected", "later", "unknown"],
        Meta(description="rejected: for good; later: it can be tried again; unknown: nobody knows how it ended."),
    ]
    name: Annotated[str, Meta(description="Only the provider of this name.")] | None = None
    times: Annotated[int, Meta(ge=1, description="So many attempts fail.")] | None = None
    until: Annotated[Moment, Meta(description="Attempts fail until then.")] | None = None


class HappeningEntry(Struct, frozen=True, kw_only=True, rename={"changes": "with"}):
    """Something that happens."""

    at: (
        Annotated[Moment, Meta(description="When; at the same time as what stands before it when not given.")] | None
    ) = None
    event: Annotated[str, Meta(description="An event of this type comes.")] | None = None
    sample: Annotated[str, Meta(description="The sample that is its data; the first when not given.")] | None = None
    data: Annotated[dict[str, Any], Meta(description="Its data, instead of a sample.")] | None = None
    changes: Annotated[dict[str, Any], Meta(description="What is otherwise than in the sample.")] | None = None
    id: Annotated[str, Meta(min_length=1, description="Its id; a number when not given.")] | None = None
    source: Annotated[str, Meta(min_length=1, description="Its source; tests when not given.")] | None = None
    receipt: Annotated[ReceiptKind, Meta(description="A provider or a person answers.")] | None = None
    of: Annotated[OfEntry, Meta(description="About which message; the last one when not given.")] | None = None
    permanent: Annotated[bool, Meta(description="The address is no good any more.")] | None = None
    wishes: Annotated[dict[str, WishesEntry], Meta(description="What people want from now on, by id.")] | None = None
    silence: Annotated[SilenceEntry, Meta(description="A silence begins.")] | None = None
    provider: Annotated[ProviderEntry, Meta(description="A provider stops working.")] | None = None
    project: (
        Annotated[
            str, Meta(min_length=1, description="Another version of the project goes live: its folder, seen from here.")
        ]
        | None
    ) = None


HAPPENINGS = ("event", "receipt", "wishes", "silence", "provider", "project")


class ExpectedEntry(Struct, frozen=True, kw_only=True):
    """A message that is received; what is not said of it may be anything."""

    at: Annotated[Moment, Meta(description="When.")] | None = None
    between: (
        Annotated[tuple[Moment, ...], Meta(min_length=2, max_length=2, description="Not before, and not after.")] | None
    ) = None
    to: Annotated[str, Meta(description="The recipient's id.")] | None = None
    by: Annotated[str, Meta(description="The channel.")] | None = None
    notification: Annotated[str, Meta(description="The notification's name.")] | None = None
    language: Annotated[files.Locale, Meta(description="The locale of its text.")] | None = None
    kind: (
        Annotated[
            Literal["text", "correction", "gathered"],
            Meta(description="correction: it takes something back; gathered: it lists notices."),
        ]
        | None
    ) = None
    provider: Annotated[str, Meta(description="The name of the provider that took it.")] | None = None
    title: Annotated[str, Meta(description="Its subject or title, exactly.")] | None = None
    contains: Annotated[Texts, Meta(description="A text, or texts, that stand anywhere in it.")] | None = None
    lacks: Annotated[Texts, Meta(description="A text, or texts, that stand nowhere in it.")] | None = None
    content: (
        Annotated[
            dict[str, Any], Meta(min_length=1, description="Parts of it, exactly, by path: actions.0.url: https://…")
        ]
        | None
    ) = None


class CaseFile(Struct, frozen=True, kw_only=True):
    """``tests/*.yaml``: a case, or a list of cases."""

    name: Annotated[str, Meta(min_length=1, description="What holds, in a sentence.")]
    now: Annotated[str, Meta(description="When it begins; in the project's zone.", examples=["2026-03-02T09:00"])]
    when: Annotated[
        tuple[
            Annotated[
                HappeningEntry,
                Meta(
                    extra_json_schema={
                        "oneOf": [{"required": [key]} for key in HAPPENINGS],
                        "dependentRequired": {
                            **{key: ["event"] for key in ("sample", "data", "with", "id", "source")},
                            **{key: ["receipt"] for key in ("of", "permanent")},
                        },
                    }
                ),
            ],
            ...,
        ],
        Meta(description="What happens, in order."),
    ]
    expect: Annotated[
        Annotated[Literal["nothing"], Meta(extra_json_schema={"type": "string"})]
        | tuple[Annotated[ExpectedEntry, Meta(extra_json_schema={"minProperties": 1})], ...],
        Meta(description="The messages that are received: all of them, in any order."),
    ]
    recipients: Annotated[dict[str, Person], Meta(description="People whom the hub knows of, by id.")] = {}
    systems: Annotated[dict[str, Person], Meta(description="Systems whom the hub knows of, by id.")] = {}
    wishes: Annotated[dict[str, WishesEntry], Meta(description="What people want, by id.")] = {}
    until: Annotated[Moment, Meta(description="When it ends; when nothing waits any more when not given.")] | None = (
        None
    )
    others: (
        Annotated[Literal["allowed"], Meta(description="Other messages than those that are expected are of no matter.")]
        | None
    ) = None
