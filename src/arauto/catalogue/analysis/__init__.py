"""The analysis of a project that has no faults: what in it cannot be meant, though it could run.

Each topic has its module; what it finds are warnings, and each is certain: where something may have its use, or
depends on what only the running hub knows (events by CloudEvents, people's wishes), nothing is said.
"""

from __future__ import annotations

from arauto.catalogue.analysis.conditions import check_conditions, check_queries
from arauto.catalogue.analysis.loops import check_loops
from arauto.catalogue.analysis.open_secrets import check_secrets
from arauto.catalogue.analysis.reaching import check_reaching
from arauto.catalogue.analysis.settings import check_settings
from arauto.catalogue.analysis.unused import check_unused
from arauto.catalogue.analysis.whole import Whole, Written
from arauto.catalogue.diagnostics import Faults
from arauto.catalogue.folder import Folder
from arauto.model import Catalogue


def analyse(folder: Folder, catalogue: Catalogue, findings: Faults) -> None:
    """Add what there is to say of a project that compiles to ``findings``."""
    whole = Whole.of(folder, catalogue, findings)
    for rule in whole.written():
        check_conditions(rule)
    for document in whole.recipients:
        check_queries(Written(whole, document))
    check_unused(whole)
    check_reaching(whole)
    check_settings(whole)
    check_loops(whole)
    check_secrets(whole)


__all__ = ["analyse"]
