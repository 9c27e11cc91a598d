"""The programs of a Kubernetes and its node: built once from their Go modules, and kept.

What Debian packages is asked for by name; nothing is installed behind anybody's back.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

KUBERNETES = "1.34.3"
HELM = "3.22.0"
COREDNS = "1.14.7"
KUBE_ROUTER = "2.1.0"  # carries out network policies, which the plain bridge does not

# The command that shows that a package is there, by package.
PACKAGES = {
    "containerd": "containerd",
    "runc": "runc",
    "etcd-server": "etcd",
    "iptables": "iptables",
    "conntrack": "conntrack",
    "iproute2": "ip",
    "ipset": "ipset",
    "docker.io": "dockerd",
    "debootstrap": "debootstrap",
}
CNI_PLUGINS = Path("/usr/lib/cni/bridge")  # of the package containernetworking-plugins

_COMMANDS = (
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "kubelet",
    "kube-proxy",
    "kubectl",
)
BUILD_SECONDS = 3600.0

# What a pod's sandbox runs: it waits, and reaps who was left to it.
_PAUSE = """package main

import (
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ended := make(chan os.Signal, 8)
	signal.Notify(ended, syscall.SIGCHLD)
	go func() {
		for range ended {
			for {
				var status syscall.WaitStatus
				if pid, _ := syscall.Wait4(-1, &status, syscall.WNOHANG, nil); pid <= 0 {
					break
				}
			}
		}
	}()
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM, syscall.SIGINT)
	<-stop
}
"""


# CoreDNS with what a cluster's own names need: its plugins for clouds are most of what it builds.
_DNS = """package main

import (
	"github.com/coredns/coredns/coremain"
	_ "github.com/coredns/coredns/plugin/bind"
	_ "github.com/coredns/coredns/plugin/kubernetes"
)

func main() {
	coremain.Run()
}
"""


class NotHereError(RuntimeError):
    """Something that this machine must have is not there; the text says how to get it."""


def kept_in() -> Path:
    """Where the programs are kept between runs."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / "channelbus" / f"kubernetes-{KUBERNETES}"


def look_first() -> None:
    """Say in one sentence what this machine lacks.

    Raises:
        NotHereError: no root, no Go, or packages are missing.
    """
    if os.geteuid() != 0:
        raise NotHereError("A node needs root: run `make kube` as root, on a machine for tests.")
    missing = [package for package, command in PACKAGES.items() if not shutil.which(command)]
    if not CNI_PLUGINS.exists():
        missing.append("containernetworking-plugins")
    if missing:
        wanted = " ".join(sorted(missing))
        raise NotHereError(f"apt-get install --no-install-recommends {wanted}")
    if not shutil.which("go") and not (kept_in() / "kubelet").exists():
        raise NotHereError("Kubernetes is built from its Go modules: install Go 1.24 or newer.")


def found(command: str, path: str | None = None) -> str:
    """Where the command lies."""
    where = shutil.which(command, path=path)
    if where is None:
        raise NotHereError(f"There is no {command} on this machine.")
    return where


def build() -> Path:
    """The folder with every program; what is there is not built again."""
    target = kept_in()
    target.mkdir(parents=True, exist_ok=True)
    if not all((target / name).exists() for name in _COMMANDS):
        _build_kubernetes(target)
    for name, module in {
        "helm": f"helm.sh/helm/v3/cmd/helm@v{HELM}",
        "kube-router": f"github.com/cloudnativelabs/kube-router/v2/cmd/kube-router@v{KUBE_ROUTER}",
    }.items():
        if not (target / name).exists():
            _go(["install", module], target, GOBIN=str(target))
    if not (target / "coredns").exists():
        source = _module(target, "coredns", _DNS, f"github.com/coredns/coredns v{COREDNS}")
        _go(["mod", "tidy", "-e"], source)
        _go(["build", "-o", str(target / "coredns"), "."], source)
    if not (target / "pause").exists():
        source = _module(target, "pause", _PAUSE)
        flags = ["-trimpath", "-ldflags", "-s -w"]
        _go(["build", *flags, "-o", str(target / "pause"), "."], source, CGO_ENABLED="0")
    return target


def _module(target: Path, name: str, program: str, *needed: str) -> Path:
    """The folder of a program of ours, from this text and these modules."""
    source = target / "sources" / name
    source.mkdir(parents=True, exist_ok=True)
    (source / "main.go").write_text(program)
    requires = "".join(f"\nrequire {one}\n" for one in needed)
    (source / "go.mod").write_text(f"module example.org/{name}\n\ngo 1.24.0\n{requires}")
    return source


def _build_kubernetes(target: Path) -> None:
    source = target / "sources" / "kubernetes"
    source.mkdir(parents=True, exist_ok=True)
    module = "k8s.io/kubernetes"
    (source / "go.mod").write_text(
        f"module example.org/cluster\n\ngo 1.24.0\n\nrequire {module} v{KUBERNETES}\n"
    )
    _go(["mod", "download", f"{module}@v{KUBERNETES}"], source)
    kept = Path(_go(["env", "GOMODCACHE"], source).strip())
    asked = (kept / f"{module}@v{KUBERNETES}" / "go.mod").read_text()
    # Its own go.mod names these at v0.0.0 and finds them beside itself; others find a release.
    staged = sorted(set(re.findall(r"^\s*(k8s\.io/[a-z0-9-]+) v0\.0\.0$", asked, re.MULTILINE)))
    staged_version = f"v0.{KUBERNETES.partition('.')[2]}"
    with (source / "go.mod").open("a") as file:
        file.writelines(f"replace {name} => {name} {staged_version}\n" for name in staged)
    imports = "".join(f'\t_ "{module}/cmd/{name}"\n' for name in _COMMANDS)
    tools = f"//go:build tools\n\npackage tools\n\nimport (\n{imports})\n"
    (source / "tools.go").write_text(tools)
    _go(["mod", "tidy", "-e"], source)
    version = "k8s.io/component-base/version"
    major, minor, _ = KUBERNETES.split(".")
    flags = f"-s -w -X {version}.gitVersion=v{KUBERNETES}"
    flags += f" -X {version}.gitMajor={major} -X {version}.gitMinor={minor}"
    packages = [f"{module}/cmd/{name}" for name in _COMMANDS]
    _go(["build", "-trimpath", "-ldflags", flags, "-o", f"{target}/", *packages], source)


def _go(arguments: Sequence[str], folder: Path, **environment: str) -> str:
    return run(["go", *arguments], folder, BUILD_SECONDS, environment)


def run(
    command: Sequence[str | Path],
    folder: Path | None = None,
    seconds: float = 600.0,
    environment: dict[str, str] | None = None,
    text: str | None = None,
) -> str:
    """What the command prints.

    Raises:
        RuntimeError: it failed; the text has the end of both outputs.
    """
    done = subprocess.run(
        [str(part) for part in command],
        cwd=folder,
        env={**os.environ, **(environment or {})},
        input=text,
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )
    if done.returncode != 0:
        said = (done.stdout + done.stderr)[-3000:]
        raise RuntimeError(
            f"{' '.join(map(str, command))[:300]} ended with {done.returncode}:\n{said}"
        )
    return done.stdout
