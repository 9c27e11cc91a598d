"""A Kafka that is spoken to over TLS, by name and password or by a client's certificate."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import trustme
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from testkit.embedded.ports import free_port
from testkit.servers import KafkaServer

USERS = {"bus": "first-password", "renewed": "second-password", "admin": "of-nobody-here"}


@dataclass(frozen=True)
class SecuredKafka:
    """The server, its listeners' ports, and who vouches for it."""

    server: KafkaServer
    by_password: int
    by_certificate: int
    authority: trustme.CA
    folder: Path

    @property
    def ca_file(self) -> Path:
        """The authority of the server's certificate."""
        return self.folder / "ca.pem"

    def client(self, name: str, authority: trustme.CA | None = None) -> dict[str, str]:
        """A new certificate of a client, written to the files of that name; the settings for it."""
        issued = (authority or self.authority).issue_cert("bus.example")
        certificate, key = self.folder / f"{name}.crt", self.folder / f"{name}.key"
        issued.cert_chain_pems[0].write_to_path(certificate)
        issued.private_key_pem.write_to_path(key)
        return {"kafka_cert_file": str(certificate), "kafka_key_file": str(key)}


@contextmanager
def secured_kafka(folder: Path) -> Iterator[SecuredKafka]:
    """A running one."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(folder / "ca.pem")
    _write_key_store(authority.issue_cert("127.0.0.1"), folder / "server.pem")
    by_password = free_port()
    by_certificate = free_port({by_password})
    users = " ".join(f'user_{name}="{password}"' for name, password in USERS.items())
    module = "org.apache.kafka.common.security.plain.PlainLoginModule"
    settings = {
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": str(folder / "server.pem"),
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": str(folder / "ca.pem"),
        "listener.name.ssl.ssl.client.auth": "required",
        "listener.name.sasl_ssl.sasl.enabled.mechanisms": "PLAIN",
        "listener.name.sasl_ssl.plain.sasl.jaas.config": f"{module} required {users};",
    }
    listeners = {"SASL_SSL": by_password, "SSL": by_certificate}
    server = KafkaServer.private(listeners, settings, in_memory=True)
    try:
        yield SecuredKafka(server, by_password, by_certificate, authority, folder)
    finally:
        server.close()


def _write_key_store(issued: trustme.LeafCert, path: Path) -> None:
    """As Kafka reads one: the key in PKCS 8, then the certificates."""
    key = load_pem_private_key(issued.private_key_pem.bytes(), None)
    encoded = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(encoded + b"".join(blob.bytes() for blob in issued.cert_chain_pems))
