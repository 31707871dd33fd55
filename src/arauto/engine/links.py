"""links: the addresses that a person's messages lead to, each with a token that is good for one thing.

A token carries what it is about in the open, and a signature. It does not expire: a mail may be opened years later,
and withdrawing must be as easy then. What it opens is only what its own person may see and change.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from urllib.parse import quote

from msgspec import Struct

from arauto.channels import Tracking
from arauto.model import JSON, Category, Message, Recipient

_SIGNATURE_BYTES = 16
_URL_SAFE = bytes.maketrans(b"+/", b"-_")


class Signer:
    """Makes and reads the tokens of one purpose. Of another purpose, or another hub, they are none."""

    def __init__(self, secret: bytes, purpose: str) -> None:
        key = hmac.digest(secret, purpose.encode(), "sha256")
        self._keyed = hashlib.blake2b(key=key, digest_size=_SIGNATURE_BYTES)

    def sign(self, *claims: str) -> str:
        """A token that carries these texts, of which only the last may hold a NUL: ``[A-Za-z0-9_-]+.[A-Za-z0-9_-]+``,
        ending in a letter or a digit, so that programs which make links of text take it whole."""
        text = _to_text("\0".join(claims).encode())
        return f"{text}.{self._signature(text)}"

    def read(self, token: str, claims: int) -> list[str] | None:
        """The texts that a token carries; None when it was not signed for this purpose."""
        text, _, signature = token.partition(".")
        if not token.isascii() or not hmac.compare_digest(self._signature(text), signature):
            return None
        try:
            found = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode().split("\0", claims - 1)
        except (binascii.Error, UnicodeDecodeError):
            return None
        return found if len(found) == claims else None

    def _signature(self, text: str) -> str:
        made = self._keyed.copy()
        made.update(text.encode("ascii", "replace"))
        return _to_text(made.digest())


class Ending(Struct, frozen=True):
    """What a link to unsubscribe is about: one person's messages of one category by one channel."""

    tenant: str
    recipient: str
    category: str
    channel: str


class Links:
    """The links of one hub, and what their tokens say. Without a public URL there are none."""

    def __init__(self, secret: bytes, public_url: str | None) -> None:
        self._base = None if public_url is None else public_url.rstrip("/")
        self._preferences = Signer(secret, "preferences")
        self._unsubscribe = Signer(secret, "unsubscribe")
        self._acknowledge = Signer(secret, "acknowledge")
        self._opened = Signer(secret, "opened")
        self._clicked = Signer(secret, "clicked")

    def told(self, message: Message, recipient: Recipient, category: Category) -> dict[str, JSON]:
        """What texts see as ``message``."""
        return {
            "id": message.id,
            "preferences_url": self.preferences(message.tenant, recipient.id) if recipient.kind == "person" else None,
            "unsubscribe_url": self.unsubscribe(message, recipient, category),
            "acknowledge_url": self.acknowledge(message.id) if recipient.kind == "person" else None,
        }

    def preferences(self, tenant: str, recipient: str) -> str | None:
        """Where a person says what they want."""
        return self._base and f"{self._base}/p/{self._preferences.sign(tenant, recipient)}"

    def unsubscribe(self, message: Message, recipient: Recipient, category: Category) -> str | None:
        """Where a person ends messages like this one; None where they can't: what is required, and systems."""
        if self._base is None or recipient.kind == "system" or category.consent == "required":
            return None
        token = self._unsubscribe.sign(message.tenant, category.name, message.channel, recipient.id)
        return f"{self._base}/u/{token}"

    def acknowledge(self, message: str) -> str | None:
        """Where somebody says that they take care of what a message tells."""
        return self._base and f"{self._base}/ack/{self._acknowledge.sign(message)}"

    def tracking(self, message: Message) -> Tracking | None:
        """How a mail tells that it was opened and which links were followed; the hub's own links stay as they are."""
        base = self._base
        if base is None:
            return None

        def link(url: str) -> str:
            return url if url.startswith(f"{base}/") else f"{base}/c/{self._clicked.sign(message.id, url)}"

        return Tracking(f"{base}/o/{self._opened.sign(message.id)}.gif", link)

    def receipts(self, channel: str, provider: str) -> str | None:
        """Where a provider tells what became of messages."""
        return self._base and f"{self._base}/receipts/{channel}/{quote(provider, safe='')}"

    def whose_preferences(self, token: str) -> tuple[str, str] | None:
        """(tenant, recipient) of a token."""
        claims = self._preferences.read(token, 2)
        return None if claims is None else (claims[0], claims[1])

    def what_ends(self, token: str) -> Ending | None:
        """What a token to unsubscribe is about."""
        claims = self._unsubscribe.read(token, 4)
        return None if claims is None else Ending(claims[0], claims[3], claims[1], claims[2])

    def what_was_opened(self, token: str) -> str | None:
        """The id of the message whose image was fetched."""
        claims = self._opened.read(token, 1)
        return None if claims is None else claims[0]

    def what_was_clicked(self, token: str) -> tuple[str, str] | None:
        """(message, URL) of a link that was followed."""
        claims = self._clicked.read(token, 2)
        return None if claims is None else (claims[0], claims[1])

    def what_is_acknowledged(self, token: str) -> str | None:
        """The id of the message that a token is about."""
        claims = self._acknowledge.read(token, 1)
        return None if claims is None else claims[0]


def _to_text(data: bytes) -> str:
    return binascii.b2a_base64(data, newline=False).translate(_URL_SAFE, b"=").decode()
