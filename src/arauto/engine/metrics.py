"""metrics: what the hub counts, in Prometheus' terms. Labels name parts of the project, never people or URLs."""

from __future__ import annotations

from typing import Generic, TypeVar

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from arauto.model import Catalogue

Metric = TypeVar("Metric", Counter, Histogram)


class Labelled(Generic[Metric]):
    """A metric whose children are kept: ``labels`` is called for each message, and prometheus_client's own is slow."""

    def __init__(self, metric: Metric) -> None:
        self._metric: Metric = metric
        self._children: dict[tuple[str, ...], Metric] = {}

    def labels(self, *values: str) -> Metric:
        """The child with these label values."""
        child = self._children.get(values)
        if child is None:
            child = self._children[values] = self._metric.labels(*values)
        return child


class Metrics:
    """Every metric of one hub, in a registry of its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = self._counter("intake_requests", "Intake requests answered", "source", "result")
        self.events = self._counter("events_accepted", "Events accepted (new ones)", "type")
        self.duplicates = Counter("arauto_events_repeated", "Events that were there already", registry=self.registry)
        self.planned = self._counter("events_planned", "Events planned", "notification", "result")
        self.messages = self._counter("messages", "Messages made", "channel")
        self.attempts = self._counter("attempts", "Attempts ended", "channel", "provider", "outcome")
        self.ended = self._counter("messages_ended", "Messages that came to an end", "channel", "state")
        self.possible_duplicates = self._counter(
            "duplicates_possible", "Attempts repeated although an earlier one may have been accepted", "channel"
        )
        self.expression_failures = self._counter("expression_failures", "Expressions and texts that failed", "where")
        self.receipts = self._counter("receipts", "Receipts taken (new ones)", "channel", "kind")
        self.receipts_repeated = Counter(
            "arauto_receipts_repeated", "Receipts that were there already", registry=self.registry
        )
        self.receipts_unknown = Counter(
            "arauto_receipts_unknown", "Receipts of messages that are not this hub's", registry=self.registry
        )
        self.interventions = self._counter("interventions", "What people did about messages", "channel", "did")
        self.late = self._counter("settlements_late", "Outcomes that came after their lease had ended", "channel")
        self.quarantined = self._counter("events_quarantined", "Events that could not be planned", "type")
        self.retired = Counter(
            "arauto_events_retired", "Events deleted because their retention was over", registry=self.registry
        )
        self.erasures = Counter("arauto_erasures", "People erased", registry=self.registry)
        self.backlog = Gauge("arauto_backlog", "Work in memory, by stage", ["stage"], registry=self.registry)
        self.attempt_seconds = Labelled(
            Histogram(
                "arauto_attempt_seconds",
                "How long a provider takes to answer",
                ["channel"],
                registry=self.registry,
                buckets=(0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
            )
        )
        self.delay_seconds = Labelled(
            Histogram(
                "arauto_delivery_delay_seconds",
                "From the making of a message to its acceptance by a provider",
                ["channel"],
                registry=self.registry,
                buckets=(0.005, 0.02, 0.05, 0.1, 0.5, 1, 5, 30, 60, 300, 3600, 86400),
            )
        )
        self.info = Gauge("arauto_catalogue_info", "The catalogue in force", ["version"], registry=self.registry)
        self.behind = Gauge(
            "arauto_release_behind", "1 while a version is live that this hub can't serve", registry=self.registry
        )

    def _counter(self, name: str, documentation: str, *labels: str) -> Labelled[Counter]:
        return Labelled(Counter(f"arauto_{name}", documentation, labels, registry=self.registry))

    def show_catalogue(self, catalogue: Catalogue) -> None:
        """Say which catalogue is in force."""
        self.info.clear()
        self.info.labels(catalogue.version).set(1)
