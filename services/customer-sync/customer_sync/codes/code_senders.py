"""How a verification code reaches its receiver; a partner's SMS gateway is one class more."""

import asyncio
import json
import os
from dataclasses import asdict, dataclass
from typing import Protocol

from chassis.logs import get_logger
from customer_sync.settings import CustomerSyncSettings

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class CodeMessage:
    """What the receiver is told."""

    receiver: str
    code: str
    scene: int
    language: str  # zh-cn | en-us
    expires_at: str
    sub_customer_name: str | None = None  # the member that an enterprise master is about to make

    @property
    def masked_receiver(self) -> str:
        """Enough to recognise, too little to call."""
        return f"{self.receiver[:3]}****{self.receiver[-2:]}"


class CodeSender(Protocol):
    """Sends one message or raises."""

    async def send(self, message: CodeMessage) -> None:
        """Hand the message on."""


class LogSender:
    """Sends nothing: says that there was a code, and the code itself at DEBUG only."""

    async def send(self, message: CodeMessage) -> None:
        """Log it."""
        log.info(
            "verification code issued", receiver=message.masked_receiver, scene=message.scene,
            expires_at=message.expires_at,
        )  # fmt: skip
        log.debug("verification code", receiver=message.receiver, code=message.code)


class FileSender:
    """Appends a JSON line to a file that only its owner may read: for tests and development."""

    def __init__(self, path: str):
        self._path = path

    async def send(self, message: CodeMessage) -> None:
        """Write it."""
        await asyncio.to_thread(self._append, json.dumps(asdict(message)) + "\n")

    def _append(self, line: str) -> None:
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(descriptor, "a", encoding="utf-8") as file:
            file.write(line)


def chosen_sender(settings: CustomerSyncSettings) -> CodeSender:
    """The one that the settings name."""
    if settings.verification_sender == "file":
        assert settings.verification_file
        return FileSender(settings.verification_file)
    return LogSender()
