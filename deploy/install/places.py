"""Where things of the installation lie, and which uv it takes."""

import sys
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
RUN = CHECKOUT / ".run"
LOCK = CHECKOUT / "requirements.lock"
VENV = CHECKOUT / ".venv"

# What is installed where the machine has none that is new enough; the images have it, too.
UV_VERSION = "0.13.9"
UV_MINIMUM = (0, 13)
OWN_UV = RUN / "uv"


class InstallationError(RuntimeError):
    """What is wrong and what mends it, in a sentence."""


def log(text: str) -> None:
    """A line of progress; standard output belongs to what uv prints."""
    print(f"  {text}", file=sys.stderr, flush=True)


def members() -> list[Path]:
    """The packages of this checkout."""
    found = (path for folder in ("libs", "services") for path in (CHECKOUT / folder).iterdir())
    return sorted(path for path in found if (path / "pyproject.toml").exists())
