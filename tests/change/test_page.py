"""What docs/howto/plan-a-change.md shows is what is said of the example shop."""

from __future__ import annotations

import re
from pathlib import Path

from arauto.catalogue import compile_files, compile_project
from arauto.change.differences import differences
from arauto.change.saying import say_differences
from arauto.change.saying_schemas import say_impacts
from arauto.change.schemas import schema_impacts
from arauto.change.sections import lines

ROOT = Path(__file__).parents[2]
LOJA = compile_project(ROOT / "examples/loja")
PAGE = (ROOT / "docs/howto/plan-a-change.md").read_text(encoding="utf-8")


def blocks(heading: str) -> list[str]:
    """The blocks of text under a heading of the page."""
    part = PAGE.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    return re.findall(r"```text\n(.*?)```", part, re.DOTALL)


def edited(*edits: tuple[str, str, str]) -> dict[str, bytes]:
    files = dict(LOJA.files)
    for name, before, after in edits:
        assert before.encode() in files[name], before
        files[name] = files[name].replace(before.encode(), after.encode())
    return files


def test_the_differences_on_the_page() -> None:
    new = compile_files(
        edited(
            ("notifications/order-ready/notification.yaml", "up_to: 2h", "up_to: 1d"),
            ("notifications/order-ready/notification.yaml", "  - send: sms", "  - until: '09:00'\n  - send: sms"),
            ("notifications/order-paid/content.en.md", "Thank you for your order.", "Thanks a lot for your order!"),
            ("notifications/high-value-order/notification.yaml", ">= 20000", ">= 10000"),
            ("arauto.yaml", "pt-BR: Pedidos, en: Orders}}", "pt-BR: Pedidos, en: Orders}, consent: required}"),
            ("channels/sms.yaml", "[10s, 2m]", "[10s, 2m, 10m]"),
            ("recipients/team.yaml", "ana.souza@", "ana@"),
        )
    )
    found = differences(LOJA, new)
    told = "\n".join(text for _, text in lines(say_differences(found, LOJA, new)))
    assert blocks("What is different") == [f"{told}\n"]


def test_the_changes_of_schemas_on_the_page() -> None:
    rule = "notifications/order-paid/notification.yaml"
    files = edited(
        ("events/order.paid.yaml", "required: [id, name, email, language]", "required: [id, name, email]"),
        ("events/order.paid.yaml", "        vip: {type: boolean}\n", ""),
        ("events/order.paid.yaml", "      vip: true\n", ""),
        (rule, "locale: event.data.customer.language", "locale: event.data.customer.language | default('pt-BR')"),
        (rule, "      attributes:\n        vip: event.data.customer.vip | default(false)\n", ""),
    )
    compile_files(files)
    told = "\n".join(text for _, text in lines(say_impacts(schema_impacts(LOJA, files))))
    assert blocks("Changes of schemas") == [f"{told}\n"]
