"""Web push: a title, a short text, an image and actions, as JSON for a service worker."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from ipaddress import ip_address
from typing import Any, ClassVar, Literal
from urllib.parse import urlsplit

import orjson
from msgspec import Struct

from arauto.channels import TextFault, TextFaulty, TextSources
from arauto.content import (
    SHORTER,
    Content,
    Filler,
    JsonText,
    Shapes,
    as_text,
    compile_content,
    made_as_written,
    made_of,
    plain,
    shorten,
    too_long,
    url_length,
)
from arauto.errors import LanguageError
from arauto.language import Part, did_you_mean
from arauto.language.types import Longest, Rendering
from arauto.model import JSON, Brand, Composer, Context, RetryPolicy, derive_id

LARGEST = 3993
"""How many octets a payload may have: what every push service takes (4096), less the encryption's own."""
TITLE = 200
_FRAME = 400
"""More than the keys of a payload take, and its tag."""
_TAG = "x" * 32
"""So long a tag is that the project gives no other."""
URGENCIES = ("very-low", "low", "normal", "high")
KEYS = ("title", "body", "image", "url", "tag", "actions", "urgency")

Urgency = Literal["very-low", "low", "normal", "high"]


class PushBody(Struct, frozen=True):
    """What a push service carries: ``payload`` is JSON ``{title, body, image?, url?, actions, tag}``; the service
    worker sends a POST to the URL of an action with ``acknowledge``."""

    payload: bytes
    topic: str | None
    """A newer message of the same topic replaces one that waits for the device (RFC 8030)."""
    urgency: Urgency


class PushChannel:
    """The form of web push."""

    override_suffix: ClassVar[str | None] = "json"
    retry: ClassVar[RetryPolicy] = RetryPolicy(
        schedule=tuple(timedelta(seconds=wait) for wait in (5, 60, 600, 3600)),
        expires=timedelta(days=1),
        on_unknown="retry",
    )
    concurrency: ClassVar[int] = 50
    needs_content: ClassVar[bool] = True

    def check_address(self, address: JSON) -> dict[str, JSON]:
        """A browser's subscription: its endpoint and keys, and nothing else. Raises ValueError."""
        if not isinstance(address, dict) or not isinstance(address.get("keys"), dict):
            raise ValueError("a push address is a browser's subscription: {endpoint, keys: {p256dh, auth}}")
        keys = address["keys"]
        return {
            "endpoint": _endpoint(address.get("endpoint")),
            "keys": {"p256dh": _key(keys.get("p256dh"), "p256dh", 65), "auth": _key(keys.get("auth"), "auth", 16)},
        }

    def compile(self, sources: TextSources, brand: Brand) -> Composer:
        """A push message from ``push.json``, or else from the content file. Raises TextFaulty."""
        if sources.override is not None:
            own = JsonText(sources.override.file, sources.override.text, sources.locale, _place)
            _check_shape(own)
            return _OwnPush(own, sources.folder)
        assert sources.content is not None
        file, text = sources.content.file, sources.content.text
        return _Push(compile_content(file, text, sources.locale, _lay_out), sources.folder)


def _endpoint(url: JSON) -> str:
    hint = "the endpoint is an https:// URL, as the browser gave it"
    if not isinstance(url, str) or not url.isascii() or not url.isprintable() or " " in url:
        raise ValueError(hint)
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise ValueError(hint) from None
    if not host or parts.username is not None or parts.fragment:
        raise ValueError(hint)
    if parts.scheme != "https" and not (parts.scheme == "http" and _is_loopback(host)):
        raise ValueError(f"{hint} (http:// is for this machine alone)")
    return url


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _key(text: JSON, name: str, length: int) -> str:
    try:
        padded = str(text).rstrip("=") + "=" * (-len(str(text).rstrip("=")) % 4)
        key = base64.b64decode(padded, altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not isinstance(text, str) or len(key) != length or (name == "p256dh" and key[0] != 4):
        raise ValueError(f"{name} is {length} octets in base64url, as the browser gave it")
    return base64.urlsafe_b64encode(key).rstrip(b"=").decode()


# -- from the content file -----------------------------------------------------------------------------------------


class _Layout(Struct, frozen=True):
    title: Filler
    body: Filler
    image: Filler | None
    actions: tuple[tuple[Filler, Filler, bool], ...]


def _lay_out(content: Content) -> _Layout:
    image = content.image if content.image is not None and not content.image.local else None
    return _Layout(
        Filler(content.title),
        Filler(content.preview or plain(content.blocks, between="\n")),
        Filler(image.source) if image is not None else None,
        tuple((Filler(action.label), Filler(action.url), action.acknowledges) for action in content.actions),
    )


class _Push:
    """The text of one notification as push message."""

    def __init__(self, shapes: Shapes[_Layout], folder: str) -> None:
        self._shapes, self._folder = shapes, folder

    def compose(self, context: Context) -> PushBody:
        """The message for this context. Raises LanguageError."""
        layout, values = self._shapes.render(context)
        return _body(self._payload(layout, values), _tag(self._folder, context), "normal")

    def _payload(self, layout: _Layout, values: Sequence[str]) -> dict[str, JSON]:
        actions: list[dict[str, JSON]] = [
            {"title": label.fill(values), "url": url.fill(values)} | ({"acknowledge": True} if acknowledges else {})
            for label, url, acknowledges in layout.actions
        ]
        payload: dict[str, JSON] = {"title": layout.title.fill(values), "body": layout.body.fill(values)}
        if layout.image is not None:
            payload["image"] = layout.image.fill(values)
        payload["actions"] = actions
        leading = next((action["url"] for action in actions if "acknowledge" not in action), None)
        if leading is not None:
            payload["url"] = leading
        return payload

    def excesses(self, longest: Longest) -> Iterator[TextFault]:
        """Where the title or the whole can be so long that it is cut."""
        shapes = self._shapes
        title, part = shapes.only(longest, "title"), shapes.part("title") or Part("")
        if title.length() > TITLE:
            values, made = made_as_written(title)
            message = (
                f"the title may have {title.length()} characters in push messages; after {TITLE} it is cut: {made}"
            )
            yield too_long(shapes.file, values, "may-exceed", message, SHORTER, part)
        unused = {"image_alt", *(("body",) if "preview" in shapes.names else ())}
        drawn = shapes.drawn(longest, without=unused)
        if 4 * drawn.length() + url_length(shapes.only(longest, "url", "image")) + _FRAME <= LARGEST:
            return
        laid_out = shapes.laid_out([drawn.longest(_cost)])
        found = [(self._payload(layout, each.values), layout, each) for layout, each in laid_out]
        payload, layout, rendering = max(found, key=lambda each: _octets(each[0]))
        if _octets(payload) > LARGEST:
            own = _octets(self._payload(layout, [""] * len(rendering.values)))
            yield _too_large(shapes.file, rendering, own, _octets(payload), shapes.part("body") or part)


def _cost(text: str) -> float:
    return len(orjson.dumps(text))


def _octets(payload: dict[str, JSON]) -> int:
    """Of a payload that is whole."""
    return len(orjson.dumps({**payload, "title": shorten(payload["title"], TITLE), "tag": _TAG}))


def _too_large(file: str, rendering: Rendering, own: int, octets: int, part: Part) -> TextFault:
    made = made_of(rendering.of, own, 0)
    message = f"this push message may have {octets} octets; after {LARGEST} its text is cut: {made}"
    return too_long(file, rendering.of, "may-exceed", message, SHORTER, part)


def _tag(folder: str, context: Context) -> str:
    """The same for the same notification of the same event, so that a repeat replaces what it repeats."""
    event = context["event"]
    return derive_id("tag", folder, str(event["source"]), str(event["id"]))


def _body(payload: dict[str, JSON], tag: str, urgency: Urgency) -> PushBody:
    payload["title"] = shorten(payload["title"], TITLE)
    payload["tag"] = tag
    encoded = orjson.dumps(payload)
    if len(encoded) > LARGEST:
        encoded = _fitted(payload)
    return PushBody(encoded, derive_id("t", tag)[2:], urgency)


def _fitted(payload: dict[str, JSON]) -> bytes:
    """The payload with its body cut, and without what is still too long then."""
    text: str = payload["body"]
    for spare in (None, "image", "actions", "url"):
        payload.pop(spare or "", None)
        low, high = -1, len(text)
        while low < high:
            middle = (low + high + 1) // 2
            if len(orjson.dumps({**payload, "body": shorten(text, middle) if middle else ""})) <= LARGEST:
                low = middle
            else:
                high = middle - 1
        if low >= 0:
            break
    return orjson.dumps({**payload, "body": shorten(text, low) if low > 0 else ""})


# -- from push.json ------------------------------------------------------------------------------------------------


def _place(parent: Mapping[str, Any], key: str) -> Any:
    return "url" if key in ("url", "image") else as_text


def _check_shape(own: JsonText) -> None:
    shape = own.shape
    if not isinstance(shape, dict):
        raise TextFaulty(own.fault(None, "wrong-type", "a push message is an object", f"with {', '.join(KEYS)}"))
    faults = [
        own.fault(
            key,
            "unknown-key",
            f"{key} is not known in a push message",
            did_you_mean(key, KEYS) or f"there is: {', '.join(KEYS)}",
        )
        for key in shape
        if key not in KEYS
    ]
    faults += [
        own.fault(None, "missing-key", f"the push message has no {key}", f'add "{key}": "…"')
        for key in ("title", "body")
        if key not in shape
    ]
    if shape.get("urgency", "normal") not in URGENCIES:
        hint = f"there is: {', '.join(URGENCIES)}"
        faults.append(own.fault("urgency", "bad-value", f"{shape['urgency']} is no urgency", hint))
    if faults:
        raise TextFaulty(*faults)


class _OwnPush:
    """A push message in the project's own JSON."""

    def __init__(self, own: JsonText, folder: str) -> None:
        self._own, self._folder = own, folder

    def compose(self, context: Context) -> PushBody:
        """The message for this context. Raises LanguageError."""
        payload = dict(self._own.render(context))
        urgency = payload.pop("urgency", "normal")
        for key in ("title", "body"):
            if not isinstance(payload[key], str):
                raise LanguageError(f"the {key} of a push message is a text")
        actions = payload.setdefault("actions", [])
        if "url" not in payload and isinstance(actions, list) and actions and isinstance(actions[0], dict):
            payload |= {key: value for key, value in actions[0].items() if key == "url"}
        return _body(payload, str(payload.get("tag") or _tag(self._folder, context)), urgency)

    def excesses(self, longest: Longest) -> Iterator[TextFault]:
        """Where the whole can be so long that it is cut."""
        payload, rendering = self._own.longest(self._own.drawn(longest), _cost)
        if _is_written(payload) and _octets(payload) > LARGEST:
            own = max(_octets(payload) - sum(map(len, rendering.values)), 0)
            yield _too_large(self._own.file, rendering, own, _octets(payload), Part(""))


def _is_written(payload: JSON) -> bool:
    return isinstance(payload.get("title"), str) and isinstance(payload.get("body"), str)


channel = PushChannel()

__all__ = ["PushBody", "PushChannel", "channel"]
