"""The vendor's API through the vendor's own SDK, from asyncio.

The SDK blocks, so its calls run in threads; it is heavy, so it is imported when the client is made,
which only connected mode does. It signs, sends and knows errors; answers are read by `wire.json`,
since its models raise or lose what they do not know (docs/domain/wire-protocol.md D.4a.5).
"""

import asyncio
import random
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from upstream.customers import CustomerPage, read_page
from upstream.errors import UpstreamRefusedError, UpstreamUnavailableError
from upstream.pace import Pace
from wire.json import loads

ATTEMPTS_MAX = 4
FIRST_PAUSE_SECONDS = 0.5  # doubled after each attempt
THREADS_MAX = 4
CONNECT_SECONDS = 5.0
TOO_MANY_REQUESTS = 429


class Upstream:
    """One account at an upstream Partner Center. `pace` is entered around every attempt."""

    def __init__(
        self,
        url: str,
        ak: str,
        sk: str,
        domain_id: str,
        pace: Pace,
        *,
        timeout_seconds: float,
        pause: Callable[[float], Any] = asyncio.sleep,
    ):
        self.requests_made = 0
        self._pace, self._pause = pace, pause
        self._threads = ThreadPoolExecutor(THREADS_MAX, thread_name_prefix="upstream")
        self._client = _sdk_client(url, ak, sk, domain_id, timeout_seconds)

    async def list_sub_customers(
        self,
        *,
        offset: int = 0,
        limit: int = 100,
        customer_id: str | None = None,
        indirect_partner_id: str | None = None,
    ) -> CustomerPage:
        """A page of the account's customers, or of one of its resellers'.

        Raises:
            UpstreamRefusedError, UpstreamUnavailableError

        """
        from huaweicloudsdkbss.v2 import ListSubCustomersRequest, QuerySubCustomerListReq

        wanted = QuerySubCustomerListReq(
            offset=offset,
            limit=limit,
            customer_id=customer_id,
            indirect_partner_id=indirect_partner_id,
        )
        request = ListSubCustomersRequest(body=wanted)
        return read_page(await self._ask(self._client.list_sub_customers, request))

    async def list_resellers(self, *, offset: int = 0, limit: int = 100) -> list[str]:
        """The ids of a page of a distributor's resellers; refused for any other account."""
        from huaweicloudsdkbss.v2 import ListIndirectPartnersRequest, QueryIndirectPartnersReq

        request = ListIndirectPartnersRequest(
            body=QueryIndirectPartnersReq(offset=offset, limit=limit)
        )
        answer = await self._ask(self._client.list_indirect_partners, request)
        told = answer.get("indirect_partners") or ()
        return [str(one["indirect_partner_id"]) for one in told if one.get("indirect_partner_id")]

    async def close(self) -> None:
        """Give threads and connections back; a request under way ends by its time-out."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        sdk = self._client.get_http_client()
        sdk.executor.shutdown(wait=False)  # the SDK's own closing forgets it
        sdk.close()

    async def _ask(self, call: Callable[[Any], Any], request: Any) -> Mapping[str, Any]:
        """One answer through several attempts: reads only, so that a repetition does no harm."""
        for attempt in range(ATTEMPTS_MAX):
            try:
                return await self._attempt(call, request)
            except UpstreamUnavailableError:
                if attempt == ATTEMPTS_MAX - 1:
                    raise
            jitter = random.uniform(0.5, 1.0)
            await self._pause(FIRST_PAUSE_SECONDS * 2**attempt * jitter)
        raise AssertionError("unreachable")

    async def _attempt(self, call: Callable[[Any], Any], request: Any) -> Mapping[str, Any]:
        async with self._pace():
            self.requests_made += 1
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._threads, _answer, call, request)


def _answer(call: Callable[[Any], Any], request: Any) -> Mapping[str, Any]:
    """In a thread: the answer's JSON object, or one of our errors."""
    from huaweicloudsdkcore.exceptions.exceptions import SdkException, ServiceResponseException
    from requests.exceptions import RequestException

    try:
        answer = call(request)
    except ServiceResponseException as refusal:
        text = f"{refusal.status_code} {refusal.error_code}"
        if refusal.status_code >= 500 or refusal.status_code == TOO_MANY_REQUESTS:
            raise UpstreamUnavailableError(text) from refusal
        raise UpstreamRefusedError(
            str(refusal.error_code), str(refusal.error_msg), refusal.status_code
        ) from refusal
    except (SdkException, RequestException, ValueError) as failure:
        raise UpstreamUnavailableError(type(failure).__name__) from failure
    if not isinstance(answer, dict):
        raise UpstreamUnavailableError("the answer is no JSON object")
    return answer


def _sdk_client(url: str, ak: str, sk: str, domain_id: str, timeout_seconds: float) -> Any:
    from huaweicloudsdkbss.v2 import BssClient
    from huaweicloudsdkcore.auth.credentials import GlobalCredentials
    from huaweicloudsdkcore.http.http_config import HttpConfig

    class JsonClient(BssClient):  # type: ignore[misc]
        """Answers as plain JSON; a redirect, which the SDK takes for a success, is none."""

        def sync_response_handler(self, response: Any, *_more: Any) -> Any:
            """In place of the SDK's models."""
            if response.status_code >= 300:
                raise ValueError(f"{response.status_code} is no answer")
            return loads(response.content) if response.content else {}

    config = HttpConfig(timeout=(CONNECT_SECONDS, timeout_seconds), retry_times=0)
    return (
        JsonClient.new_builder()
        .with_http_config(config)
        .with_credentials(GlobalCredentials(ak, sk, domain_id))
        .with_endpoints([url])
        .build()
    )
