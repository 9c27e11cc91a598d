"""Prometheus metrics that every service exports at `/metrics`. Names end in their unit."""

from prometheus_client import Counter, Gauge, Histogram

REQUESTS = Histogram(
    "channelbus_request_seconds",
    "Time from the request's arrival to its answer",
    ["route", "method", "status"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
)
REFUSALS = Counter("channelbus_refusals_total", "Refusals by code", ["code"])

RELAYED = Counter("channelbus_relay_events_total", "Events the relay sent and deleted")
RELAY_FAILURES = Counter("channelbus_relay_failures_total", "Rounds of the relay that failed")
OUTBOX_OLDEST = Gauge("channelbus_outbox_oldest_seconds", "Age of the oldest row not yet sent")
OUTBOX_ROWS = Gauge("channelbus_outbox_rows", "Rows not yet sent")
RELAY_SLOTS = Gauge("channelbus_relay_slots", "Key slots this process holds")

CONSUMED = Counter(
    "channelbus_consumer_events_total", "Events whose effects were committed", ["consumer", "type"]
)
DUPLICATES = Counter(
    "channelbus_inbox_duplicates_total", "Events the inbox had seen before", ["consumer"]
)
UNKNOWN = Counter(
    "channelbus_consumer_unknown_total", "Events of unknown type", ["consumer", "type"]
)
FENCED = Counter(
    "channelbus_consumer_fenced_total", "Batches rolled back: partition lost", ["consumer"]
)
RETRIES = Counter("channelbus_consumer_retries_total", "Batches tried again", ["consumer"])
# Of the whole group, from its database: the largest of the replicas counts, not their sum.
PARKED = Gauge("channelbus_parked_events", "Events waiting in parked keys", ["consumer"])
PARKED_KEYS = Gauge("channelbus_parked_keys", "Keys that wait", ["consumer"])
LAG_EVENTS = Gauge(
    "channelbus_consumer_lag_events",
    "Events that can be delivered and are not yet consumed, of this process's own partitions",
    ["consumer", "stream", "partition"],
)
LAG_SECONDS = Gauge(
    "channelbus_consumer_lag_seconds",
    "Age of the oldest event not yet consumed",
    ["consumer", "stream", "partition"],
)
# Told by every process of every group: the largest counts, and it stays when a consumer is frozen.
GROUP_LAG_EVENTS = Gauge(
    "channelbus_group_lag_events",
    "Events that can be delivered and that the group has not consumed",
    ["group", "stream"],
)
GROUP_LAG_SECONDS = Gauge(
    "channelbus_group_lag_seconds",
    "Age of the oldest event that the group has not consumed",
    ["group", "stream"],
)
POSITION_ALARMS = Gauge(
    "channelbus_position_alarm",
    "1 while a partition stands still: events are missing, or one cannot be read or parked",
    ["consumer", "stream", "partition"],
)
CONSUMER_HALTED = Gauge(
    "channelbus_consumer_halted",
    "1 while a consumer takes nothing, since code and schema do not fit",
    ["consumer"],
)
FETCH_FAILURES = Counter(
    "channelbus_fetch_failures_total",
    "Fetches whose records could not be read, by the error's name",
    ["consumer", "stream", "error"],
)
CLOCK_SKEW = Gauge(
    "channelbus_clock_skew_seconds",
    "How far this clock is ahead of that of who signed the last internal request",
    ["caller"],
)
LOOP_LAG = Gauge(
    "channelbus_loop_lag_seconds",
    "How late the event loop woke the watcher, the worst of the last minute",
)
