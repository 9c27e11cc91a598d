"""A service's clock that moves only where a test moves it."""

from datetime import UTC, datetime, timedelta

NOON = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)  # in Beijing, far from the end of any cycle


class StandingClock:
    """Gives `now` to whoever asks; `chassis.clock.WallClock` in form."""

    def __init__(self, now: datetime = NOON) -> None:
        self.now = now

    def __call__(self) -> datetime:
        """The service asks."""
        return self.now

    def forward(self, **span: float) -> None:
        """Let time pass: `forward(days=1)`."""
        self.now += timedelta(**span)
