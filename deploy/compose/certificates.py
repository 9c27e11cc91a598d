"""Makes what `docker compose` with TLS shows and believes: an authority, and one certificate.

Run again it keeps what is good for another month. Whoever has certificates of his own puts
`tls.crt`, `tls.key` and `ca.crt` into the volume.
"""

import os
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

GOOD_FOR = timedelta(days=397)
RENEWED_BEFORE = timedelta(days=30)


def make(folder: Path, names: list[str], now: datetime) -> bool:
    """Write the three files, the certificate last; False where what is there is good."""
    if not _ends_soon(folder / "tls.crt", now):
        return False
    authority_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    authority = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Channelbus of this machine")])
    believed = (
        _issued(authority, authority, authority_key, now)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(authority_key, hashes.SHA256())
    )
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
    shown = (
        _issued(subject, authority, key, now)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(
            x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), critical=False
        )
        .sign(authority_key, hashes.SHA256())
    )
    secret = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    _write(folder / "tls.key", secret, 0o600)
    _write(folder / "ca.crt", believed.public_bytes(serialization.Encoding.PEM), 0o644)
    _write(folder / "tls.crt", shown.public_bytes(serialization.Encoding.PEM), 0o644)
    return True


def _issued(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, now: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + GOOD_FOR)
    )


def _ends_soon(path: Path, now: datetime) -> bool:
    try:
        shown = x509.load_pem_x509_certificate(path.read_bytes())
    except (OSError, ValueError):
        return True
    return shown.not_valid_after_utc - now < RENEWED_BEFORE


def _write(path: Path, content: bytes, mode: int) -> None:
    unfinished = path.with_suffix(".part")
    unfinished.unlink(missing_ok=True)
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        file.write(content)
    unfinished.rename(path)


if __name__ == "__main__":
    make(Path(sys.argv[1]), sys.argv[2:], datetime.now(UTC))
