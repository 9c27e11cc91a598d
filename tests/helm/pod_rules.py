"""What every pod of the chart owes: each rule names what is wrong in a pod of one object."""

from collections.abc import Callable, Iterator
from typing import Any

from tests.helm.rendering import Object

GRACE_SECONDS_MIN = 45
ENDS_SECONDS = 5  # the process ends at SHUTDOWN_SECONDS; who kills it comes later

Rule = Callable[[Object], Iterator[str]]


def containers(pod: Object) -> Iterator[Object]:
    """All of them, those before the others too."""
    yield from pod["spec"].get("initContainers", [])
    yield from pod["spec"]["containers"]


def serving(pod: Object) -> Iterator[Object]:
    """Those that run until they are ended."""
    return (one for one in containers(pod) if one.get("args") == ["serve"])


def runs_as_nobody(pod: Object) -> Iterator[str]:
    """Neither the pod nor a container runs as root, whatever the image says."""
    for where, context in _contexts(pod):
        if context.get("runAsNonRoot") is not True:
            yield f"{where} may run as root"
        if context.get("runAsUser", 1) == 0 or context.get("runAsGroup", 1) == 0:
            yield f"{where} runs as root"


def gains_nothing(pod: Object) -> Iterator[str]:
    """No privilege, no capability, no way to gain one."""
    for one in containers(pod):
        context = one.get("securityContext", {})
        if context.get("privileged") or context.get("allowPrivilegeEscalation") is not False:
            yield f"{one['name']} may gain privileges"
        capabilities = context.get("capabilities", {})
        if capabilities.get("drop") != ["ALL"] or capabilities.get("add"):
            yield f"{one['name']} keeps capabilities"


def is_confined(pod: Object) -> Iterator[str]:
    """The platform's filter of system calls is on, nothing of the node is shared or mounted."""
    spec = pod["spec"]
    if spec.get("securityContext", {}).get("seccompProfile") != {"type": "RuntimeDefault"}:
        yield "system calls are not filtered"
    for name in ("hostNetwork", "hostPID", "hostIPC", "shareProcessNamespace"):
        if spec.get(name):
            yield f"{name} is shared"
    for volume in spec.get("volumes", []):
        if set(volume) - {"name", "secret", "configMap", "emptyDir"}:
            yield f"volume {volume['name']} is none of ours"
    for one in containers(pod):
        if any("hostPort" in port for port in one.get("ports", [])):
            yield f"{one['name']} has a port of the node"


def writes_nowhere_but_tmp(pod: Object) -> Iterator[str]:
    """The image's files stay as they are; what is mounted is read only, but a bounded /tmp."""
    volumes = {volume["name"]: volume for volume in pod["spec"].get("volumes", [])}
    for one in containers(pod):
        if one.get("securityContext", {}).get("readOnlyRootFilesystem") is not True:
            yield f"{one['name']} writes to its image"
        written = [m for m in one.get("volumeMounts", []) if not m.get("readOnly")]
        if [mount["mountPath"] for mount in written] != ["/tmp"]:
            yield f"{one['name']} writes elsewhere than to /tmp"
        for mount in written:
            if "sizeLimit" not in volumes[mount["name"]].get("emptyDir", {}):
                yield f"{one['name']} may fill its node"


def has_no_token(pod: Object) -> Iterator[str]:
    """It asks the cluster nothing, and hears of other services by settings alone."""
    if pod["spec"].get("automountServiceAccountToken") is not False:
        yield "the account's token is mounted"
    if pod["spec"].get("serviceAccountName", "default") == "default":
        yield "it has no account of its own"
    if pod["spec"].get("enableServiceLinks") is not False:
        yield "addresses of services become settings"


def keeps_secrets_in_files(pod: Object) -> Iterator[str]:
    """Secrets are files that are read again, not variables; no file is everybody's."""
    for one in containers(pod):
        for variable in one.get("env", []):
            if "valueFrom" in variable:
                yield f"{one['name']} has a secret in {variable['name']}"
        if any("secretRef" in source for source in one.get("envFrom", [])):
            yield f"{one['name']} has secrets among its variables"
    for volume in pod["spec"].get("volumes", []):
        secret = volume.get("secret")
        if secret is not None and secret.get("defaultMode") != 0o440:
            yield f"everybody may read {volume['name']}"
        if secret is not None and not secret.get("items"):
            yield f"{volume['name']} has more keys than are read"


def has_bounds(pod: Object) -> Iterator[str]:
    """It asks for what it needs, and its memory has an end; a CPU limit would only slow it."""
    for one in containers(pod):
        resources = one.get("resources", {})
        if not {"cpu", "memory"} <= set(resources.get("requests", {})):
            yield f"{one['name']} does not say what it needs"
        if "memory" not in resources.get("limits", {}):
            yield f"{one['name']} may take all memory"
        if "cpu" in resources.get("limits", {}):
            yield f"{one['name']} is slowed by a limit"


def is_asked_how_it_is(pod: Object) -> Iterator[str]:
    """Liveness is the process, readiness the rest, both on the operators' port; start has time."""
    for one in serving(pod):
        asked = {
            kind: one.get(f"{kind}Probe", {}).get("httpGet", {})
            for kind in ("startup", "liveness", "readiness")
        }
        if {at.get("port") for at in asked.values()} != {"ops"}:
            yield f"{one['name']} is not asked on its operators' port"
        if [at.get("path") for at in asked.values()] != ["/livez", "/livez", "/readyz"]:
            yield f"{one['name']} is asked for the wrong thing"
        liveness = one.get("livenessProbe", {})
        if liveness.get("periodSeconds", 10) * liveness.get("failureThreshold", 3) < 60:
            yield f"{one['name']} is killed within a minute"


def ends_in_time(pod: Object) -> Iterator[str]:
    """It answers on while others hear that it ends, and is not killed before it has ended."""
    for one in serving(pod):
        pause = one.get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
        grace = pod["spec"].get("terminationGracePeriodSeconds", 30)
        if pause < 1:
            yield f"{one['name']} is ended before others hear of it"
        if grace < max(GRACE_SECONDS_MIN, pause + _shutdown_seconds(one) + ENDS_SECONDS):
            yield f"{one['name']} is killed before it has ended"


def is_spread(pod: Object) -> Iterator[str]:
    """Replicas lie on several nodes where there are several; the labels count its own alone."""
    if not any(serving(pod)):
        return
    spread = pod["spec"].get("topologySpreadConstraints", [])
    if "kubernetes.io/hostname" not in [one["topologyKey"] for one in spread]:
        yield "all replicas may lie on one node"
    labels = pod["metadata"]["labels"]
    for one in spread:
        if not one["labelSelector"]["matchLabels"].items() <= labels.items():
            yield "others' pods are counted"


def has_an_image_that_stays(pod: Object) -> Iterator[str]:
    """A tag or a digest, and not one that is moved by its nature."""
    for one in containers(pod):
        _, _, tag = one["image"].rpartition("/")[2].partition(":")
        if tag in ("", "latest"):
            yield f"{one['name']} is whatever is newest"


def _contexts(pod: Object) -> Iterator[tuple[str, Any]]:
    yield "the pod", pod["spec"].get("securityContext", {})
    for one in containers(pod):
        yield one["name"], one.get("securityContext", {})


def _shutdown_seconds(container: Object) -> int:
    told = {one["name"]: one["value"] for one in container.get("env", []) if "value" in one}
    return int(told.get("SHUTDOWN_SECONDS", 0))


RULES: list[Rule] = [
    runs_as_nobody,
    gains_nothing,
    is_confined,
    writes_nowhere_but_tmp,
    has_no_token,
    keeps_secrets_in_files,
    has_bounds,
    is_asked_how_it_is,
    ends_in_time,
    is_spread,
    has_an_image_that_stays,
]


def broken(pod: Object) -> list[str]:
    """What is wrong with the pod, by all rules."""
    return [f"{rule.__name__}: {said}" for rule in RULES for said in rule(pod)]
