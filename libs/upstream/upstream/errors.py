"""How an upstream says no, or nothing at all."""


class UpstreamError(Exception):
    """What an upstream did instead of answering."""


class UpstreamRefusedError(UpstreamError):
    """It understood and refused; asking again will not help."""

    def __init__(self, code: str, message: str, status: int):
        self.code, self.status = code, status
        super().__init__(f"{status} {code} {message}"[:500])


class UpstreamUnavailableError(UpstreamError):
    """No answer that counts: not reachable, throttled or failing, through all attempts."""
