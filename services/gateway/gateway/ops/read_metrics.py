"""What the console shows of a service's `/metrics`; everything else is skipped unparsed."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

# A histogram over all routes is most of the text: the parser sees only these.
_WANTED = (
    "channelbus_relay_",
    "channelbus_outbox_",
    "channelbus_consumer_events_total",
    "channelbus_consumer_lag_",
    "channelbus_group_lag_",
    "channelbus_refusals_total",
    "channelbus_loop_lag_seconds",
    "channelbus_schedule_",
)


def _counts() -> dict[str, float]:
    return defaultdict(float)


@dataclass(slots=True)
class Metrics:
    """Counters are since the service's start; lags are by consumer, over its partitions.

    `group_lag_…` is what this service measured of every group, its own or not, over its streams.
    """

    relayed: float = 0.0
    relay_failures: float = 0.0
    relay_slots: float = 0.0
    outbox_rows: float = 0.0
    outbox_oldest_seconds: float = 0.0
    loop_lag_seconds: float = 0.0
    consumed: dict[str, float] = field(default_factory=_counts)
    lag_events: dict[str, float] = field(default_factory=_counts)
    lag_seconds: dict[str, float] = field(default_factory=_counts)
    group_lag_events: dict[str, float] = field(default_factory=_counts)
    group_lag_seconds: dict[str, float] = field(default_factory=_counts)
    refusals: dict[str, float] = field(default_factory=_counts)
    schedule_last: dict[str, float] = field(default_factory=_counts)  # seconds since 1970
    schedule_behind: dict[str, float] = field(default_factory=_counts)
    schedule_failures: dict[str, float] = field(default_factory=_counts)

    @property
    def consumers(self) -> list[str]:
        """Every consumer that the service speaks of."""
        return sorted({*self.consumed, *self.lag_events})

    def take(self, sample: Sample) -> None:
        """Add one sample."""
        consumer = sample.labels.get("consumer", "")
        match sample.name:
            case "channelbus_relay_events_total":
                self.relayed += sample.value
            case "channelbus_relay_failures_total":
                self.relay_failures += sample.value
            case "channelbus_relay_slots":
                self.relay_slots = sample.value
            case "channelbus_outbox_rows":
                self.outbox_rows = sample.value
            case "channelbus_outbox_oldest_seconds":
                self.outbox_oldest_seconds = sample.value
            case "channelbus_loop_lag_seconds":
                self.loop_lag_seconds = sample.value
            case "channelbus_consumer_events_total":
                self.consumed[consumer] += sample.value
            case "channelbus_consumer_lag_events":
                self.lag_events[consumer] += sample.value
            case "channelbus_consumer_lag_seconds":
                self.lag_seconds[consumer] = max(self.lag_seconds[consumer], sample.value)
            case "channelbus_group_lag_events":
                self.group_lag_events[sample.labels["group"]] += sample.value
            case "channelbus_group_lag_seconds":
                group = sample.labels["group"]
                self.group_lag_seconds[group] = max(self.group_lag_seconds[group], sample.value)
            case "channelbus_schedule_last_success_seconds":
                self.schedule_last[sample.labels["schedule"]] = sample.value
            case "channelbus_schedule_behind_seconds":
                self.schedule_behind[sample.labels["schedule"]] = sample.value
            case "channelbus_schedule_failures_total":
                self.schedule_failures[sample.labels["schedule"]] = sample.value
            case "channelbus_refusals_total":
                self.refusals[sample.labels["code"]] += sample.value


def read_metrics(text: str) -> Metrics:
    """The figures of one page; ValueError when it is no Prometheus text."""
    found = Metrics()
    for sample in _samples(text):
        found.take(sample)
    return found


def _samples(text: str) -> Iterator[Sample]:
    wanted = "".join(f"{line}\n" for line in text.splitlines() if line.startswith(_WANTED))
    for family in text_string_to_metric_families(wanted):
        yield from family.samples
