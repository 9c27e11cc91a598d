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
# Of the whole server, whoever opened them: each service tells the same.
DATABASE_CONNECTIONS = Gauge(
    "channelbus_database_connections_ratio",
    "Open connections of the database server by those that ordinary logins may open",
)
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
PARKED_OLDEST = Gauge(
    "channelbus_parked_oldest_seconds",
    "Since when what the consumer keeps is stale in its parked keys; 0 while none waits",
    ["consumer"],
)
HEARD_AGE = Gauge(
    "channelbus_heard_age_seconds",
    "How long ago it was until when the consumer has heard everything in all of its partitions",
    ["consumer"],
)
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
# Told by every process of every schedule that it runs: of replicas the latest success counts.
SCHEDULE_LAST_SUCCESS = Gauge(
    "channelbus_schedule_last_success_seconds",
    "When the schedule last ran to its end here, in seconds since 1970",
    ["schedule"],
)
SCHEDULE_BEHIND = Gauge(
    "channelbus_schedule_behind_seconds",
    "How long the earliest thing that is due has waited for the schedule; of a schedule that cannot"
    " say what is due, how long its turn is overdue",
    ["schedule"],
)
SCHEDULE_FAILURES = Counter(
    "channelbus_schedule_failures_total", "Turns of a schedule that failed", ["schedule"]
)
CLOCK_SKEW = Gauge(
    "channelbus_clock_skew_seconds",
    "How far this clock is ahead of that of who signed the last internal request",
    ["caller"],
)
CERTIFICATE_EXPIRY = Gauge(
    "channelbus_certificate_expiry_seconds",
    "How long a certificate that this process shows or believes still holds; negative: it does not",
    ["use"],
)
LOOP_LAG = Gauge(
    "channelbus_loop_lag_seconds",
    "How late the event loop woke the watcher, the worst of the last minute",
)
