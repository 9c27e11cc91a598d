"""Every alarm looks at a series that the services tell, by labels that it has, and says what to do.

What a real Prometheus makes of them: `make prove-alerts`.
"""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import Counter, Gauge, Histogram

from chassis import metrics
from chassis.health import metrics as told_metrics
from local.prometheus import RULES, asked_series, check_rules, find_prometheus
from testkit.embedded.jars import CHECKOUT
from tests.local.alert_rules import BACKUP_RULES, cases, pod_rules
from voucher.watch import gauges

SCRAPED = {"job", "instance"}  # labels that a scrape adds


def rules() -> list[dict[str, Any]]:
    groups = yaml.safe_load(RULES.read_text("utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


def labels_of(name: str) -> set[str]:
    """The labels that the code gives the series."""
    (found,) = [
        set(metric._labelnames)
        for metric in [*vars(metrics).values(), *vars(gauges).values()]
        if isinstance(metric, Counter | Gauge | Histogram)
        for family in metric.collect()
        if name in (family.name, f"{family.name}_total")
    ]
    return found


async def test_every_series_of_an_alarm_is_told_by_every_service() -> None:
    """Break: name a series in a rule that no service has."""
    text = bytes((await told_metrics()).body).decode()
    told = set(re.findall(r"^# TYPE (\w+)", text, re.MULTILINE))
    asked = {name for rule in rules() for name in re.findall(r"channelbus_\w+", rule["expr"])}
    assert asked == asked_series() <= told  # voucher's own gauges among them


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: str(rule["alert"]))
def test_an_alarm_has_labels_of_its_series_and_words(rule: dict[str, Any]) -> None:
    """Break: group by a label that the series has not: one alarm for all of them."""
    (series,) = re.findall(r"channelbus_\w+", rule["expr"])
    by = re.search(r" by \(([^)]*)\)", rule["expr"])
    grouped = set(by[1].split(", ")) if by else set()
    assert grouped <= labels_of(series) | SCRAPED
    assert set(re.findall(r"\$labels\.(\w+)", str(rule["annotations"]))) <= grouped
    assert rule["annotations"]["summary"]
    assert rule["annotations"]["description"]
    assert rule["labels"]["severity"] in {"warning", "critical"}


def test_a_consumer_that_stands_half_a_minute_is_behind() -> None:
    """Its lag is measured every ten seconds, and an alarm looks at it every fifteen by default."""
    (behind,) = [rule for rule in rules() if rule["alert"] == "ConsumerBehind"]
    assert behind["expr"].endswith("(channelbus_group_lag_seconds) > 20")
    assert "for" not in behind


def test_without_a_prometheus_it_is_said_where_to_get_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROMETHEUS", "/nowhere/prometheus")
    with pytest.raises(RuntimeError, match="install the Debian package `prometheus`"):
        find_prometheus()


def test_what_promtool_refuses_ends_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The program is played: it says what promtool says, in its way."""
    program = tmp_path / "promtool"
    program.write_text('#!/bin/sh\necho "unknown function" >&2\nexit 1\n')
    program.chmod(0o755)
    with pytest.raises(RuntimeError, match="unknown function"):
        check_rules(tmp_path / "prometheus")
    program.write_text('#!/bin/sh\necho "  SUCCESS: $(grep -c alert: "$3") rules found"\n')
    assert check_rules(tmp_path / "prometheus") == f"promtool: SUCCESS: {len(rules())} rules found"
    monkeypatch.setattr("local.prometheus.shutil.which", lambda _name: None)
    program.unlink()
    assert "no promtool" in check_rules(tmp_path / "prometheus")


def test_alarms_of_operation_have_cases_for_promtool() -> None:
    """Each fires in one and keeps quiet in another; `make test-alerts` asks promtool. The page for
    operators says of each what to do first. Break: take a row from docs/kubernetes.md."""
    files = (BACKUP_RULES.read_text(), pod_rules())
    groups = [group for text in files for group in yaml.safe_load(text)["groups"]]
    wanted = {rule["alert"] for group in groups for rule in group["rules"]}
    wanted |= {"CertificateExpiring", "DatabaseConnectionsNearLimit"}
    asked = [one for case in cases() for one in case["alert_rule_test"]]
    for fires in (True, False):
        assert {one["alertname"] for one in asked if bool(one["exp_alerts"]) == fires} == wanted
    page = (CHECKOUT / "docs/kubernetes.md").read_text("utf-8")
    assert {name for name in wanted if f"\n| {name} | " not in page} == set()
