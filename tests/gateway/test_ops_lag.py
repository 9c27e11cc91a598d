"""A consumer never vanishes from the console, and nobody's silence makes a figure smaller."""

import time
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from pydantic import SecretStr

from chassis.clock import wall_now
from gateway.forwarding.destinations import Service
from gateway.ops.follow_events import Flow
from gateway.ops.pages import Pages
from gateway.ops.peers import Peers
from gateway.ops.read_metrics import read_metrics
from gateway.ops.texts import ENGLISH
from gateway.ops.watch_services import (
    ConsumerState,
    ParkedState,
    ServiceState,
    ServiceWatch,
    Snapshot,
)
from gateway.settings import GatewaySettings
from testkit.keys import ADMIN_TOKEN, ENCRYPTION_KEYS
from tests.chassis.tally import KEYS
from tests.gateway.ops_browser import words_of

NOW = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
FROZEN_SECONDS = 30.0
KEY = ParkedState("order", "order", "customer", "k", 2, NOW, 7, "customer.updated", "ValueError")
WELL = ServiceState("order", "ok", consumers=(ConsumerState("order", 5.0, 0, 0.0),), parked=(KEY,))
AWAY = ServiceState("order", "away", "order: TimeoutError")


def peers() -> Peers:
    return Peers(
        GatewaySettings(
            database_url=SecretStr("postgresql://nobody@127.0.0.1:1"),
            kafka_bootstrap_servers="unused",
            internal_keys=KEYS,
            admin_token=SecretStr(ADMIN_TOKEN),
            encryption_keys=SecretStr(ENCRYPTION_KEYS),
        )
    )


def measured(events: int, seconds: float) -> ServiceState:
    """Another service that answers, and what it measured of every group."""
    text = f"""
channelbus_group_lag_events{{group="order",stream="customer"}} {events}
channelbus_group_lag_events{{group="order",stream="partner"}} 1
channelbus_group_lag_seconds{{group="order",stream="customer"}} {seconds}
channelbus_group_lag_seconds{{group="order",stream="partner"}} 0.5
channelbus_group_lag_events{{group="customer_sync",stream="order"}} 3
channelbus_group_lag_seconds{{group="customer_sync",stream="order"}} 1.0
"""
    return ServiceState("billing", "ok", metrics=read_metrics(text))


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch) -> ServiceWatch:
    found = ServiceWatch(peers(), wall_now)
    found._with_every_consumer([WELL])
    later = time.monotonic() + FROZEN_SECONDS
    monkeypatch.setattr("gateway.ops.watch_services.time.monotonic", lambda: later)
    return found


def tiles_of(*services: ServiceState) -> str:
    snapshot = Snapshot(NOW, services, (), ())
    parts = Pages().parts(ENGLISH, snapshot, Flow(NOW, ()))
    return (
        words_of(parts["tiles"]) + "\n" + words_of(parts["consumers"]) + words_of(parts["parked"])
    )


def test_a_frozen_consumer_is_shown_with_what_the_others_measure(watch: ServiceWatch) -> None:
    """Break: in `_look`, take what the services answered as it is."""
    order, billing = watch._with_every_consumer([AWAY, measured(40, 28.5)])
    (consumer,) = order.consumers
    assert (consumer.name, consumer.lag_events, consumer.lag_seconds) == ("order", 41, 28.5)
    assert billing.consumers == ()
    shown = tiles_of(order, billing)
    assert "at least 28 s" in shown
    assert "at least 1 " in shown  # parked keys: those of the last look
    assert "30 s ago" in shown
    assert "order – 41 28.5" in shown


def test_when_nobody_measures_it_is_as_late_as_when_it_was_last_seen_and_longer(
    watch: ServiceWatch,
) -> None:
    behind = replace(WELL, consumers=(ConsumerState("order", 5.0, 7, 2.0),))
    watch._last[Service.ORDER] = (time.monotonic() - FROZEN_SECONDS, behind)
    (order,) = watch._with_every_consumer([AWAY])
    (consumer,) = order.consumers
    assert (consumer.lag_events, consumer.lag_seconds) == (7, 32.0)
    assert consumer.told_seconds_ago == FROZEN_SECONDS
    assert order.parked == (replace(KEY, told_seconds_ago=FROZEN_SECONDS),)
    assert "as of 30 s ago" in tiles_of(order)


def test_a_group_that_its_service_never_spoke_of_has_its_row() -> None:
    """As after a restart of the gateway while the service is frozen."""
    watch = ServiceWatch(peers(), wall_now)
    away = ServiceState("customer-sync", "away", "no answer")
    _, found = watch._with_every_consumer([measured(0, 0.0), away])
    assert [one.name for one in found.consumers] == ["customer_sync"]
    assert found.consumers[0].lag_events == 3


def test_who_answers_says_what_is_and_nothing_is_at_least() -> None:
    watch = ServiceWatch(peers(), wall_now)
    order, billing = watch._with_every_consumer([WELL, measured(0, 0.0)])
    assert "at least" not in tiles_of(order, billing)
    assert order.parked == (KEY,)
