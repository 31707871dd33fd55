"""The compiler: a project folder becomes a Catalogue, or the list of everything that is wrong with it.

Read ``compiler`` first: it is the order in which the files of a project are read and checked against each other.
"""

from __future__ import annotations

from arauto.catalogue.checking import check_project
from arauto.catalogue.compiler import compile_files, compile_project

__all__ = ["check_project", "compile_files", "compile_project"]
