"""Recipients by the API: created, replaced, shown, deleted, imported; and refused with every fault."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

WHOLE = {
    "kind": "person",
    "name": "Conceição",
    "locale": "pt-BR",
    "time_zone": "America/Sao_Paulo",
    "addresses": {"email": "C@Example.COM", "sms": ["+55 11 98765-4321"]},
    "attributes": {"team": "sales", "since": 2020},
}
FAULTY = {
    "locale": "xx-YY",
    "time_zone": "Mars/Olympus",
    "addresses": {"email": ["ok@example.com", "not one"], "pigeon": "x", "a/b": "x", "sms": {}, "push": "x"},
    "attributes": {"team": "x" * 11, "a/b": 1},
}
PLACES = {
    "/locale",
    "/time_zone",
    "/addresses/email/1",
    "/addresses/pigeon",
    "/addresses/a~1b",
    "/addresses/sms",
    "/addresses/push",
    "/attributes/team",
    "/attributes/a~1b",
}


async def test_one_is_created_shown_replaced_and_deleted(api: Any) -> None:
    made = await api.call("PUT", "/v1/recipients/c1", WHOLE)
    assert made.status == 200
    assert made.json == {
        **WHOLE,
        "id": "c1",
        "addresses": {"email": ["C@example.com"], "sms": ["+5511987654321"]},
        "fixed": False,
    }
    assert (await api.call("GET", "/v1/recipients/c1")).json == made.json
    assert (await api.call("GET", "/v1/recipients")).json["items"] == [made.json]
    replaced = (await api.call("PUT", "/v1/recipients/c1", {"kind": "system"})).json
    assert (replaced["kind"], replaced["name"], replaced["addresses"]) == ("system", None, {})
    deleted = await api.call("DELETE", "/v1/recipients/c1")
    assert (deleted.status, deleted.body) == (204, b"")
    assert (await api.call("DELETE", "/v1/recipients/c1")).problem == (404, "unknown_recipient")
    assert (await api.call("GET", "/v1/recipients/c1")).problem == (404, "unknown_recipient")


async def test_every_fault_is_told_with_its_place(api: Any) -> None:
    refused = await api.call("PUT", "/v1/recipients/c1", FAULTY)
    assert refused.problem == (422, "invalid_recipient")
    assert {error["pointer"] for error in refused.json["errors"]} == PLACES
    assert (await api.call("GET", "/v1/recipients/c1")).status == 404


async def test_a_body_of_another_shape_is_refused_with_its_places(api: Any) -> None:
    for body, places in [
        ({"nam": "x"}, {"/body/nam"}),
        ({"kind": "robot", "name": "x" * 201}, {"/body/kind", "/body/name"}),
        ([], {"/body"}),
        (None, {"/body"}),
    ]:
        refused = await api.call("PUT", "/v1/recipients/c1", body)
        assert refused.problem == (422, "invalid_request"), body
        assert {error["pointer"] for error in refused.json["errors"]} == places
    form = await api.call("PUT", "/v1/recipients/c1", b"{}", **{"Content-Type": "text/plain"})
    assert form.problem == (422, "invalid_request")


async def test_locales_and_time_zones_that_there_are_not(api: Any) -> None:
    for name, values in {
        "locale": ["", "p", "pt_BR!", "../../etc", "x" * 35, "en-", "pt-BR-é", "\n"],
        "time_zone": ["", "../UTC", "/etc/passwd", "America", "x" * 64, "a b", "utc\n"],
    }.items():
        for value in values:
            refused = await api.call("PUT", "/v1/recipients/c1", {name: value})
            assert refused.problem == (422, "invalid_recipient"), (name, value)
            assert [error["pointer"] for error in refused.json["errors"]] == [f"/{name}"]


async def test_an_id_may_have_nearly_anything_in_it(api: Any) -> None:
    ids = ["a/b", "a%2Fb", "?x=1", "#", "São Paulo", "😀", "..", "a b", "x" * 200, "'; --", "import", "inbox-token"]
    for id in ids:
        path = f"/v1/recipients/{quote(id, safe='')}"
        assert (await api.call("PUT", path, {"name": id[:10]})).json["id"] == id
        assert (await api.call("GET", path)).json["name"] == id[:10]
        assert (await api.call("POST", f"{path}/inbox-token")).status == 200
    listed = (await api.call("GET", "/v1/recipients")).json["items"]
    assert {each["id"] for each in listed} == set(ids)
    for id in ids:
        assert (await api.call("DELETE", f"/v1/recipients/{quote(id, safe='')}")).status == 204
    for id in ("x" * 201, "a\nb", "\x7f"):
        assert (await api.call("PUT", f"/v1/recipients/{quote(id, safe='')}", {})).problem[0] in (404, 422)


async def test_those_of_the_project_are_shown_and_not_changed(api: Any) -> None:
    shown = (await api.call("GET", "/v1/recipients/ana")).json
    assert (shown["name"], shown["fixed"]) == ("Ana", True)
    assert (await api.call("PUT", "/v1/recipients/ana", {})).problem == (409, "fixed_recipient")
    assert (await api.call("DELETE", "/v1/recipients/ana")).problem == (409, "fixed_recipient")


async def test_an_import_stores_all_or_none_and_tells_every_fault(api: Any) -> None:
    good = {"id": "p1", **WHOLE}
    assert (await api.call("POST", "/v1/recipients/import", [good, {"id": "p2"}])).json == {"stored": 2}
    assert (await api.call("GET", "/v1/recipients/p1")).json["name"] == "Conceição"
    refused = await api.call(
        "POST", "/v1/recipients/import", [{"id": "p3"}, {"id": "p4", **FAULTY}, {"id": "ana"}, {"id": "a\0b"}]
    )
    assert refused.problem == (422, "invalid_recipient")
    assert "3 of 4 recipients" in refused.json["detail"]
    assert {error["pointer"] for error in refused.json["errors"]} == {f"/1{place}" for place in PLACES} | {
        "/2/id",
        "/3/id",
    }
    assert (await api.call("GET", "/v1/recipients/p3")).status == 404
    shape = await api.call("POST", "/v1/recipients/import", [{"id": "p3"}, {"nam": "x"}, 7])
    assert shape.problem == (422, "invalid_request")
    assert {error["pointer"] for error in shape.json["errors"]} == {"/body/1/id", "/body/1/nam", "/body/2"}
    assert (await api.call("POST", "/v1/recipients/import", [])).json == {"stored": 0}
    many = [{"id": f"m{number}"} for number in range(1001)]
    assert (await api.call("POST", "/v1/recipients/import", many)).problem == (422, "invalid_request")
    assert (await api.call("POST", "/v1/recipients/import", many[:1000])).json == {"stored": 1000}


async def test_an_import_with_one_id_twice_keeps_the_last(api: Any) -> None:
    twice = [{"id": "p1", "name": "first"}, {"id": "p1", "name": "last"}]
    assert (await api.call("POST", "/v1/recipients/import", twice)).status == 200
    assert (await api.call("GET", "/v1/recipients/p1")).json["name"] == "last"
