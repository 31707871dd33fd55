"""E-mail through Amazon SES by its SMTP interface, and what SES tells of it through SNS.

SES gives mails a Message-ID of its own; so each carries our id as a message tag, which comes back with every event of a
configuration set, and as a header, which comes back with feedback notifications that have the original headers.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from msgspec import Struct, field

from arauto import channels
from arauto.channels import Delivery, receipts_off
from arauto.channels.email import _mime, smtp
from arauto.channels.email._sns import Topics
from arauto.egress import Egress
from arauto.errors import BadPayload
from arauto.ingress import Request
from arauto.ingress.payload import parse, parse_time
from arauto.model import JSON, Receipt, ReceiptKind
from arauto.secret import Secret

TAG, HEADER = "arauto-message", "X-Arauto-Message"

_REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-[0-9]")
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_TOPIC = re.compile(r"arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]+:[A-Za-z0-9_-]{1,256}")
_SHOWN = re.compile(r"[A-Za-z0-9. -]{1,64}")


class Settings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The SES account, as whom to send, and what may tell of it."""

    region: str
    """The region of the account, such as ``sa-east-1``."""
    username: Secret
    """The user name of SMTP credentials that were made for SES."""
    password: Secret
    """Their password; it is no access key's secret."""
    from_: str = field(name="from")
    """The sender's address, which SES has verified."""
    from_name: str | None = None
    """The name shown with it."""
    reply_to: str | None = None
    """Where answers go, if not to the sender."""
    configuration_set: str | None = None
    """The configuration set whose event destination is a topic of ``topics``."""
    topics: tuple[str, ...] = ()
    """The SNS topics that are believed, by ARN; without any, receipts are off."""
    host: str | None = None
    """Another SMTP endpoint than the region's public one."""
    port: int | None = None
    """587 for ``starttls`` and 465 for ``tls``, unless given; SES also has 2587 and 2465."""
    security: Literal["starttls", "tls", "none"] = "starttls"
    """How the connection is encrypted: upgraded (never without), from the start, or not at all (this machine only)."""
    connections: int = 10
    """How many connections are open at most."""

    def __post_init__(self) -> None:
        if not _REGION.fullmatch(self.region):
            raise ValueError(f"`region` must be a region of AWS such as sa-east-1, not {self.region!r}")
        if self.configuration_set is not None and not _NAME.fullmatch(self.configuration_set):
            raise ValueError("`configuration_set` has letters, digits, _ and -, and at most 64 of them")
        for topic in self.topics:
            if not _TOPIC.fullmatch(topic):
                raise ValueError(
                    f"`topics` are ARNs such as arn:aws:sns:sa-east-1:123456789012:receipts, not {topic!r}"
                )
        self.smtp("")

    def smtp(self, username: str) -> smtp.Settings:
        """How to reach the SMTP interface."""
        return smtp.Settings(
            host=self.host or f"email-smtp.{self.region}.amazonaws.com",
            from_=self.from_,
            from_name=self.from_name,
            reply_to=self.reply_to,
            port=self.port,
            security=self.security,
            username=username,
            password=self.password,
            connections=self.connections,
        )


class Provider(smtp.Provider):
    """Sends as ``smtp`` does, with the headers that SES takes out of the mail again."""

    def __init__(self, settings: Settings, egress: Egress) -> None:
        """Raises SecretMissing when a credential is not where the settings say."""
        super().__init__(settings.smtp(settings.username.reveal()), egress)
        self._set = settings.configuration_set

    def own_headers(self, delivery: Delivery) -> str:
        """The configuration set, and our id of the message in two places."""
        chosen = f"X-SES-CONFIGURATION-SET: {self._set}\r\n" if self._set else ""
        name = _mime.clean(delivery.message_id)
        return f"{chosen}X-SES-MESSAGE-TAGS: {TAG}={name}\r\n{HEADER}: {name}\r\n"


_KINDS: dict[str, tuple[ReceiptKind, str]] = {
    "Delivery": ("delivered", "delivery"),
    "Bounce": ("bounced", "bounce"),
    "Complaint": ("complained", "complaint"),
    "Open": ("opened", "open"),
    "Click": ("clicked", "click"),
    "Reject": ("failed", "reject"),
    "Rendering Failure": ("failed", "failure"),
}
"""By type of event: what it means, and where it says more. Send, DeliveryDelay and Subscription tell nothing new."""


class Receiver(channels.Receiver):
    """Receives events of configuration sets and feedback notifications, from the topics of the settings alone."""

    def __init__(self, settings: Settings, egress: Egress) -> None:
        self._topics = Topics(settings.topics, egress) if settings.topics else None

    async def receive(self, call: Request, now: datetime) -> Sequence[Receipt]:
        """One receipt at most. A topic's question whether it may call here is answered with yes."""
        if self._topics is None:
            raise receipts_off("topics")
        notice = await self._topics.open(call)
        if notice is None or not notice.lstrip().startswith("{"):  # SES says hello to a new topic in plain words.
            return ()
        receipt = _receipt(parse(notice.encode()), now)
        return () if receipt is None else (receipt,)


def _receipt(event: JSON, now: datetime) -> Receipt | None:
    """What an event says of one of our messages; None where it is of another or says nothing new."""
    kind, place = _KINDS.get(str(event.get("eventType", event.get("notificationType")))) or (None, "")
    more, message = event.get(place), _message(event.get("mail"))
    if kind is None or message is None:
        return None
    if not isinstance(more, dict):
        raise BadPayload("unexpected_payload", f"the event of SES has no {place}")
    if more.get("complaintFeedbackType") == "not-spam":
        return None
    try:
        at = min(parse_time(more["timestamp"]), now)
    except (KeyError, ValueError):
        at = now
    said = [more.get(key) for key in ("bounceType", "bounceSubType", "complaintFeedbackType", "reason")]
    return Receipt(
        message=message,
        kind=kind,
        at=at,
        permanent=kind == "bounced" and more.get("bounceType") == "Permanent",
        detail=", ".join(text for text in said if isinstance(text, str) and _SHOWN.fullmatch(text)) or None,
    )


def _message(mail: JSON) -> str | None:
    """Our id of a mail."""
    if not isinstance(mail, dict):
        return None
    tags, headers = mail.get("tags"), mail.get("headers")
    found = tags.get(TAG) if isinstance(tags, dict) else None
    if not found and isinstance(headers, list):
        named = [each for each in headers if isinstance(each, dict) and isinstance(each.get("name"), str)]
        found = [each.get("value") for each in named if each["name"].lower() == HEADER.lower()]
    first = found[0] if isinstance(found, list) and found else None
    return first if isinstance(first, str) and _NAME.fullmatch(first) else None
