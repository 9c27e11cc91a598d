"""Whether the services answer."""

import http.client
from concurrent.futures import ThreadPoolExecutor

from local.services import SERVICES, Service
from local.stack import Stack
from testkit.embedded.ports import LOOPBACK

ANSWER_SECONDS = 3.0


def is_ready(stack: Stack, service: Service) -> bool:
    """True when the service's `/readyz` says 200."""
    connection = http.client.HTTPConnection(
        LOOPBACK, stack.ports[service.ops], timeout=ANSWER_SECONDS
    )
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def ready_services(stack: Stack) -> dict[str, bool]:
    """All of them, asked at once."""
    with ThreadPoolExecutor(len(SERVICES)) as pool:
        answers = pool.map(lambda service: is_ready(stack, service), SERVICES)
        return dict(zip((service.name for service in SERVICES), answers, strict=True))
