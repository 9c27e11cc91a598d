"""Network policies as they are carried out: each way that is open, and that the others are not."""

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager

from tests.kube import images
from tests.kube.cluster import say
from tests.kube.node_files import BRIDGE_ADDRESS
from tests.kube.outside import Outside
from tests.kube.release import NAMESPACE, Release

CONNECT_SECONDS = 4
STRANGER, ELSEWHERE = "stranger", "elsewhere"
OPEN, CLOSED = True, False


def look_at_policies(release: Release, outside: Outside) -> None:
    """Each pod reaches what it is allowed, and the same is closed to who is not.

    Raises:
        AssertionError: a way is open that is to be closed, or the other way round.
    """
    with socket.create_server((BRIDGE_ADDRESS, 0)) as other, _stranger(release):
        postgres, kafka = (f"{BRIDGE_ADDRESS}:{port}" for port in outside.ports)
        unnamed = f"{BRIDGE_ADDRESS}:{other.getsockname()[1]}"
        wanted = {
            ("gateway", _door(release, "order")): OPEN,
            ("gateway", _door(release, "order", 9080)): OPEN,  # the console asks how it is
            ("order", _door(release, "billing")): OPEN,
            ("order", _door(release, "billing", 9080)): CLOSED,
            ("partner", _door(release, "order")): CLOSED,
            ("partner", _door(release, "gateway", 9080)): CLOSED,
            ("partner", postgres): OPEN,
            ("partner", kafka): OPEN,
            ("partner", unnamed): CLOSED,
            (STRANGER, unnamed): OPEN,  # so it is not closed for another reason
            (STRANGER, _door(release, "gateway")): OPEN,
            (STRANGER, _door(release, "order")): CLOSED,
            (STRANGER, _door(release, "gateway", 9080)): CLOSED,
        }
        found = {(who, address): _reaches(release, who, address) for who, address in wanted}
    wrong = [
        f"{who} {'reaches' if way else 'does not reach'} {address}"
        for (who, address), way in found.items()
        if way != wanted[who, address]
    ]
    assert not wrong, "; ".join(wrong)
    is_open = list(found.values()).count(OPEN)
    say(f"  {is_open} ways open as they are to be, {len(found) - is_open} closed")


def _door(release: Release, service: str, port: int = 8080) -> str:
    return f"{release.workload(service)}.{NAMESPACE}.svc.cluster.local:{port}"


def _reaches(release: Release, who: str, address: str) -> bool:
    """Whether a process in a pod of who can connect there."""
    host, _, port = address.rpartition(":")
    tried = f"import socket; socket.create_connection(({host!r}, {port}), {CONNECT_SECONDS})"
    if who == STRANGER:
        pod = ["-n", ELSEWHERE, STRANGER]
    else:
        pod = ["-n", NAMESPACE, release.pods(f"channelbus/service={who}")[0]["metadata"]["name"]]
    try:
        release.cluster.kubectl("exec", *pod, "--", "python", "-c", tried)
    except RuntimeError as failure:
        if "TimeoutError" in str(failure) or "ConnectionRefusedError" in str(failure):
            return CLOSED
        raise
    return OPEN


@contextmanager
def _stranger(release: Release) -> Iterator[None]:
    """A pod of another namespace, to which no policy applies."""
    kubectl = release.cluster.kubectl
    waits = {
        "name": STRANGER,
        "image": images.image("gateway", images.TAG),
        "command": ["python", "-c", "import time; time.sleep(3600)"],
    }
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": STRANGER, "namespace": ELSEWHERE},
        "spec": {"containers": [waits], "terminationGracePeriodSeconds": 1},
    }
    kubectl("create", "namespace", ELSEWHERE)
    try:
        kubectl("wait", "--for=create", "serviceaccount/default", "-n", ELSEWHERE)
        kubectl("create", "-f", "-", text=json.dumps(pod))
        kubectl("wait", "--for=condition=Ready", f"pod/{STRANGER}", "-n", ELSEWHERE)
        yield
    finally:
        kubectl("delete", "namespace", ELSEWHERE)
