"""What the command that each service installs does before it serves, and when it migrates."""

import gc
import sys

import pytest
import uvicorn
from fastapi import FastAPI

from chassis import cli, logs, migrations
from chassis.settings import ServiceSettings
from tests.chassis.tally import settings_for


def test_a_serving_process_sets_what_it_built_apart_from_collection(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    served: list[tuple[object, int]] = []

    def serve(server: uvicorn.Server) -> None:
        served.append((server.config.app, gc.get_freeze_count()))

    monkeypatch.setattr(uvicorn.Server, "run", serve)
    monkeypatch.setattr(logs, "configure", lambda *_: None)
    app = FastAPI()
    app.state.ops = FastAPI()
    before = gc.get_freeze_count()
    try:
        cli.serve("order", settings_for("postgresql://unused", "unused", "cli_"), lambda _: app)
    finally:
        gc.unfreeze()
    [(found, frozen)] = served
    assert found is app
    assert frozen > before + 1000


class KeepingSettings(ServiceSettings):
    """A service that cannot serve without a secret of its own."""

    secret: str


def test_migrating_asks_for_no_secret_of_the_service(monkeypatch: pytest.MonkeyPatch) -> None:
    migrated: list[tuple[str, str]] = []
    monkeypatch.setattr(migrations, "migrate", lambda *asked: migrated.append(asked))
    monkeypatch.setattr(sys, "argv", ["tally", "migrate"])
    monkeypatch.setenv("DATABASE_URL", "postgresql://a:b@c:5432")
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "unused:9092")
    monkeypatch.setenv("INTERNAL_KEYS", "k1:c2VjcmV0")
    monkeypatch.delenv("SECRET", raising=False)

    cli.main("tally", KeepingSettings, lambda _: FastAPI())

    assert migrated == [("tally", "postgresql://a:b@c:5432/channelbus_tally")]
