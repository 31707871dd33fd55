"""traffic: what the shop, the gateway, the ERP and GitHub tell the hub, each in its own words and with its own proof.

``story`` is a fixed set with what must follow from it; ``stream`` goes on with variations for as long as one looks.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import random
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeAlias

import msgspec

from arauto.decide.groups import members
from arauto.model import Catalogue

Expected: TypeAlias = tuple[str, str, str]
"""(notification, recipient, channel) of a message that must be delivered."""


@dataclass(frozen=True, slots=True)
class Call:
    """One HTTP request of a third party to ``/in/{source}``."""

    source: str
    headers: Mapping[str, str]
    body: bytes
    status: int
    """The answer that is right."""
    events: tuple[tuple[str, str], ...] = ()
    """(id, type) of the events that the hub makes of it."""
    expected: tuple[Expected, ...] = ()
    remark: str = ""
    """What is worth seeing here."""
    later: bool = False
    """It comes when what came before has been delivered."""


@dataclass(frozen=True, slots=True)
class Secrets:
    """What the hub and its counterparts share, made anew for each demo."""

    shop: str
    stripe: str
    erp: str
    github: str

    @classmethod
    def fresh(cls) -> Secrets:
        """Random ones."""
        return cls(*(secrets.token_hex(16) for _ in range(4)))


class Systems:
    """The shop's systems, signing as each does."""

    def __init__(self, shared: Secrets, catalogue: Catalogue, now: datetime) -> None:
        self._shared, self._types, self.now = shared, catalogue.event_types, now
        (self.on_call,) = members(catalogue.groups["on-call"], now)

    def sample(self, type: str, name: str) -> Any:
        """A sample of the project's catalogue, to be changed at will."""
        return msgspec.json.decode(msgspec.json.encode(self._types[type].samples[name]))

    def shop(self, id: str, type: str, data: Any, *expected: Expected, remark: str = "", later: bool = False) -> Call:
        """The shop signs the time and the body."""
        told = {"id": id, "type": type, "created_at": self.now.isoformat(), "data": data}
        body = _json(told)
        moment = int(self.now.timestamp())
        signature = _hex(self._shared.shop, f"{moment}.".encode() + body)
        headers = {"X-Loja-Signature": f"t={moment},v1={signature}"}
        return Call("loja", headers, body, 202, ((id, type),), expected, remark, later)

    def gateway(
        self, id: str, type: str, event_type: str, object: Any, *expected: Expected, remark: str = "", **more: Any
    ) -> Call:
        """Stripe signs the time and the body."""
        moment = int(self.now.timestamp())
        told = {"id": id, "type": type, "created": moment, "livemode": True, **more}
        told["data"] = {"object": object, **told.pop("data", {})}
        body = _json(told)
        signature = _hex(self._shared.stripe, f"{moment}.".encode() + body)
        headers = {"Stripe-Signature": f"t={moment},v1={signature}"}
        return Call("pagamentos", headers, body, 200, ((id, event_type),), expected, remark)

    def erp(self, told: Any, events: tuple[tuple[str, str], ...], *expected: Expected, remark: str = "") -> Call:
        """The ERP shows a token."""
        body = _json({**told, "em": self.now.isoformat()})
        return Call("erp", {"Authorization": f"Bearer {self._shared.erp}"}, body, 202, events, expected, remark)

    def github(
        self, delivery: str, event: str, payload: Any, *expected: Expected, type: str | None = None, remark: str = ""
    ) -> Call:
        """GitHub signs the body."""
        body = _json(payload)
        headers = {
            "X-GitHub-Event": event,
            "X-GitHub-Delivery": delivery,
            "X-Hub-Signature-256": f"sha256={_hex(self._shared.github, body)}",
        }
        events = ((delivery, type),) if type is not None else ()
        return Call("github", headers, body, 202, events, expected, remark)

    # -- things that happen ----------------------------------------------------------------------------------------

    def paid(self, id: str, order: Any, *expected: Expected, remark: str = "") -> Call:
        """A customer's order was paid."""
        who, number = order["customer"]["id"], order["order"]["number"]
        sales: tuple[Expected, ...] = ()
        if order["order"]["total"] >= 5000:
            sales = (
                *(("high-value-order", seller, "inapp") for seller in ("ana", "bruno", "ines")),
                ("high-value-order", "sales-room", "slack"),
            )
        usual = (("order-paid", who, "email"), ("order-paid", who, "inapp"), ("order-to-erp", "erp", "webhook"))
        return self.shop(id, "order.paid", order, *usual, *sales, *expected, remark=remark or f"order {number} is paid")

    def build(self, delivery: str, repository: str, *expected: Expected, failed: bool = True) -> Call:
        """A workflow of the CI server ended."""
        workflow = {
            "name": "Testes",
            "run_number": 1847,
            "head_branch": "main",
            "head_sha": hashlib.sha1(delivery.encode(), usedforsecurity=False).hexdigest(),
            "html_url": f"https://github.com/{repository}/actions/runs/9012345678",
            "updated_at": self.now.isoformat(),
            "conclusion": "failure" if failed else "success",
            "head_commit": {"message": "Parcela em até 12 vezes", "author": {"name": "Caio Ferreira"}},
        }
        payload = {"action": "completed", "workflow_run": workflow, "repository": {"full_name": repository}}
        remark = f"a build of {repository} {'failed' if failed else 'is green'}"
        type = "build.failed" if failed else "build.recovered"
        return self.github(delivery, "workflow_run", payload, *expected, type=type, remark=remark)


def story(systems: Systems) -> Iterator[Call]:
    """A morning at the shop, and what must follow from it."""
    sample = systems.sample
    yield systems.paid("ord-1", sample("order.paid", "typical"), remark="the ERP is busy: watch it being tried again")
    yield systems.paid("ord-2", sample("order.paid", "one_item_in_english"), remark="Oliver reads English")
    yield systems.paid("ord-3", sample("order.paid", "high_value"), remark="above R$ 5.000 the sales team hears of it")
    yield systems.paid("ord-2", sample("order.paid", "one_item_in_english"), remark="sent twice: no second effect")
    for number, (name, who, last) in enumerate(
        (("typical", "c-20817", "push"), ("two_parcels", "c-19230", "email")), 1
    ):
        # The second is cancelled later, and leaves the inbox again.
        kept = (("order-shipped", who, "inapp"),) if number == 1 else ()
        yield systems.shop(
            f"ship-{number}",
            "order.shipped",
            sample("order.shipped", name),
            *kept,
            ("order-shipped", who, last),
            remark=f"first of push and e-mail: {last}",
        )
    refused = {"amount": 28970, "receipt_email": "conceicao.araujo@exemplo.example"}
    yield systems.gateway(
        "evt_refused_1",
        "payment_intent.payment_failed",
        "payment.refused",
        {
            **refused,
            "id": "pi_1",
            "last_payment_error": {"decline_code": "insufficient_funds"},
            "metadata": {"order": "A-10490", "customer": "c-20817"},
        },
        ("payment-refused", "c-20817", "push"),
        remark="cents become reais on the way in",
    )
    yield systems.gateway(
        "evt_refused_2",
        "payment_intent.payment_failed",
        "payment.refused",
        {
            **refused,
            "id": "pi_2",
            "last_payment_error": {"decline_code": "stolen_card"},
            "metadata": {"order": "A-10491", "customer": "c-21002"},
        },
        remark="a stolen card: nobody is told to try again",
    )
    low = [("typical", True), ("sold_out", True), ("of_another_buyer", False)]
    products = [sample("stock.low", name)["product"] for name, _ in low]
    yield systems.erp(
        {
            "tipo": "estoque_minimo",
            "lote": "L-77",
            "produtos": [
                {
                    "codigo": product["sku"],
                    "descricao": product["name"],
                    "departamento": product["department"],
                    "saldo": product["stock"],
                    "minimo": product["minimum"],
                    "fornecedor": product["supplier"],
                }
                for product in products
            ],
        },
        tuple((f"L-77/{product['sku']}", "stock.low") for product in products),
        *(("stock-low", "marina", "inapp") for _, is_hers in low if is_hers),
        remark="two are Marina's: to her inbox now, by e-mail together tomorrow morning",
    )
    invoice = sample("invoice.due", "typical")
    yield systems.erp(
        {
            "tipo": "boleto_a_vencer",
            "lote": "B-12",
            "boleto": {
                "nota": invoice["invoice"]["number"],
                "valor": invoice["invoice"]["amount"],
                "vencimento": (systems.now + timedelta(days=3)).date().isoformat(),
                "linha": invoice["invoice"]["digits"],
                "link": invoice["invoice"]["url"],
            },
            "cliente": {
                "codigo": invoice["customer"]["id"].removeprefix("c-"),
                "nome": invoice["customer"]["name"],
                "email": invoice["customer"]["email"],
                "celular": invoice["customer"]["phone"],
            },
        },
        (("B-12", "invoice.due"),),
        ("invoice-due", "c-15520", "email"),
        ("invoice-due", "c-15520", "sms"),
        remark="e-mail and SMS, in one GSM-7 segment or two",
    )
    yield systems.build(
        "d-1",
        "loja-aurora/checkout",
        ("build-failed", "dev-room", "slack"),
        ("build-failed", "caio", "email"),
        ("build-failed", "grace", "email"),
    )
    yield systems.build("d-1b", "loja-aurora/checkout")
    yield systems.build("d-1c", "loja-aurora/checkout", failed=False)
    yield systems.github("d-2", "star", {"action": "created"}, remark="GitHub tells more than we asked for: ignored")
    yield systems.shop(
        "login-1",
        "login.new_device",
        sample("login.new_device", "typical"),
        *(("new-device-login", "c-20817", channel) for channel in ("email", "push", "inapp")),
        remark="security goes by every means there is",
    )
    charge = {"id": "ch_1", "refunded": True, "metadata": {"order": "A-10482", "customer": "c-20817"}}
    yield systems.gateway(
        "evt_refund_1",
        "charge.refunded",
        "refund.issued",
        {**charge, "amount_refunded": 28970},
        ("refund-issued", "c-20817", "inapp"),
        ("refund-issued", "c-20817", "push"),
        remark="money given back",
        data={"previous_attributes": {"amount_refunded": 0}},
    )
    yield systems.gateway(
        "evt_refund_2",
        "charge.refunded",
        "refund.issued",
        {**charge, "amount_refunded": 100},
        remark="the gateway's test mode: the run stops",
        data={"previous_attributes": {"amount_refunded": 0}},
        livemode=False,
    )
    yield systems.shop(
        "ready-1",
        "order.ready",
        sample("order.ready", "typical"),
        ("order-ready", "c-20817", "inapp"),
        ("order-ready", "c-20817", "push"),
        remark="an SMS follows in two hours, if nobody reads it",
    )
    yield systems.shop(
        "cart-1", "cart.left", sample("cart.left", "typical"), remark="a reminder in three hours, unless she pays"
    )
    yield from _incident(systems)
    cancelled = sample("order.cancelled", "by_the_customer")
    cancelled["order"]["number"] = sample("order.shipped", "two_parcels")["order"]["number"]
    yield systems.shop(
        "can-1",
        "order.cancelled",
        cancelled,
        ("order-to-erp", "erp", "webhook"),
        ("order-shipped", "c-19230", "email"),
        remark="it was on its way: who was told so hears of it, and it leaves the inbox",
        later=True,
    )
    yield systems.erp(
        {"tipo": "resumo_semanal", "lote": "W-47", "resumo": sample("report.weekly", "typical")},
        (("W-47", "report.weekly"),),
        *(("weekly-report", seller, "email") for seller in ("ana", "bruno", "ines")),
        remark="figures in each reader's own writing",
    )
    forged = systems.paid("ord-9", sample("order.paid", "typical"))
    yield Call("loja", {**forged.headers, "X-Loja-Signature": "t=1,v1=00"}, forged.body, 401, remark="forged: refused")


def _incident(systems: Systems) -> Iterator[Call]:
    """The checkout fails and recovers: who is on call hears of both, and nobody else is woken."""
    told = tuple(("checkout-failing", systems.on_call, channel) for channel in ("sms", "email"))
    failing, recovered = "checkout.failing", "checkout.recovered"
    remark = f"{systems.on_call} is on call; the next in fifteen minutes"
    yield systems.shop("inc-1", failing, systems.sample(failing, "typical"), *told, remark=remark)
    remark = "the escalation ends; who was told hears that it is over"
    yield systems.shop("inc-2", recovered, systems.sample(recovered, "typical"), *told, remark=remark, later=True)


_FIRST = ("Luísa", "João", "Inácio", "Beatriz", "Tomás", "Zoé", "Antônio", "Márcia")
_LAST = ("Gonçalves", "Araújo", "Brandão", "Pacheco", "Simões", "Conceição")
_GOODS: tuple[tuple[str, str, float], ...] = (
    ("CAN-AZ-350", "Caneca de cerâmica azul", 54.9),
    ("LUM-LN-01", "Luminária Lua", 179.9),
    ("NOT-14", "Notebook", 3590.0),
)


def stream(systems: Systems, chance: random.Random) -> Iterator[Call]:
    """Orders without end: paid, some of them shipped, now and then a failing build."""
    number = 20_000
    while True:
        number += 1
        customer = chance.randrange(30_000, 30_040)
        name = f"{_FIRST[customer % len(_FIRST)]} {_LAST[customer % len(_LAST)]}"
        items: list[dict[str, Any]] = [
            {"sku": sku, "name": good, "quantity": chance.randint(1, 3), "price": price}
            for sku, good, price in chance.sample(_GOODS, chance.randint(1, 2))
        ]
        order = {
            "order": {
                "number": f"A-{number}",
                "total": round(sum(item["quantity"] * item["price"] for item in items), 2),
                "paid_at": systems.now.isoformat(),
                "url": f"https://lojaaurora.example/pedidos/A-{number}",
                "items": items,
            },
            "customer": {
                "id": f"c-{customer}",
                "name": name,
                "email": f"cliente{customer}@exemplo.example",
                "language": chance.choice(("pt-BR", "pt-BR", "pt-BR", "en")),
            },
        }
        yield systems.paid(f"live-{number}", order)
        if chance.random() < 0.4:
            shipped = systems.sample("order.shipped", "typical")
            shipped["order"]["number"], shipped["customer"]["id"] = f"A-{number}", f"c-{customer}"
            yield systems.shop(
                f"live-ship-{number}", "order.shipped", shipped, remark=f"order A-{number} is on its way"
            )
        if chance.random() < 0.1:
            repository = chance.choice(("loja-aurora/checkout", "loja-aurora/vitrine"))
            yield systems.build(f"live-d-{number}", repository, failed=chance.random() < 0.6)


def _json(told: Any) -> bytes:
    return json.dumps(told, ensure_ascii=False).encode()


def _hex(secret: str, message: bytes) -> str:
    return hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()
