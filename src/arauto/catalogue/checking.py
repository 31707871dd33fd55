"""A whole project checked: what its files say, what in them cannot be meant, its test cases and worlds."""

from __future__ import annotations

from pathlib import Path

from arauto.catalogue.analysis import analyse
from arauto.catalogue.cases import read_cases
from arauto.catalogue.compiler import compile_folder, undisturbed
from arauto.catalogue.diagnostics import Faults
from arauto.catalogue.folder import Folder
from arauto.catalogue.limits import check_limits
from arauto.catalogue.worlds import read_worlds
from arauto.errors import CatalogueFaulty, Diagnostic
from arauto.model import Catalogue


@undisturbed()
def check_project(folder: Path) -> tuple[Catalogue, list[Diagnostic]]:
    """The catalogue of the project in ``folder``, and the warnings about it, sorted by place.

    Raises CatalogueFaulty with every fault, those of its test cases and worlds once there are no others; then with the
    warnings, too. UsageFault where there is no project at all.
    """
    faults = Faults()
    read = Folder(folder, faults)
    catalogue, sight = compile_folder(read, faults)
    analyse(read, catalogue, faults)
    check_limits(catalogue, sight, faults)
    read_cases(folder, catalogue, faults)
    read_worlds(folder, catalogue, faults)
    if faults.any:
        raise CatalogueFaulty(list(faults.found.values()))
    return catalogue, sorted(faults.found.values())
