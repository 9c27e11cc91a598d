"""What a node of Kubernetes reads: keys, and the settings of each of its programs."""

import json
from dataclasses import dataclass
from pathlib import Path

import trustme
import yaml
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

BRIDGE = "channelbus0"
BRIDGE_ADDRESS = "10.244.0.1"
POD_RANGE = "10.244.0.0/24"
SERVICE_RANGE = "10.96.0.0/16"
# The API asks the kubelet by the name of its node: this one is found everywhere.
NODE = "localhost"
API_PORT = 16443
KUBELET_PORT = 20250
ETCD_PORT = 12379
ETCD_PEER_PORT = 12380


@dataclass(frozen=True)
class Places:
    """Where one cluster writes."""

    folder: Path

    @property
    def containerd(self) -> Path:
        """The socket of its own containerd; the path of a deep checkout is too long for one."""
        return Path("/run/channelbus-kube/containerd.sock")

    @property
    def kubeconfig(self) -> Path:
        """The administrator's access."""
        return self.folder / "kubeconfig"

    def key(self, name: str) -> Path:
        """A file of the folder of keys."""
        return self.folder / "keys" / name


def write_keys(places: Places) -> None:
    """A certificate authority, who it names, and the key that signs tokens."""
    places.key("ca.crt").parent.mkdir(mode=0o700)
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(places.key("ca.crt")))
    for name, names, common, organization in [
        ("apiserver", ["kubernetes.default.svc", "localhost", "127.0.0.1"], "apiserver", None),
        ("kubelet", [NODE, "127.0.0.1"], f"system:node:{NODE}", "system:nodes"),
        ("admin", ["admin"], "admin", "system:masters"),
    ]:
        issued = authority.issue_cert(*names, common_name=common, organization_name=organization)
        issued.private_key_pem.write_to_path(str(places.key(f"{name}.key")))
        places.key(f"{name}.crt").write_bytes(issued.cert_chain_pems[0].bytes())
    signing = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    places.key("tokens.key").write_bytes(
        signing.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.TraditionalOpenSSL,
            serialization.NoEncryption(),
        )
    )
    places.key("tokens.pub").write_bytes(
        signing.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
    )


def write_settings(places: Places) -> None:
    """The files of containerd, the pods' network, kubelet, kube-proxy, CoreDNS and kubectl."""
    folder = places.folder
    (folder / "cni").mkdir(exist_ok=True)
    (folder / "cni" / "10-pods.conflist").write_text(json.dumps(_pods_network()))
    (folder / "containerd.toml").write_text(_containerd(places))
    (folder / "kubelet.yaml").write_text(yaml.safe_dump(_kubelet(places)))
    (folder / "kube-proxy.yaml").write_text(yaml.safe_dump(_kube_proxy(places)))
    (folder / "Corefile").write_text(
        f".:53 {{\n  bind {BRIDGE_ADDRESS}\n  kubernetes cluster.local in-addr.arpa {{\n"
        f"    kubeconfig {places.kubeconfig}\n  }}\n}}\n"
    )
    places.kubeconfig.write_text(yaml.safe_dump(_access(places)))
    places.kubeconfig.chmod(0o600)


def _access(places: Places) -> dict[str, object]:
    cluster = {
        "server": f"https://127.0.0.1:{API_PORT}",
        "certificate-authority": str(places.key("ca.crt")),
    }
    user = {
        "client-certificate": str(places.key("admin.crt")),
        "client-key": str(places.key("admin.key")),
    }
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "here", "cluster": cluster}],
        "users": [{"name": "admin", "user": user}],
        "contexts": [{"name": "here", "context": {"cluster": "here", "user": "admin"}}],
        "current-context": "here",
    }


def _pods_network() -> dict[str, object]:
    addresses = {
        "type": "host-local",
        "ranges": [[{"subnet": POD_RANGE}]],
        "routes": [{"dst": "0.0.0.0/0"}],
    }
    # No address translation: a pod reaches this machine and the other pods, and nothing outside.
    bridge = {
        "type": "bridge",
        "bridge": BRIDGE,
        "isGateway": True,
        "ipMasq": False,
        "hairpinMode": True,
        "ipam": addresses,
    }
    return {"cniVersion": "1.0.0", "name": "pods", "plugins": [bridge]}


def _containerd(places: Places) -> str:
    # Without the right to set a lower score than its own, runc could start no pod's sandbox.
    return f"""version = 2
root = "{places.folder}/containerd"
state = "{places.containerd.parent}/state"
[grpc]
  address = "{places.containerd}"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "localhost/pause:1"
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "{places.folder}/cni"
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "overlayfs"
"""


def _kubelet(places: Places) -> dict[str, object]:
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "address": "127.0.0.1",
        "port": KUBELET_PORT,
        "healthzPort": 20248,
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": False},
            "x509": {"clientCAFile": str(places.key("ca.crt"))},
        },
        "authorization": {"mode": "AlwaysAllow"},
        "cgroupDriver": "cgroupfs",
        "failCgroupV1": False,
        "failSwapOn": False,
        "containerRuntimeEndpoint": f"unix://{places.containerd}",
        "clusterDNS": [BRIDGE_ADDRESS],
        "clusterDomain": "cluster.local",
        "tlsCertFile": str(places.key("kubelet.crt")),
        "tlsPrivateKeyFile": str(places.key("kubelet.key")),
        "evictionHard": {
            "memory.available": "100Mi",
            "nodefs.available": "1%",
            "imagefs.available": "1%",
        },
    }


def _kube_proxy(places: Places) -> dict[str, object]:
    return {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "bindAddress": "127.0.0.1",
        "metricsBindAddress": "127.0.0.1:10249",
        "healthzBindAddress": "127.0.0.1:10256",
        "clusterCIDR": "10.244.0.0/16",
        "mode": "iptables",
        "hostnameOverride": NODE,
        "nodePortAddresses": ["127.0.0.0/8"],
        "clientConnection": {"kubeconfig": str(places.kubeconfig)},
        "conntrack": {"maxPerCore": 0, "min": 0},
    }
