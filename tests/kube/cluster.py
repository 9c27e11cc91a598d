"""A Kubernetes of one node on this machine: started, asked, and ended without a trace."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from testkit.embedded.processes import Launch, end_recorded, last_lines, wait_until_recorded
from tests.kube import archives, node_files
from tests.kube.node_files import BRIDGE, BRIDGE_ADDRESS, ETCD_PEER_PORT, ETCD_PORT, NODE
from tests.kube.programs import found, run

READY_SECONDS = 120.0
LAUNCH_SECONDS = 30.0
STOP_SECONDS = 20.0
POLL_SECONDS = 0.25

# A group of processes counts as one process for each 1,024: the pods of a node of two cores as two,
# and all builds of an engine as one. Beside others that is too little of the machine to start on.
GROUP_SHARES = 6 * 1024

# In the order in which they start; ended in the other one.
_PROGRAMS = (
    "containerd",
    "etcd",
    "apiserver",
    "controller-manager",
    "scheduler",
    "kubelet",
    "proxy",
    "policies",
    "dns",
)


class NotReadyError(RuntimeError):
    """Something did not become so in its time; the text has the end of its log."""


def until(what: str, seen: Callable[[], Any], seconds: float = READY_SECONDS) -> Any:
    """Look until it is something; a look that fails is none.

    Raises:
        NotReadyError: it never was; the text has the last failure.
    """
    give_up_at, last = time.monotonic() + seconds, "nothing yet"
    while time.monotonic() < give_up_at:
        try:
            if found := seen():
                return found
        except (RuntimeError, OSError, ValueError, KeyError) as failure:
            last = str(failure)
        time.sleep(POLL_SECONDS)
    raise NotReadyError(f"{what}: not within {seconds:g} s; {last}")


class Cluster:
    """One node with its control plane; everything it writes lies in one folder."""

    def __init__(self, folder: Path, programs: Path):
        self.places = node_files.Places(folder)
        self._programs = programs

    @property
    def _settings(self) -> dict[str, str]:
        return {
            "PATH": f"{self._programs}:{os.environ['PATH']}:/usr/sbin:/sbin",
            "KUBECONFIG": str(self.places.kubeconfig),
            "CONTAINERD_ADDRESS": str(self.places.containerd),
            "HOME": str(self.places.folder),
        }

    def start(self) -> None:
        """Start what is not there yet, and wait until the node is ready."""
        self.places.folder.mkdir(parents=True, exist_ok=True)
        self.places.containerd.parent.mkdir(exist_ok=True)
        if not self.places.key("ca.crt").exists():
            node_files.write_keys(self.places)
        node_files.write_settings(self.places)
        self._make_bridge()
        self._launch("containerd", ["containerd", "-c", self.places.folder / "containerd.toml"])
        until("containerd", lambda: run(["ctr", "version"], environment=self._settings))
        pause = self.places.folder / "pause.tar"
        archives.of_one_program(self._programs / "pause", "localhost/pause:1", pause)
        self.import_image(pause)
        self._start_control_plane()
        self._start_node()

    def _make_bridge(self) -> None:
        if subprocess.run(
            ["ip", "link", "show", BRIDGE], capture_output=True, check=False
        ).returncode:
            run(["ip", "link", "add", BRIDGE, "type", "bridge"])
            run(["ip", "addr", "add", f"{BRIDGE_ADDRESS}/24", "dev", BRIDGE])
            run(["ip", "link", "set", BRIDGE, "up"])
        # Before anything asks a service's address: without it the question would leave the machine.
        run(["ip", "route", "replace", node_files.SERVICE_RANGE, "dev", BRIDGE])
        run(["sysctl", "-qw", "net.ipv4.ip_forward=1"])

    def _start_control_plane(self) -> None:
        key, kubeconfig = self.places.key, self.places.kubeconfig
        etcd, peers = f"http://127.0.0.1:{ETCD_PORT}", f"http://127.0.0.1:{ETCD_PEER_PORT}"
        self._launch("etcd", [
            "etcd", "--data-dir", self.places.folder / "etcd", "--unsafe-no-fsync=true",
            "--listen-client-urls", etcd, "--advertise-client-urls", etcd,
            "--listen-peer-urls", peers, "--initial-advertise-peer-urls", peers,
            "--initial-cluster", f"default={peers}",
        ])  # fmt: skip
        self._launch("apiserver", [
            "kube-apiserver", "--etcd-servers", etcd, "--bind-address", "127.0.0.1",
            "--advertise-address", "127.0.0.1", "--endpoint-reconciler-type", "none",
            "--secure-port", str(node_files.API_PORT), "--authorization-mode", "RBAC",
            "--tls-cert-file", key("apiserver.crt"), "--tls-private-key-file", key("apiserver.key"),
            "--client-ca-file", key("ca.crt"), "--service-account-key-file", key("tokens.pub"),
            "--service-account-signing-key-file", key("tokens.key"),
            "--service-account-issuer", "https://kubernetes.default.svc",
            "--service-cluster-ip-range", node_files.SERVICE_RANGE,
            "--kubelet-client-certificate", key("admin.crt"),
            "--kubelet-client-key", key("admin.key"),
        ])  # fmt: skip
        until("the API", lambda: self.kubectl("get", "--raw", "/readyz"))
        self._launch("controller-manager", [
            "kube-controller-manager", "--kubeconfig", kubeconfig, "--leader-elect=false",
            "--service-account-private-key-file", key("tokens.key"),
            "--root-ca-file", key("ca.crt"), "--bind-address", "127.0.0.1",
            "--cluster-cidr", "10.244.0.0/16",
        ])  # fmt: skip
        self._launch("scheduler", [
            "kube-scheduler", "--kubeconfig", kubeconfig, "--leader-elect=false",
            "--bind-address", "127.0.0.1",
        ])  # fmt: skip

    def _start_node(self) -> None:
        folder = self.places.folder
        self._launch("kubelet", [
            "kubelet", "--config", folder / "kubelet.yaml", "--kubeconfig", self.places.kubeconfig,
            "--hostname-override", NODE, "--root-dir", folder / "kubelet",
        ])  # fmt: skip
        self._launch("proxy", ["kube-proxy", "--config", folder / "kube-proxy.yaml"])
        self._launch("dns", ["coredns", "-conf", folder / "Corefile"])
        until("the node", lambda: self._condition("node", NODE, "Ready") == "True")
        # It ends at once where its node is not known yet.
        self._launch("policies", [
            "kube-router", "--run-router=false", "--run-service-proxy=false", "--run-firewall=true",
            "--kubeconfig", self.places.kubeconfig, "--hostname-override", NODE,
            "--service-cluster-ip-range", node_files.SERVICE_RANGE, "--health-port", "0",
        ])  # fmt: skip
        rules = "default/kubernetes:https"
        until("the services' addresses", lambda: rules in run(["iptables-save"]))
        until("the policies' rules", lambda: "-N KUBE-ROUTER" in run(["iptables", "-S"]))
        weigh_group("kubepods")

    def _launch(self, name: str, command: list[str | Path]) -> None:
        record = self.places.folder / f"{name}.pid"
        program = found(str(command[0]), self._settings["PATH"])
        launch = Launch([program, *map(str, command[1:])], pid_file=record)
        started = launch.start(self._log(name), self._settings)
        wait_until_recorded(record, started.pid, LAUNCH_SECONDS)

    def _log(self, name: str) -> Path:
        return self.places.folder / f"{name}.log"

    def logs(self) -> str:
        """The end of each program's log."""
        return "\n".join(f"== {name}\n{last_lines(self._log(name), 15)}" for name in _PROGRAMS)

    def state(self) -> str:
        """What the pods and the last events say, for the message of what failed."""
        pods = self._try("kubectl", "get", "pods", "-A", "-o", "wide")
        events = self._try("kubectl", "get", "events", "-A", "--sort-by=.lastTimestamp")
        return "\n".join([pods, *events.splitlines()[-25:], self.logs()])

    def import_image(self, archive: Path) -> None:
        """An image that pods may use, from what `docker save` wrote."""
        run(["ctr", "-n", "k8s.io", "images", "import", archive], environment=self._settings)

    def kubectl(self, *arguments: str | Path, text: str | None = None, seconds: float = 600) -> str:
        """What kubectl prints."""
        return run(["kubectl", *arguments], seconds=seconds, environment=self._settings, text=text)

    def helm(self, *arguments: str | Path, seconds: float = 900) -> str:
        """What Helm prints."""
        return run(["helm", *arguments], seconds=seconds, environment=self._settings)

    def read(self, *arguments: str) -> Any:
        """An object or a list of them, read."""
        return json.loads(self.kubectl("get", *arguments, "-o", "json"))

    def _condition(self, kind: str, name: str, condition: str) -> str:
        found = self.read(kind, name)["status"]["conditions"]
        return str(next(one["status"] for one in found if one["type"] == condition))

    def stop(self) -> None:
        """End every pod and program, and take away the network; the kept images stay."""
        folder = self.places.folder
        for name in ("dns", "kubelet", "scheduler", "controller-manager"):
            self._end(name)
        for container in self._containers():
            for ending in (["tasks", "rm", "-f", container], ["containers", "rm", container]):
                self._try("ctr", "-n", "k8s.io", *ending)
        for name in ("policies", "proxy"):
            self._end(name)
        self._try("kube-proxy", "--cleanup")
        for name in ("apiserver", "etcd", "containerd"):
            self._end(name)
        for mounted in _mounts_below(folder, self.places.containerd.parent):
            self._try("umount", "-l", mounted)
        self._take_network_away()
        for name in ("etcd", "kubelet", "containerd"):
            self._try("rm", "-rf", str(folder / name))

    def _end(self, name: str) -> None:
        record = self.places.folder / f"{name}.pid"
        end_recorded(record, stop_signal=signal.SIGTERM, grace_seconds=STOP_SECONDS)

    def _containers(self) -> list[str]:
        shown = self._try("ctr", "-n", "k8s.io", "containers", "ls", "-q")
        return shown.split()

    def _take_network_away(self) -> None:
        for line in self._try("ip", "netns", "list").splitlines():
            if line.startswith("cni-"):
                self._try("ip", "netns", "del", line.split()[0])
        self._try("ip", "route", "del", node_files.SERVICE_RANGE, "dev", BRIDGE)
        self._try("ip", "link", "del", BRIDGE)
        for table in ("nat", "filter", "mangle"):
            rules = self._try("iptables", "-t", table, "-S").splitlines()
            chains = [rule.split()[1] for rule in rules if rule.startswith("-N KUBE")]
            for rule in rules:
                if rule.startswith("-A") and "KUBE" in rule and not rule.startswith("-A KUBE"):
                    self._try("sh", "-c", f"iptables -t {table} -D {rule.removeprefix('-A ')}")
            for verb in ("-F", "-X"):
                for chain in chains:
                    self._try("iptables", "-t", table, verb, chain)
        for name in self._try("ipset", "list", "-n").split():
            if name.startswith("KUBE-"):
                self._try("ipset", "destroy", name)

    def _try(self, *command: str) -> str:
        done = subprocess.run(
            command, env=self._settings, capture_output=True, text=True, timeout=300, check=False
        )
        return done.stdout


def weigh_group(name: str) -> None:
    """Let its processes have their part of a machine that others use as well."""
    first, second = Path("/sys/fs/cgroup/cpu") / name, Path("/sys/fs/cgroup") / name
    if first.parent.is_dir():
        first.mkdir(exist_ok=True)  # an engine makes it with its first container
        (first / "cpu.shares").write_text(str(GROUP_SHARES))
    elif (second / "cpu.weight").exists():  # of the second version, where 100 are 1,024 of those
        (second / "cpu.weight").write_text(str(GROUP_SHARES * 100 // 1024))


def _mounts_below(*folders: Path) -> Iterator[str]:
    lines = Path("/proc/mounts").read_text().splitlines()
    points = [line.split()[1] for line in lines]
    for point in sorted(points, reverse=True):
        if any(point.startswith(f"{folder}/") for folder in folders):
            yield point


def say(text: str) -> None:
    """A line of progress, at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
