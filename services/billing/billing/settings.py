"""What billing reads from its environment beside the settings of every service."""

from pathlib import Path

from pydantic import Field

from chassis.settings import ServiceSettings


class BillingSettings(ServiceSettings):
    """The catalogue may come from a file of the installation's own."""

    catalogue_file: Path | None = Field(default=None, description="absent: the committed catalogue")
