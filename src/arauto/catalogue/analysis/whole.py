"""What the analysis looks at: a compiled project, its files with their places, and where findings go."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct

from arauto.catalogue.analysis.domains import domains_of
from arauto.catalogue.analysis.formulas import Domains
from arauto.catalogue.diagnostics import Faults, Place
from arauto.catalogue.document import Document
from arauto.catalogue.folder import NOTIFICATION, Folder
from arauto.model import JSON, Catalogue, EventType


class Whole(Struct, frozen=True):
    """A project without faults."""

    folder: Folder
    catalogue: Catalogue
    findings: Faults
    project: Document
    recipients: Sequence[Document]
    channels: Mapping[str, Document]
    """By channel."""
    sources: Mapping[str, Document]
    """By source."""
    notifications: Mapping[str, Document]
    """By notification."""
    attributes: JSON
    """The JSON Schema of recipients' attributes, if there is one."""
    domains: Mapping[str, Domains]
    """By event type, what its schema says."""

    @classmethod
    def of(cls, folder: Folder, catalogue: Catalogue, findings: Faults) -> Whole:
        """Everything, as the compiler has read it."""

        def read(name: str) -> dict[str, Document]:
            found = {file.stem: folder.document(file) for file in folder.flat.get(name, ())}
            return {stem: document for stem, document in found.items() if document}

        project = folder.document(folder.project)
        assert project is not None, "a project without faults has an arauto.yaml"
        recipients = list(read("recipients").values())
        inside = {place.name: folder.document(files[NOTIFICATION]) for place, files in folder.notifications.items()}
        attributes = next((each.data["attributes"] for each in recipients if "attributes" in each.data), None)
        types = catalogue.event_types.values()
        return cls(
            folder,
            catalogue,
            findings,
            project,
            recipients,
            read("channels"),
            read("sources"),
            {name: document for name, document in inside.items() if document},
            attributes,
            {each.name: domains_of(each.name, each.schema, attributes) for each in types},
        )

    def written(self) -> Iterator[Written]:
        """Each notification."""
        return (Written(self, document) for document in self.notifications.values())

    def warn(self, file: str, place: Place, code: str, message: str, hint: str | None = None) -> None:
        """Note a finding."""
        self.findings.add(file, place, code, message, hint)


class Written(Struct, frozen=True):
    """One file of the project."""

    whole: Whole
    document: Document

    def types(self, names: str | Sequence[str]) -> list[EventType]:
        """The event types of a name or a list of names."""
        listed = [names] if isinstance(names, str) else names
        return [self.whole.catalogue.event_types[name] for name in listed]

    def warn(self, place: Place, code: str, message: str, hint: str | None = None) -> None:
        """Note a finding in it."""
        self.whole.warn(self.document.file, place, code, message, hint)


__all__ = ["Whole", "Written"]
