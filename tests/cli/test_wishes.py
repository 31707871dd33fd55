"""What people want, by the command line, on a running hub."""

from __future__ import annotations

import json
from typing import Any

import pytest

from api.conftest import Api
from api.pages.conftest import PUBLIC
from api.pages.conftest import api as api
from api.pages.conftest import project as project
from cli.test_calls import run


@pytest.fixture
def recipients(api: Api, capsys: pytest.CaptureFixture[str]) -> Any:
    """``arauto recipients …`` on the hub: (exit code, output, errors)."""

    async def call(*arguments: str) -> tuple[int, str, str]:
        return await run(capsys, "recipients", *arguments, "--url", api.url, "--key", api.key)

    return call


async def test_wishes_are_changed_and_shown(recipients: Any) -> None:
    assert await recipients("wishes", "ana") == (0, "nothing was said: the categories' own rules hold\n", "")
    changed = await recipients(
        *("wishes", "ana", "--set", "orders.email=no", "--set", "offers=yes"),
        *("--quiet", "22:00-07:00 mon,fri", "--order", "sms,email", "--language", "pt-BR"),
    )
    assert changed == await recipients("wishes", "ana")
    assert changed[1].splitlines() == [
        "orders.email: no",
        "offers: yes",
        "quiet hours: 22:00-07:00 mon,fri",
        "order: sms, email",
        "language: pt-BR",
    ]
    code, out, _ = await recipients("wishes", "ana", "--set", "orders.email=unsaid", "--quiet", "none", "--json")
    assert code == 0
    assert json.loads(out)["categories"] == {"offers": {"*": True}}
    assert json.loads(out)["quiet_hours"] is None


async def test_consents_say_how_and_on_which_text(api: Api, recipients: Any) -> None:
    assert (await recipients("consents", "ana"))[1] == "ana has said nothing yet.\n"
    await recipients("wishes", "ana", "--set", "offers.sms=yes")
    told = {"category": "offers", "given": False, "text": "Sem ofertas", "version": "v1", "at": "2026-05-04T12:00:00Z"}
    await api.call("POST", "/v1/recipients/ana/consents", told)
    code, out, _ = await recipients("consents", "ana")
    first, second, text = out.splitlines()
    assert (code, first.partition("  ")[2]) == (0, "offers.sms  given  by cli")
    assert second == "2026-05-04T12:00:00.000Z  offers  withdrawn  by cli"
    assert text == "    v1: Sem ofertas"
    assert len(json.loads((await recipients("consents", "ana", "--json"))[1])) == 2


async def test_the_link_is_printed_alone(recipients: Any) -> None:
    code, out, _ = await recipients("link", "ana")
    assert code == 0
    assert out.startswith(f"{PUBLIC}/p/")
    assert len(out.split()) == 1


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("--set", "orders.email"), 2, "write orders.email=no"),
        (("--set", "orders.email=maybe"), 2, "write orders.email=no"),
        (("--quiet", "at night"), 2, "write 22:00-07:00"),
        (("--quiet", "25:00-07:00"), 2, "write 22:00-07:00"),
        (("--quiet", "22:00-7"), 2, "write 22:00-07:00"),
        (("--set", "security=no"), 1, "'security' is required"),
        (("--order", "pigeon"), 1, "there is no channel 'pigeon'"),
    ],
)
async def test_what_is_wrong_is_said(recipients: Any, arguments: tuple[str, ...], code: int, said: str) -> None:
    ended, out, err = await recipients("wishes", "ana", *arguments)
    assert (ended, out) == (code, "")
    assert said in err


async def test_nobody_has_no_wishes(recipients: Any) -> None:
    code, _, err = await recipients("wishes", "nobody")
    assert code == 4
    assert "nobody is known as 'nobody'" in err
