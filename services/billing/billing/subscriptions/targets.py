"""Where files are delivered: a bucket that speaks S3, or a folder of this installation."""

import asyncio
import socket
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import IPv4Network, IPv6Network, ip_address
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlsplit

from obstore import delete_async, put_async
from obstore.exceptions import BaseError
from obstore.store import LocalStore, S3Store

from billing.settings import BillingSettings
from billing.subscriptions.models import FOLDER, FileSubscription
from chassis.errors import BadFieldError
from chassis.vault import Vault

CONNECT_SECONDS = 5
REQUEST_SECONDS = 60
TRY_SECONDS_MAX = 600.0  # of a whole file
TEST_NAME = "channelbus-test-write.txt"
ERROR_CHARACTERS_MAX = 500
Networks = tuple[IPv4Network | IPv6Network, ...]


class DeliveryError(Exception):
    """The file could not be written; the text says why, and holds no secret."""


@dataclass(frozen=True, slots=True)
class Targets:
    """Opens what subscriptions name; private addresses are open only where a setting says so."""

    folder: Path | None
    networks: Networks
    vault: Vault | None

    @classmethod
    def of(cls, settings: BillingSettings) -> "Targets":
        """As the installation allows them."""
        keys = settings.keys_at_rest
        return cls(
            settings.delivery_folder, settings.private_networks, Vault(keys) if keys else None
        )

    def check_folder(self, name: str) -> None:
        """Refuse a folder outside of what the installation gives.

        Raises:
            BadFieldError

        """
        parts = PurePosixPath(name).parts
        if self.folder is None:
            raise BadFieldError("target.folder", "this installation has no folder for files")
        if not parts or parts[0] == "/" or ".." in parts:
            raise BadFieldError("target.folder", "a path below the installation's folder")

    async def test(self, wanted: FileSubscription) -> None:
        """Write a small file, and remove it.

        Raises:
            DeliveryError

        """
        path = path_of(wanted, TEST_NAME)
        async with _said(REQUEST_SECONDS):
            store = await self._open(wanted)
            await put_async(store, path, b"Channelbus can write here.\n")
            await delete_async(store, path)

    async def write(
        self, wanted: FileSubscription, name: str, content: AsyncIterator[bytes]
    ) -> None:
        """Write a file; one of that name gives way to it.

        Raises:
            DeliveryError

        """
        async with _said(TRY_SECONDS_MAX):
            await put_async(await self._open(wanted), path_of(wanted, name), content)

    async def _open(self, wanted: FileSubscription) -> Any:
        said: Mapping[str, Any] = wanted.target
        if wanted.target_kind == FOLDER:
            self.check_folder(said["folder"])
            assert self.folder is not None
            return LocalStore(self.folder / said["folder"], mkdir=True)
        if self.vault is None or wanted.secret is None or wanted.secret_key_id is None:
            raise DeliveryError("the bucket's secret cannot be read")
        try:
            secret = self.vault.open(wanted.secret_key_id, wanted.secret, wanted.subscription_id)
        except KeyError:
            raise DeliveryError("the bucket's secret cannot be read") from None
        await self._check_address(said["endpoint"])
        return S3Store(
            said["bucket"],
            endpoint=said["endpoint"],
            region=said["region"],
            access_key_id=said["access_key_id"],
            secret_access_key=secret,
            virtual_hosted_style_request=False,
            client_options={
                "allow_http": said["endpoint"].startswith("http://"),
                "connect_timeout": timedelta(seconds=CONNECT_SECONDS),
                "timeout": timedelta(seconds=REQUEST_SECONDS),
            },
            retry_config={"max_retries": 2, "retry_timeout": timedelta(seconds=REQUEST_SECONDS)},
        )

    async def _check_address(self, endpoint: str) -> None:
        """Nobody writes into our own networks by naming them as a bucket."""
        parts = urlsplit(endpoint)
        loop = asyncio.get_running_loop()
        port = parts.port or (443 if parts.scheme == "https" else 80)
        try:
            found = await loop.getaddrinfo(parts.hostname, port, type=socket.SOCK_STREAM)
        except OSError:
            raise DeliveryError("the endpoint's name is not known") from None
        for *_, address in found:
            number = ip_address(address[0])
            if not number.is_global and not any(number in one for one in self.networks):
                raise DeliveryError("the endpoint is in a private network")


def path_of(wanted: FileSubscription, name: str) -> str:
    """Below the prefix, in the vendor's folder."""
    prefix = str(wanted.target.get("prefix") or "").strip("/")
    return "/".join(part for part in (prefix, "customerBill", name) if part)


class _said:  # noqa: N801 - used as a function
    """Turns what goes wrong with a store into a DeliveryError, within a time."""

    def __init__(self, seconds: float):
        self._within = asyncio.timeout(seconds)

    async def __aenter__(self) -> None:
        await self._within.__aenter__()

    async def __aexit__(self, kind: Any, error: Any, trace: Any) -> None:
        try:
            await self._within.__aexit__(kind, error, trace)
        except TimeoutError as late:
            raise DeliveryError("it took too long") from late
        if isinstance(error, BaseError | OSError):
            raise DeliveryError(_why(error)) from error


def _why(error: BaseException) -> str:
    """The first line, as far as it can be shown: stores name requests, never keys."""
    text = next(iter(str(error).splitlines()), "") or type(error).__name__
    return text[:ERROR_CHARACTERS_MAX]
