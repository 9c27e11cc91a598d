"""An image is built by the same uv that installs a checkout."""

import re

from testkit.embedded.jars import CHECKOUT


def test_every_installation_of_uv_is_of_the_one_version() -> None:
    """Break: install `uv` without a version in deploy/Dockerfile, or another one."""
    makefile = (CHECKOUT / "Makefile").read_text()
    dockerfile = (CHECKOUT / "deploy" / "Dockerfile").read_text()
    (version,) = re.findall(r"^UV_VERSION := ([\d.]+)$", makefile, re.MULTILINE)
    installed = re.findall(r"pip\" install [^;\n]*|pip install [^;\n]*", makefile + dockerfile)
    of_uv = [
        each for line in installed for each in re.findall(r"(?<![\w./-])uv(?:==\S+)?(?=\s|$)", line)
    ]
    assert of_uv == ["uv==$(UV_VERSION)"] * 2 + [f"uv=={version}"]
