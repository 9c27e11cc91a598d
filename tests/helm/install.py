"""`helm install RELEASE CHART --set NAME=VALUE …` as far as rendering: the README's commands."""

import argparse
import sys

from testkit.embedded.jars import CHECKOUT
from tests.helm.rendering import CHART, changed, objects


def main() -> None:
    """Say how many objects would be installed; what the chart refuses ends it with its sentence."""
    parser = argparse.ArgumentParser(prog="helm")
    parser.add_argument("verb", choices=["install"])
    parser.add_argument("release")
    parser.add_argument("chart")
    parser.add_argument("--set", action="append", default=[], dest="values")
    told = parser.parse_args()
    assert (CHECKOUT / told.chart).resolve() == CHART.resolve()
    pairs = (pair.partition("=") for pair in told.values)
    values = changed({}, **{name.replace(".", "__"): value for name, _, value in pairs})
    sys.stdout.write(f"{told.release}: {len(objects(values, told.release))} objects\n")


if __name__ == "__main__":
    main()
