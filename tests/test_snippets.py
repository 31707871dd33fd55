"""What the pages show as YAML and as texts compiles, once it stands where a reader would put it."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from arauto.catalogue import compile_project
from arauto.errors import CatalogueFaulty

ROOT = Path(__file__).parents[1]
PAGES = [*sorted((ROOT / "docs/howto").glob("*.md")), ROOT / "README.md", ROOT / "README.pt-BR.md"]

BASE = {
    "arauto.yaml": {
        "name": "docs",
        "locale": "en",
        "time_zone": "America/Sao_Paulo",
        "brand": {"name": "Docs"},
        "categories": {name: {"title": name} for name in ("orders", "offers", "incidents", "security")},
    },
    "channels/email.yaml": {"providers": [{"kind": "smtp", "host": "mail.example", "from": "hub@docs.example"}]},
    "channels/sms.yaml": {
        "providers": [
            {"kind": "twilio", "account_sid": "AC" + "0" * 32, "auth_token": "env:TOKEN", "from": "+15005550006"}
        ]
    },
    "channels/push.yaml": {
        "providers": [{"kind": "web_push", "vapid_private_key": "env:KEY", "subject": "mailto:hub@docs.example"}]
    },
    "channels/inapp.yaml": {},
    "recipients/base.yaml": {
        "people": {name: {"email": f"{name}@docs.example"} for name in ("ana", "bruno", "caio", "grace", "lia")},
        "systems": {"erp": {"webhook": "https://docs.example/erp"}},
        "groups": {"on-call": {"members": ["caio"]}, "second-line": {"members": ["lia"]}},
    },
}
"""A project with everything that the pages speak of without showing it; a page's own file takes a place here."""

DATA = {
    "customer": {"id": "c-1", "name": "Ana", "email": "ana@docs.example", "language": "pt-BR"},
    "order": {"number": "A-1", "id": "A-1", "total": 12.5, "items": [{"name": "Mug", "quantity": 2}]},
    "shipment": {"tracking_url": "https://docs.example/A-1", "delivery_by": "2026-03-16"},
    "tracking_url": "https://docs.example/A-1",
    "invoice": {"due_on": "2026-03-16"},
    "incident": "INC-1",
    "host": "db-1",
    "repository": "shop",
    "author": "Ana",
    "text": "Good!",
    "project": "hub",
    "day": "2026-03-31",
}
"""What every event tells, so that each page may speak of its own."""

NOTIFICATION = {
    "on": "order.shipped",
    "category": "orders",
    "to": [{"person": "event.data.customer.id"}],
    "steps": [{"send": "email"}],
}
CONTENT = '---\ntitle: "{{ event.type }}"\n---\nText.\n'
PARTS_OF_A_NOTIFICATION = {"on", "when", "category", "to", "steps", "cancel", "mute", "expires", "in_flight"}
ELLIPSIS = {"AC…": "AC" + "0" * 32}


def snippets() -> Iterator[pytest.ParameterSet]:
    for page in PAGES:
        shown = re.finditer(r"^```(yaml|markdown)\n(.*?)^```$", page.read_text(encoding="utf-8"), re.M | re.S)
        for number, match in enumerate(shown, 1):
            kind, text = match.groups()
            parts = re.split(r"^---\n", text, flags=re.M) if kind == "yaml" else [text]
            for part, one in enumerate(parts, 1):
                id = f"{page.relative_to(ROOT)}: snippet {number}" + (f", part {part}" if len(parts) > 1 else "")
                yield pytest.param(kind, one, id=id)


def top_level(text: str) -> set[str]:
    return set(re.findall(r"^(\w+):", text, re.M))


def with_the_rest(text: str, whole: dict[str, object]) -> str:
    """The snippet, and those keys of the whole file that it does not show; JSON is YAML."""
    missing = {key: value for key, value in whole.items() if key not in top_level(text)}
    return text + "".join(f"{key}: {json.dumps(value)}\n" for key, value in missing.items())


def place(kind: str, text: str) -> dict[str, str]:
    """The files that a snippet makes; raises ValueError for one of which nobody could say where it belongs."""
    content, keys = "notifications/n/content.en.md", top_level(text)
    if kind == "markdown":
        return {content: text if text.startswith("---\n") else CONTENT + text}
    if named := re.match(r"# ([\w./-]+\.yaml)", text):
        path = named[1]
    elif "actions" in keys:
        return {content: f"---\ntitle: T\n{text}---\nText.\n"}
    elif re.match(r" *- ", text):
        text, path = "steps:\n" + text, "notifications/n/notification.yaml"
    elif "schema" in keys:
        path = "events/order.shipped.yaml"
    elif keys & {"people", "groups", "systems"}:
        base = BASE["recipients/base.yaml"] if "people" not in keys else {}
        text = with_the_rest(text, {key: value for key, value in base.items() if key != "groups"})
        path = "recipients/base.yaml"
    elif keys <= BASE["arauto.yaml"].keys() | {"holidays", "retention", "attention"} and keys:
        path = "arauto.yaml"
    elif provider := re.search(r"kind: (\w+)", text) if "providers" in keys else None:
        channels = {"smtp": "email", "ses": "email", "sendgrid": "email", "web_push": "push", "web_api": "slack"}
        path = f"channels/{channels.get(provider[1], 'webhook')}.yaml"
    elif text == "{}\n":
        path = "channels/inapp.yaml"
    elif "cron" in keys:
        text, path = text + "kind: schedule\nevent: day.begins\ndata: {day: tick.date}\n", "sources/page.yaml"
    elif "kind" in keys or "events" in keys:
        path = "sources/page.yaml"
    elif keys <= PARTS_OF_A_NOTIFICATION and keys:
        path = "notifications/n/notification.yaml"
    else:
        raise ValueError(f"say in the first line of the snippet in which file it stands: # notifications/…\n{text}")
    if path == "arauto.yaml":
        text = with_the_rest(text, BASE[path])
    elif path.startswith("sources/") and "kind" not in keys and "cron" not in keys:
        text = with_the_rest(text, {"kind": "github", "secrets": ["env:SECRET"]})
    elif path.startswith("notifications/"):
        text = with_the_rest(text, NOTIFICATION)
        return {path: text, str(Path(path).with_name("content.en.md")): CONTENT}
    return {path: text}


def event_types(files: dict[str, str]) -> set[str]:
    """Every type that is named, by a rule or by a source."""
    whole = "\n".join(files.values())
    found = set(re.findall(r"(?:\bon|type|event|opened|closed): \"?([a-z_]+\.[a-z_.]+)", whole))
    return found | {"order.shipped", "day.begins"}


@pytest.mark.parametrize(("kind", "text"), [*snippets()])
def test_a_snippet_compiles_where_it_belongs(kind: str, text: str, tmp_path: Path) -> None:
    for shown, meant in ELLIPSIS.items():
        text = text.replace(shown, meant)
    files = {path: json.dumps(value) for path, value in BASE.items()} | place(kind, text)
    if "notifications/n/content.en.md" in files:
        files.setdefault("notifications/n/notification.yaml", json.dumps(NOTIFICATION))
    for name in event_types(files):
        event = {"description": "Something.", "schema": {"type": "object"}, "samples": {"typical": DATA}}
        files.setdefault(f"events/{name}.yaml", json.dumps(event))
    for path, content in files.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(content, encoding="utf-8")
    for notification in (tmp_path / "notifications").glob("*"):
        shutil.copy(ROOT / "examples/loja/notifications/order-shipped/parcel.png", notification)
    try:
        compile_project(tmp_path)
    except CatalogueFaulty as faulty:
        raise AssertionError("\n".join(str(each) for each in faulty.diagnostics)) from None
