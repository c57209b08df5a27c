"""Where to connect to, and how."""

import ipaddress
import re
import ssl
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from grpc import StatusCode

from hatd._version import __version__
from hatd.errors import InvalidTarget

# How often a connection is probed, also without calls, so that a dead one is noticed.
_KEEPALIVE_INTERVAL_MS = 30_000
# How long the answer to a probe may take.
_KEEPALIVE_TIMEOUT_MS = 10_000

# How long one attempt to connect may take. Our choice.
_CONNECT_TIMEOUT_MS = 5_000
# Bounds of the delay before gRPC connects again: under those of our own retries, which would
# otherwise meet a channel that is not even trying.
_CONNECT_BACKOFF_MS_MIN = 100
_CONNECT_BACKOFF_MS_MAX = 1_000

# Bytes that a stream may send ahead of its reader. Our choice.
_STREAM_WINDOW_BYTES = 128 * 1024
# Longest response, in bytes: the limit of the contract.
_MESSAGE_BYTES_MAX = 4 * 1024 * 1024

# What a host is written with: a name in ASCII, or an address.
_HOST = re.compile(r"[0-9a-z._-]+|[0-9a-f:.]+")

# Where systems keep the certificates that they trust: Debian, Fedora, openSUSE, Alpine and macOS.
_SYSTEM_ROOTS = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
)


@dataclass(frozen=True, slots=True)
class Tls:
    """How to connect with TLS. Each part is PEM, as it stands in a file."""

    ca: bytes | None = None
    """Certificates of the authorities to trust. None: those that the system trusts."""
    certificate: bytes | None = None
    """The client's own certificate, with what is between it and its authority. Needs `key`."""
    key: bytes | None = field(default=None, repr=False)
    """The private key of `certificate`."""

    def __post_init__(self) -> None:
        """Check that the halves of an identity are together."""
        if (self.certificate is None) != (self.key is None):
            raise ValueError("a client certificate needs its key, and a key its certificate")


@dataclass(frozen=True, slots=True)
class Target:
    """A server, as gRPC names it."""

    address: str
    """The name for gRPC."""
    tls: Tls | None
    """None: plaintext."""
    is_loopback: bool
    """Whether it is on this machine."""


def parse(target: str, *, tls: Tls | None, plaintext: bool) -> Target:
    """Parse a target and decide whether to connect to it with TLS.

    Raises:
        InvalidTarget: It is no address of a server, or can't be connected to as asked.
    """
    scheme, separator, rest = target.rpartition("://")
    scheme = scheme.lower()
    if separator and scheme not in {"http", "https"}:
        raise _invalid(target, "is neither http:// nor https://")
    host, port = _split(target, rest)
    is_loopback = _is_loopback(host)

    if scheme == "https" and plaintext:
        raise _invalid(target, "is TLS, and plaintext was asked for")
    if tls is not None and (scheme == "http" or plaintext):
        raise _invalid(target, "is plaintext, and TLS was asked for")
    if scheme == "http" and not is_loopback and not plaintext:
        raise _invalid(target, "would be plaintext to another machine: ask for plaintext=True")
    if not plaintext and (scheme == "https" or (scheme == "" and not is_loopback)):
        tls = tls or Tls()

    bracketed = f"[{host}]" if ":" in host else host
    return Target(f"dns:///{bracketed}:{port}", tls, is_loopback)


def channel_options(target: Target, user_agent: str) -> list[tuple[str, int | str]]:
    """Return the arguments of a gRPC channel. `user_agent` names the program; it may be empty."""
    return [
        ("grpc.primary_user_agent", f"{user_agent} hatd-python/{__version__}".lstrip()),
        ("grpc.keepalive_time_ms", _KEEPALIVE_INTERVAL_MS),
        ("grpc.keepalive_timeout_ms", _KEEPALIVE_TIMEOUT_MS),
        # Without it gRPC waits a minute for the answer to a probe, whatever the line above says.
        ("grpc.http2.ping_timeout_ms", _KEEPALIVE_TIMEOUT_MS),
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.http2.max_pings_without_data", 0),
        ("grpc.min_reconnect_backoff_ms", _CONNECT_TIMEOUT_MS),
        ("grpc.initial_reconnect_backoff_ms", _CONNECT_BACKOFF_MS_MIN),
        ("grpc.max_reconnect_backoff_ms", _CONNECT_BACKOFF_MS_MAX),
        # Without probing for more, this is the window of each stream.
        ("grpc.http2.bdp_probe", 0),
        ("grpc.http2.lookahead_bytes", _STREAM_WINDOW_BYTES),
        ("grpc.max_receive_message_length", _MESSAGE_BYTES_MAX),
        # The server says what is too large.
        ("grpc.max_send_message_length", -1),
        # A client's retries are its own, and so is its connection.
        ("grpc.enable_retries", 0),
        ("grpc.use_local_subchannel_pool", 1),
        ("grpc.service_config_disable_resolution", 1),
        # No proxy leads to this machine.
        ("grpc.enable_http_proxy", 0 if target.is_loopback else 1),
    ]


def trusted_roots(tls: Tls) -> bytes | None:
    """Return the certificates to trust, as PEM. None: those that come with gRPC."""
    if tls.ca is not None:
        return tls.ca
    # Empty, or None, if OpenSSL names no file, or one that is not there.
    configured = ssl.get_default_verify_paths().cafile or ""
    for path in (configured, *_SYSTEM_ROOTS):
        if Path(path).is_file():
            return Path(path).read_bytes()
    # On Windows they are in no file.
    roots = ssl.create_default_context().get_ca_certs(binary_form=True)
    return "".join(map(ssl.DER_cert_to_PEM_cert, roots)).encode() or None


def _split(target: str, authority: str) -> tuple[str, int]:
    """Return host and port."""
    try:
        url = urlsplit(f"//{authority}")
        host, port = url.hostname, url.port
    except ValueError as error:
        raise _invalid(target, "is malformed") from error
    if not host or not port:
        raise _invalid(target, "lacks a host or a port")
    if not _HOST.fullmatch(host):
        raise _invalid(target, "names no host that could be")
    if url.path not in {"", "/"} or url.query or url.fragment or "@" in url.netloc:
        raise _invalid(target, "is more than a host and a port")
    return host, port


def _is_loopback(host: str) -> bool:
    """Whether a host is surely this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _invalid(target: str, what: str) -> InvalidTarget:
    return InvalidTarget(
        f"{target!r} {what}; a target looks like http://127.0.0.1:50051 or https://hats.example:443",
        code=StatusCode.INVALID_ARGUMENT,
    )
