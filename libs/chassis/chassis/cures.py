"""What an operator reads where a server is not reached: why, and what helps."""

import ssl

_EXPIRED, _NOT_YET, _OTHER_NAME = {10}, {9}, {62, 64}  # OpenSSL's codes of a refused certificate


def cure_of_certificate(error: BaseException | None, address: str, authority: str) -> str | None:
    """What to do about a server's certificate that is not believed; None of any other failure.

    `address` and `authority` are the settings by which the server and who vouches for it are named.
    """
    if not isinstance(error, ssl.SSLCertVerificationError):
        return None
    if error.verify_code in _EXPIRED:
        return "the server's certificate, or its authority's, has expired: renew it there"
    if error.verify_code in _NOT_YET:
        return "the server's certificate is not valid yet: set the clocks right"
    if error.verify_code in _OTHER_NAME:
        return f"the certificate is of another server: name it in {address} as the certificate does"
    return f"nobody in {authority} signed the server's certificate: put its authority there"
