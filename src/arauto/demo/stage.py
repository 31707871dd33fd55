"""stage: sets everything up, plays the story, and says how it went."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import socket
import time
from base64 import urlsafe_b64encode
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from arauto.api.server import Server, listening
from arauto.app import App, now, running
from arauto.catalogue import compile_project
from arauto.demo.show import Scene
from arauto.demo.standins import Outside, outside
from arauto.demo.traffic import Call, Expected, Secrets, Systems
from arauto.engine.explain import explain_event
from arauto.errors import UsageFault
from arauto.model import derive_id

PATIENCE = 30
"""Seconds that the story's messages have to arrive, a retry included."""


@dataclass
class Stage:
    """The hub, the outside world, and the shop's systems, at work."""

    app: App
    server: Server
    world: Outside
    systems: Systems
    session: aiohttp.ClientSession
    scene: Scene
    language: str

    async def perform(self, call: Call) -> int:
        """Make one call, as its system would; returns the hub's answer."""
        url = f"{self.server.url}/in/{call.source}"
        headers = {"Content-Type": "application/json", **call.headers}
        async with self.session.post(url, data=call.body, headers=headers) as answer:
            status = answer.status
            await answer.read()
        for id, type in call.events:
            self.scene.rows.append((call.source, f"{type} {id}", call.remark, key_of(call.source, id)))
        if not call.events:
            self.scene.rows.append((call.source, f"answered {status}", call.remark, ""))
        return status

    async def look(self) -> None:
        """Bring the explanations of what is shown up to date."""
        for _, _, _, key in list(self.scene.rows):
            if key:
                await self.explain(key)

    async def explain(self, key: str) -> dict[str, Any] | None:
        """The explanation of an event, kept for the scene."""
        story = await self.app.store.story(key)
        if story is None:
            return None
        told = self.scene.told[key] = explain_event(story, now=now(), language=self.language)
        return told

    def delivered(self) -> Counter[str]:
        """What arrived outside, by channel."""
        return Counter(arrival.channel for arrival in self.world.arrivals)


def key_of(source: str, id: str) -> str:
    """The hub's key of a source's event."""
    return derive_id("evt", "default", source, id)


@asynccontextmanager
async def stage(folder: Path, port: int, language: str) -> AsyncIterator[Stage]:
    """Everything at work, on this machine only; its files are in ``folder``, which is made anew."""
    _make_anew(folder)
    async with outside(folder) as world, aiohttp.ClientSession() as session:
        shared = Secrets.fresh()
        world.webhook_secret = _prepare_environment(shared)
        port = port or _free_port()
        project = _prepare_project(folder, world, port)
        _make_anew(project / ".arauto")
        catalogue = compile_project(project)
        async with (
            running(catalogue, str(project / ".arauto" / "hub.sqlite3")) as app,
            listening(app, "127.0.0.1", port) as server,
        ):
            scene = Scene(server.url)
            systems = Systems(shared, catalogue, now())
            made = Stage(app, server, world, systems, session, scene, language)
            await _subscribe(made)
            world.erp_is_busy = 1
            yield made


def _make_anew(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)


def _prepare_environment(shared: Secrets) -> str:
    """The secrets that the project names; returns the webhooks' one."""
    key = ec.generate_private_key(ec.SECP256R1()).private_numbers().private_value.to_bytes(32, "big")
    webhook = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    os.environ.update(
        LOJA_SHOP_SECRET=shared.shop,
        LOJA_STRIPE_SECRET=shared.stripe,
        LOJA_ERP_TOKEN=shared.erp,
        LOJA_GITHUB_SECRET=shared.github,
        LOJA_VAPID_KEY=base64url(key),
        LOJA_SLACK_TOKEN=f"xoxb-{shared.shop}",
        LOJA_TWILIO_TOKEN=shared.erp,
        LOJA_WEBHOOK_SECRET=webhook,
    )
    return webhook


def _free_port() -> int:
    """Links in messages name the hub's port, so it is chosen before the hub listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        found: int = listener.getsockname()[1]
    return found


def _prepare_project(folder: Path, world: Outside, port: int) -> Path:
    """A copy of the example shop that is pointed at the stand-ins' ports, with links that lead to this hub."""
    project = folder / "loja"
    shutil.copytree(example(), project, ignore=shutil.ignore_patterns(".arauto"))
    whole = project / "arauto.yaml"
    text = re.sub(r"(?m)^public_url: .*$", f"public_url: http://127.0.0.1:{port}", whole.read_text(encoding="utf-8"))
    whole.write_text(text, encoding="utf-8")
    for path in (*(project / "channels").glob("*.yaml"), *(project / "recipients").glob("*.yaml")):
        text = path.read_text(encoding="utf-8")
        text = text.replace("127.0.0.1:8900", f"127.0.0.1:{world.http_port}").replace("2525", str(world.smtp_port))
        path.write_text(text, encoding="utf-8")
    return project


def example() -> Path:
    """The example shop: in the wheel beside this file, in a checkout under examples/."""
    for place in (Path(__file__).parent / "loja", Path(__file__).parents[3] / "examples" / "loja"):
        if (place / "arauto.yaml").is_file():
            return place
    raise UsageFault(
        "the example project examples/loja is not there; run the demo from a checkout or an installed wheel"
    )


async def _subscribe(made: Stage) -> None:
    """Conceição has allowed push notifications in her browser, and agreed to reminders when she last paid; the shop
    tells the hub so, through the API."""
    public = ec.generate_private_key(ec.SECP256R1()).public_key()
    subscription = {
        "endpoint": f"http://127.0.0.1:{made.world.http_port}/push/conceicao",
        "keys": {
            "p256dh": base64url(public.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)),
            "auth": base64url(os.urandom(16)),
        },
    }
    body = {"name": "Conceição Araújo", "locale": "pt-BR", "addresses": {"push": [subscription]}}
    consent = {"category": "tips", "given": True, "text": "Quero receber lembretes e ofertas da Loja Aurora."}
    headers = {"Authorization": f"Bearer {made.app.session_key}"}
    for method, path, told in (("PUT", "c-20817", body), ("POST", "c-20817/consents", consent)):
        url = f"{made.server.url}/v1/recipients/{path}"
        async with made.session.request(method, url, json=told, headers=headers) as answer:
            if not answer.ok:
                raise UsageFault(f"the demo's own recipient was refused: {await answer.text()}")


class Report:
    """How the story went: what was expected and what came."""

    def __init__(self, made: Stage) -> None:
        self._made, self._began = made, time.monotonic()
        self.calls: list[tuple[Call, int]] = []

    async def play(self, call: Call) -> None:
        """Perform a call, in its time, and remember it."""
        if call.later:
            await self.wait()
        self.calls.append((call, await self._made.perform(call)))

    async def wait(self) -> None:
        """Until nothing is under way any more, or patience ends."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            counts = await self._made.app.store.counts()
            open_messages = sum(
                n for states in counts.messages.values() for s, n in states.items() if s in ("queued", "sending")
            )
            if self._made.app.hub.idle and not counts.events.get("pending") and not open_messages:
                return
            await asyncio.sleep(0.05)

    async def document(self) -> dict[str, Any]:
        """The report as one JSON document."""
        outcomes: dict[str, Counter[str]] = {}
        unexplained: list[str] = []
        delivered: set[tuple[str, Expected]] = set()
        """By the id of the message."""
        keys = {key_of(call.source, id) for call, _ in self.calls for id, _ in call.events}
        for key in sorted(keys):
            told = await self._made.explain(key)
            if told is None or told["event"]["state"] != "planned":
                unexplained.append(key)
                continue
            unexplained.extend(_without_reason(key, told))
            for considered in told["notifications"]:
                for line in considered["recipients"]:
                    for message in line.get("messages", ()):
                        channel, state = message["channel"], message["state"]
                        outcomes.setdefault(channel, Counter())[state] += 1
                        if state == "sent":
                            delivered.add((message["id"], (considered["notification"], line["recipient"], channel)))
        wanted = Counter(each for _, each in self._expected())
        got = Counter(each for _, each in delivered)
        missing = sorted((wanted - got).elements())
        surprising = sorted((got - wanted).elements())
        wrong = [{"source": c.source, "answer": s, "expected": c.status} for c, s in self.calls if s != c.status]
        counts = await self._made.app.store.counts()
        inbox = outcomes.get("inapp", Counter())["sent"]
        arrived = sum(self._made.delivered().values()) + inbox
        return {
            "events_accepted": sum(counts.events.values()),
            "calls": len(self.calls),
            "messages": {channel: dict(states) for channel, states in sorted(outcomes.items())},
            "expected": sum(wanted.values()),
            "delivered": len(delivered),
            "arrived_outside_or_inbox": arrived,
            "missing": [list(each) for each in missing],
            "not_expected": [list(each) for each in surprising],
            "wrong_answers": wrong,
            "unexplained": len(unexplained),
            "elapsed_s": round(time.monotonic() - self._began, 2),
            "ok": not missing and not surprising and not wrong and not unexplained and arrived == len(delivered),
        }

    def _expected(self) -> set[tuple[str, Expected]]:
        """What must be delivered; a call that is made twice has its effect once."""
        wanted: set[tuple[str, Expected]] = set()
        for call, _ in self.calls:
            for index, each in enumerate(call.expected):
                wanted.add((f"{call.events[0][0]}/{index}", each))
        return wanted


def _without_reason(key: str, told: dict[str, Any]) -> list[str]:
    """What an explanation leaves open: a notification, a recipient or a message without a reason."""
    missing = []
    for considered in told["notifications"]:
        if not considered["reason"]["text"]:
            missing.append(f"{key}: {considered['notification']}")
        for line in considered["recipients"]:
            if not line["reason"]["text"] or (line["chosen"] and not line["run"]["log"]):
                missing.append(f"{key}: {considered['notification']} → {line['recipient']}")
            missing.extend(
                f"{key}: {message['id']}"
                for message in line.get("messages", ())
                if message["state"] != "queued" and not message["attempts"]
            )
    return missing


def base64url(data: bytes) -> str:
    """Without padding, as push subscriptions and VAPID keys are written."""
    return urlsafe_b64encode(data).rstrip(b"=").decode()
