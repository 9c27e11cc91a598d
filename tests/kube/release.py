"""The chart, installed as a platform team would: values, secrets, and what is asked of it."""

import base64
import secrets
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import yaml

from testkit.embedded.jars import CHECKOUT
from testkit.system import System
from tests.flows.cast import Stage
from tests.kube.cluster import Cluster, until
from tests.kube.node_files import BRIDGE_ADDRESS
from tests.kube.outside import CONNECTIONS_MAX, Outside

NAME, NAMESPACE = "bus", "trade"
CHART = CHECKOUT / "deploy/helm/channelbus"
INSTALL_TIMEOUT = "15m"


def is_ready(pod: Any) -> bool:
    """Not on its way out, and each of its containers says that it is ready."""
    told = pod["status"].get("containerStatuses", [])
    leaving = "deletionTimestamp" in pod["metadata"]
    return not leaving and bool(told) and all(one["ready"] for one in told)


@dataclass(frozen=True)
class Reached:
    """What the stories ask of a system."""

    gateway_url: str
    admin_token: str


class Release:
    """One installation of the chart in a namespace of its own."""

    def __init__(self, cluster: Cluster, outside: Outside, folder: Path, admin_token: str):
        self.cluster = cluster
        self._outside = outside
        self._values = folder / "values.yaml"
        self._admin_token = admin_token

    def install(self, tag: str, **services: Any) -> None:
        """Make namespace and secrets, and install; it returns when everything is ready."""
        label = "pod-security.kubernetes.io/enforce=restricted"
        self.cluster.kubectl("create", "namespace", NAMESPACE)
        self.cluster.kubectl("label", "namespace", NAMESPACE, label)
        key = "k1:" + base64.b64encode(secrets.token_bytes(32)).decode()
        self._secret("channelbus-database", url=self._outside.database_url)
        keys = {"internal-keys": key, "encryption-keys": key, "admin-token": self._admin_token}
        self._secret("channelbus-keys", **keys)
        self._write(tag, services)
        self._helm("install", NAME, CHART, "--values", self._values, "--wait")

    def upgrade(self, tag: str, *, wait: bool = True, **services: Any) -> None:
        """The same values with another tag of the images."""
        self._write(tag, services)
        self._helm("upgrade", NAME, CHART, "--values", self._values, *["--wait"] * wait)

    def test(self) -> str:
        """`helm test`; what its pod said."""
        return self._helm("test", NAME)

    def roll_back(self, revision: int) -> None:
        """To an earlier revision."""
        self._helm("rollback", NAME, str(revision), "--wait")

    def uninstall(self) -> list[str]:
        """Remove it; what is left in its namespace, by kind and name."""
        self._helm("uninstall", NAME, "--wait")
        until("the end of its pods", lambda: not self.pods())
        kinds = self.cluster.kubectl("api-resources", "--namespaced", "--verbs=list", "-o", "name")
        kept = self.cluster.kubectl("get", ",".join(kinds.split()), "-n", NAMESPACE, "-o", "name")
        return [line for line in kept.split() if not line.startswith("event")]

    def stage(self) -> Stage:
        """The administrator of it, by the gateway's Service."""
        service = self.cluster.read("service", f"{NAME}-channelbus-gateway", "-n", NAMESPACE)
        address = f"http://{service['spec']['clusterIP']}:8080"
        return Stage(cast("System", Reached(address, self._admin_token)))

    def pods(self, *selectors: str) -> list[Any]:
        """Its pods; jobs' and the test's are left out."""
        wanted = ",".join(("channelbus/service", *selectors))
        return list(self.cluster.read("pods", "-n", NAMESPACE, "-l", wanted)["items"])

    def restarts(self) -> int:
        """How often a container of its pods was started again."""
        return sum(
            one["restartCount"]
            for pod in self.pods()
            for one in pod["status"].get("containerStatuses", [])
        )

    def wait_until_ready(self, seconds: int = 600) -> None:
        """All its workloads are as wanted, and none of their pods is on its way out."""
        for name in self.workloads():
            self.kubectl("rollout", "status", name, f"--timeout={seconds}s")
        until("as many ready pods as are wanted", self._is_whole, seconds)

    def _is_whole(self) -> bool:
        """A pod that was just killed may still be counted by its Deployment: pods are looked at."""
        deployments = self.cluster.read("deployments", "-n", NAMESPACE)["items"]
        wanted = {
            one["spec"]["template"]["metadata"]["labels"]["app.kubernetes.io/component"]: one[
                "spec"
            ]["replicas"]
            for one in deployments
        }
        pods = self.pods()
        found = Counter(pod["metadata"]["labels"]["app.kubernetes.io/component"] for pod in pods)
        return found == wanted and all(map(is_ready, pods))

    @staticmethod
    def workload(component: str) -> str:
        """The name of a Deployment: of a service, or of its work where that is apart."""
        return f"{NAME}-channelbus-{component}"

    def workloads(self) -> list[str]:
        """Its Deployments, as `deployment.apps/NAME`."""
        return self.kubectl("get", "deployments", "-o", "name").split()

    def kubectl(self, *arguments: str, text: str | None = None) -> str:
        """In its namespace."""
        return self.cluster.kubectl("-n", NAMESPACE, *arguments, text=text)

    def _write(self, tag: str, services: Any) -> None:
        values = {
            "image": {"tag": tag},
            "kafka": {"bootstrapServers": self._outside.bootstrap},
            "database": {
                "existingSecret": "channelbus-database",
                "maxConnections": CONNECTIONS_MAX,
                # Half of the usual: up to two dozen pods share one machine here.
                "pool": {"size": 2, "overflow": 3, "bus": 3, "readers": 1},
            },
            "secrets": {"existingSecret": "channelbus-keys"},
            "networkPolicy": self._allowed(),
            "services": services,
        }
        self._values.write_text(yaml.safe_dump(values))

    def _allowed(self) -> dict[str, Any]:
        """What the pods may leave for: all three are programs of this machine."""
        machine = [{"ipBlock": {"cidr": f"{BRIDGE_ADDRESS}/32"}}]
        postgres, kafka = self._outside.ports
        return {
            "dnsTo": machine,
            "postgresql": {"to": machine, "port": postgres},
            "kafka": {"to": machine, "ports": [kafka]},
        }

    def _secret(self, name: str, **content: str) -> None:
        told = [f"--from-literal={key}={value}" for key, value in content.items()]
        self.cluster.kubectl("-n", NAMESPACE, "create", "secret", "generic", name, *told)

    def _helm(self, verb: str, *arguments: str | Path) -> str:
        return self.cluster.helm("-n", NAMESPACE, verb, *arguments, "--timeout", INSTALL_TIMEOUT)
