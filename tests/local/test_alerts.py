"""Every alarm looks at a metric that the services export, and says what to do."""

import re
from pathlib import Path

import yaml
from prometheus_client import Counter, Gauge, Histogram

from chassis import metrics

ALERTS = Path(__file__).parents[2] / "deploy" / "prometheus" / "alerts.yml"


def test_every_alarm_has_its_metric_and_its_words() -> None:
    exported = {
        sample
        for metric in vars(metrics).values()
        if isinstance(metric, Counter | Gauge | Histogram)
        for family in metric.collect()
        for sample in (family.name, f"{family.name}_total", f"{family.name}_bucket")
    }
    groups = yaml.safe_load(ALERTS.read_text("utf-8"))["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    assert {rule["alert"] for rule in rules} >= {"ClockSkew", "ConsumerLate"}
    for rule in rules:
        asked = set(re.findall(r"channelbus_\w+", rule["expr"]))
        assert asked, rule["alert"]
        assert asked <= exported, rule["alert"]
        assert rule["annotations"]["summary"]
        assert rule["annotations"]["description"]
