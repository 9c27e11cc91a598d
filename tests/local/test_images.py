"""deploy/Dockerfile, read: what an image is made from, and what is not in it.

`make kube` builds the six images from it, lists their sizes and layers, and runs them.
"""

import re

from testkit.embedded.jars import CHECKOUT

TEXT = (CHECKOUT / "deploy/Dockerfile").read_text()
# Instructions, each with its continued lines.
INSTRUCTIONS = re.findall(r"^([A-Z]+) ((?:.*\\\n)*.*)$", TEXT, re.MULTILINE)


def of(kind: str) -> list[str]:
    return [rest for name, rest in INSTRUCTIONS if name == kind]


def last_stage() -> list[tuple[str, str]]:
    begins = max(place for place, (name, _) in enumerate(INSTRUCTIONS) if name == "FROM")
    return INSTRUCTIONS[begins:]


def test_every_stage_is_of_one_base_that_an_argument_names() -> None:
    """So that a release names it by digest, once."""
    assert INSTRUCTIONS[0] == ("ARG", "PYTHON_IMAGE=python:3.11-slim")
    names = {base.split(" AS ")[-1] for base in of("FROM")}
    for base in of("FROM"):
        assert base.split()[0] in {"${PYTHON_IMAGE}", *names}, base


def test_what_installs_is_not_in_the_result() -> None:
    (_, first), *rest = last_stage()
    assert first == "${PYTHON_IMAGE}"
    removed = next(line for name, line in rest if name == "RUN")
    for there in ("site-packages/*", "ensurepip", "bin/pip*"):
        assert there in removed
    copied = [line for name, line in rest if name == "COPY"]
    assert copied == ["--from=build /venv /venv"]
    assert ("USER", "65534:65534") in rest


def test_an_image_says_what_it_is_and_what_it_is_made_of() -> None:
    labels = next(line for name, line in last_stage() if name == "LABEL")
    for label in ("title", "version", "revision", "licenses"):
        assert f"org.opencontainers.image.{label}=" in labels
    assert any("--output-reproducible" in run and "/venv/sbom.cdx.json" in run for run in of("RUN"))


def test_tools_are_pinned() -> None:
    """Break: install one without its version."""
    installed = next(run for run in of("RUN") if run.startswith("pip install"))
    tools = [part for part in installed.split()[2:] if not part.startswith("-")]
    assert tools
    assert all(re.fullmatch(r"[a-z-]+==[0-9.]+", tool) for tool in tools)
