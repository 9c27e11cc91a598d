"""What the command that each service installs does before it serves."""

import gc

import pytest
import uvicorn
from fastapi import FastAPI

from chassis import cli, logs
from tests.chassis.tally import settings_for


def test_a_serving_process_sets_what_it_built_apart_from_collection(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    served: list[tuple[FastAPI, int]] = []

    def serve(app: FastAPI, **_options: object) -> None:
        served.append((app, gc.get_freeze_count()))

    monkeypatch.setattr(uvicorn, "run", serve)
    monkeypatch.setattr(logs, "configure", lambda *_: None)
    app = FastAPI()
    before = gc.get_freeze_count()
    try:
        cli.serve("tally", settings_for("postgresql://unused", "unused", "cli_"), lambda _: app)
    finally:
        gc.unfreeze()
    [(found, frozen)] = served
    assert found is app
    assert frozen > before + 1000
