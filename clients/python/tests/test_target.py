import pytest
from grpc import StatusCode

from hatd import InvalidTarget, Tls, __version__
from hatd._core import target

CA = Tls(ca=b"ca")


@pytest.mark.parametrize(
    ("text", "tls", "plaintext", "address", "expected"),
    [
        ("http://127.0.0.1:50051", None, False, "dns:///127.0.0.1:50051", None),
        ("http://localhost:1/", None, False, "dns:///localhost:1", None),
        ("HTTP://[::1]:1", None, False, "dns:///[::1]:1", None),
        ("127.1.2.3:1", None, False, "dns:///127.1.2.3:1", None),
        ("localhost:1", CA, False, "dns:///localhost:1", CA),
        ("hats.example:443", None, False, "dns:///hats.example:443", Tls()),
        ("https://hats.example:443", CA, False, "dns:///hats.example:443", CA),
        ("https://127.0.0.1:443", None, False, "dns:///127.0.0.1:443", Tls()),
        ("http://hats.example:80", None, True, "dns:///hats.example:80", None),
        ("hats.example:80", None, True, "dns:///hats.example:80", None),
    ],
)
def test_a_target_says_whether_it_is_tls(
    text: str, tls: Tls | None, plaintext: bool, address: str, expected: Tls | None
) -> None:
    parsed = target.parse(text, tls=tls, plaintext=plaintext)
    assert (parsed.address, parsed.tls) == (address, expected)


@pytest.mark.parametrize(
    ("text", "tls", "plaintext"),
    [
        ("", None, False),
        ("http://", None, False),
        ("localhost", None, False),
        ("localhost:0", None, False),
        ("localhost:70000", None, False),
        ("ftp://localhost:1", None, False),
        ("http://user@localhost:1", None, False),
        ("http://localhost:1/path", None, False),
        ("http://two words:1", None, False),
        ("http://[::1:1", None, False),
        ("http://192.0.2.1:1", None, False),
        ("http://localhost.example:1", None, False),
        ("http://localhost:1", CA, False),
        ("hats.example:1", CA, True),
        ("https://hats.example:1", None, True),
    ],
)
def test_a_target_that_is_none_or_not_safe_is_refused(
    text: str, tls: Tls | None, plaintext: bool
) -> None:
    with pytest.raises(InvalidTarget) as raised:
        target.parse(text, tls=tls, plaintext=plaintext)
    assert raised.value.code is StatusCode.INVALID_ARGUMENT


def test_a_certificate_comes_with_its_key_and_the_key_is_not_shown() -> None:
    with pytest.raises(ValueError, match="needs its key"):
        Tls(certificate=b"certificate")
    assert "secret" not in repr(Tls(certificate=b"certificate", key=b"secret"))


def test_the_user_agent_names_program_and_client() -> None:
    parsed = target.parse("localhost:1", tls=None, plaintext=False)
    named = dict(target.channel_options(parsed, "hatter/2"))
    assert named["grpc.primary_user_agent"] == f"hatter/2 hatd-python/{__version__}"
    unnamed = dict(target.channel_options(parsed, ""))
    assert unnamed["grpc.primary_user_agent"] == f"hatd-python/{__version__}"
