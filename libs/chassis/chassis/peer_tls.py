"""HTTP between the services over TLS: the certificate that is shown, and whom a client believes.

Both stand in files that are read again when they change. A client that names no authority believes
those of its machine; it always verifies, the name included.
"""

import asyncio
import ssl
from pathlib import Path

from chassis.credentials import FilesSeen
from chassis.logs import get_logger
from chassis.settings import ServiceSettings

log = get_logger(__name__)


class CertificateUnusableError(ValueError):
    """The files of the certificate do not make one; the text names them."""


class ServerTls:
    """What this process shows to whoever connects."""

    def __init__(self, certificate: Path, key: Path, grace_seconds: float):
        self._files = (certificate, key)
        self._seen = FilesSeen(self._files, grace_seconds)
        self.context = self._read()
        self.renewals = 0  # a connection that was made under fewer ends with its next answer

    def _read(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        try:
            context.load_cert_chain(*self._files)
        except OSError as error:  # what is no certificate, too
            certificate, key = self._files
            raise CertificateUnusableError(
                f"HTTP_CERT_FILE={certificate} and HTTP_KEY_FILE={key} are no certificate with its"
                f" key: {error.strerror or error}"
            ) from error
        return context

    def renew(self) -> None:
        """Show from now on what the files say; while they fit together: else as before."""
        try:
            self._read()  # not into the context in use: half of a pair would stay there
            self.context.load_cert_chain(*self._files)
        except (CertificateUnusableError, OSError) as error:
            log.warning("certificate not renewed; the former one is shown", why=str(error))
            return
        self.renewals += 1
        log.info("certificate renewed", files=[str(path) for path in self._files])

    async def keep_renewed(self) -> None:
        """Look at the files until cancelled."""
        while True:
            await asyncio.sleep(self._seen.look_seconds)
            if self._seen.changed():
                self.renew()


class PeerTls:
    """Whom a client towards the other services believes."""

    def __init__(self, settings: ServiceSettings):
        self._file = settings.http_ca_file
        files = [Path(self._file)] if self._file else []
        self._seen = FilesSeen(files, settings.credentials_grace_seconds)
        self._context: ssl.SSLContext | None = None

    def believed(self) -> ssl.SSLContext | bool:
        """For `ssl=` of a request. After a change it is another one, and makes new connections."""
        if self._file is None:
            return True  # the machine's authorities, verified as well
        if self._context is None:
            self._context = ssl.create_default_context(cafile=self._file)
        elif self._seen.changed():
            try:
                self._context = ssl.create_default_context(cafile=self._file)
            except OSError as error:
                log.warning("authority not renewed", file=self._file, why=str(error))
        return self._context


def server_tls(settings: ServiceSettings) -> ServerTls | None:
    """None where requests are answered in the open.

    Raises:
        CertificateUnusableError: the files are no certificate with its key.

    """
    if not (settings.http_cert_file and settings.http_key_file):
        return None
    certificate, key = Path(settings.http_cert_file), Path(settings.http_key_file)
    return ServerTls(certificate, key, settings.credentials_grace_seconds)


def why_not(error: BaseException) -> str:
    """What went wrong between two services; of TLS also why, and what may be done."""
    kind = type(error).__name__
    cause = getattr(error, "certificate_error", None)  # of aiohttp's
    if isinstance(cause, ssl.SSLCertVerificationError):
        return f"{kind}: {cause.verify_message}: see HTTP_CA_FILE here, HTTP_CERT_FILE there"
    return kind
