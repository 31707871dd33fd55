"""A change tried on what was recorded: who would have got what otherwise."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from arauto.catalogue import compile_project
from arauto.catalogue.compiler import compile_files
from arauto.model import Catalogue
from arauto.simulate import Simulator
from change.recorded import lived, tried

LOJA = Path(__file__).parents[2] / "examples/loja"


@pytest.fixture(scope="module")
def loja() -> Catalogue:
    return compile_project(LOJA)


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    async with Simulator() as simulator:
        yield simulator


async def test_what_means_the_same_comes_out_the_same(simulator: Simulator, loja: Catalogue) -> None:
    past = await lived(simulator, loja)
    commented = compile_files({**loja.files, "arauto.yaml": loja.files["arauto.yaml"] + b"\n# a comment\n"})
    assert commented.version != loja.version
    outcome = await tried(past, commented)
    assert outcome.events == 120
    assert sum(each.same for each in outcome.totals.values()) > 100
    assert outcome.empty and not outcome.examples and outcome.people == 0
    assert outcome.reproduced == outcome.recorded > 100
