"""What a later run must know of a cluster that was left standing, kept in one file."""

import json
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from testkit.embedded.ports import free_port
from tests.flows.cast import Caller
from tests.flows.deeds import Customer
from tests.kube.programs import NotHereError


@dataclass
class Stands:
    """The secrets and ports of one cluster's surroundings, and who was made on it."""

    password: str
    admin_token: str
    postgres_port: int
    kafka_port: int
    controller_port: int
    partner: Caller | None = None
    customer: Customer | None = None

    @classmethod
    def anew(cls) -> "Stands":
        """For a cluster that is to be made."""
        postgres = free_port()
        kafka = free_port({postgres})
        controller = free_port({postgres, kafka})
        return cls(secrets.token_hex(18), secrets.token_hex(24), postgres, kafka, controller)

    @classmethod
    def read(cls, file: Path) -> "Stands":
        """Of the run before.

        Raises:
            NotHereError: none was left standing.
        """
        if not file.exists():
            raise NotHereError('No cluster stands: run `make kube ARGS="--keep"` first.')
        told = json.loads(file.read_text())
        partner, customer = told.pop("partner"), told.pop("customer")
        return cls(
            **told,
            partner=_caller(partner) if partner else None,
            customer=Customer(**{**customer, "caller": _caller(customer["caller"])})
            if customer
            else None,
        )

    def write(self, file: Path) -> None:
        """So that `read` finds it; it holds secrets of this cluster alone."""
        file.touch(mode=0o600)
        file.write_text(json.dumps(asdict(self)))


def _caller(told: dict[str, Any]) -> Caller:
    return Caller(**told)
