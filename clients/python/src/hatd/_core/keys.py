"""What an API key becomes."""

from grpc import StatusCode

from hatd.errors import HatdError

Metadata = tuple[tuple[str, str], ...]
"""What is sent along with a call."""


def bearer(key: str) -> Metadata:
    """Return the metadata that carries an API key (RFC 6750, section 2.1)."""
    return (("authorization", f"Bearer {key}"),)


def no_key(cause: Exception) -> HatdError:
    """Make the error of a function that raised instead of giving a key.

    What it asks may be back soon, so it is as good as a server that is not there.
    """
    return HatdError(f"no API key: {cause}", code=StatusCode.UNAVAILABLE)
