"""`make test-alerts`: promtool judges when the alarms fire, by `alert_cases.yml`."""

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import yaml

from local.prometheus import RULES, find_prometheus
from testkit.embedded.jars import CHECKOUT

CASES = Path(__file__).with_name("alert_cases.yml")
BACKUP_RULES = RULES.with_name("backup-alerts.yml")
POD_RULES = CHECKOUT / "deploy/helm/channelbus/files/pod-alerts.yaml"


def pod_rules() -> str:
    """As the chart renders them for a release `bus` in the namespace `trade`."""
    text = POD_RULES.read_text().replace("RELEASE", "bus").replace("NAMESPACE", "trade")
    return str(yaml.safe_dump({"groups": yaml.safe_load(text)}, width=1000))


def cases() -> list[dict[str, Any]]:
    """When which alarm fires."""
    told: dict[str, Any] = yaml.safe_load(CASES.read_text())
    found: list[dict[str, Any]] = told["tests"]
    return found


def main() -> None:
    """Run it; the exit status is promtool's."""
    try:
        promtool = find_prometheus().with_name("promtool")
    except RuntimeError as missing:
        sys.exit(str(missing))
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        for path in (RULES, BACKUP_RULES):
            (folder / path.name).write_text(without_words(path.read_text()))
        (folder / "pod-alerts.yml").write_text(without_words(pod_rules()))
        (folder / CASES.name).write_text(CASES.read_text())
        done = subprocess.run([str(promtool), "test", "rules", CASES.name], cwd=folder, check=False)
    sys.exit(done.returncode)


def without_words(rules: str) -> str:
    """The same alarms; their annotations would have to be repeated in every case."""
    told = yaml.safe_load(rules)
    for group in told["groups"]:
        for rule in group["rules"]:
            rule.pop("annotations", None)
    return str(yaml.safe_dump(told, width=1000))


if __name__ == "__main__":
    main()
