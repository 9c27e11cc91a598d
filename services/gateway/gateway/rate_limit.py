"""Requests counted in fixed windows, in this process alone: it protects us (decision 0017)."""

from collections.abc import Hashable
from datetime import datetime

from chassis.errors import RefusedError


class ThrottledError(RefusedError):
    """More requests in the window than the limit."""

    code = "APIGW.0308"

    def __init__(self, limit: int, window_seconds: int):
        self.limit, self.window_seconds = limit, window_seconds
        super().__init__()

    def message(self, language: str) -> str:
        """The vendor's words, which it has in English only (docs/domain/wire-protocol.md D.3)."""
        if language.lower().startswith("zh"):
            return (
                f"已达到流控阈值：用户流控策略，上限：{self.limit}，时间：{self.window_seconds} 秒"
            )
        return (
            "The throttling threshold has been reached: policy user over ratelimit,"
            f"limit:{self.limit},time:{self.window_seconds} second"
        )


class RateLimit:
    """All windows start together, so that the past is forgotten at once and memory is bounded."""

    def __init__(self, window_seconds: int = 1):
        self._window_seconds = window_seconds
        self._window = 0
        self._counts: dict[Hashable, int] = {}

    def take(self, key: Hashable, limit: int, now: datetime) -> int:
        """Count a request; how many are left in this window. Refuses the one over the limit."""
        window = int(now.timestamp()) // self._window_seconds
        if window != self._window:
            self._window = window
            self._counts.clear()
        count = self._counts.get(key, 0)
        if count >= limit:
            raise ThrottledError(limit, self._window_seconds)
        self._counts[key] = count + 1
        return limit - count - 1

    def forgive(self, key: Hashable) -> None:
        """Forget what was counted for a key."""
        self._counts.pop(key, None)
