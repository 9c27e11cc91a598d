"""An image is built by the same uv that installs a checkout."""

import re

from install.places import UV_VERSION
from testkit.embedded.jars import CHECKOUT


def test_every_installation_of_uv_is_of_the_one_version() -> None:
    """Break: install `uv` without a version in deploy/Dockerfile, or another one."""
    dockerfile = (CHECKOUT / "deploy" / "Dockerfile").read_text()
    installed = re.findall(r"pip install [^;\n]*(?<![\w./-])(uv\S*)", dockerfile)
    assert installed == [f"uv=={UV_VERSION}"]
