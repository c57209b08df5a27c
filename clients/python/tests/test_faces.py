"""What the client for threads and the one for asyncio have in common."""

import inspect

import pytest

import hatd
import hatd.aio

PAIRS = [
    (hatd.Client, hatd.aio.AsyncClient),
    (hatd.Watch, hatd.aio.AsyncWatch),
    (hatd.Mirror, hatd.aio.AsyncMirror),
    (hatd.MirrorChanges, hatd.aio.AsyncMirrorChanges),
]


def words(kind: type) -> set[str]:
    return {name for name in dir(kind) if not name.startswith("_")}


@pytest.mark.parametrize(("blocking", "asynchronous"), PAIRS)
def test_both_have_the_same_words(blocking: type, asynchronous: type) -> None:
    assert words(blocking) == words(asynchronous)


@pytest.mark.parametrize(("blocking", "asynchronous"), PAIRS)
def test_both_take_the_same_arguments(blocking: type, asynchronous: type) -> None:
    for name in words(blocking):
        method, other = getattr(blocking, name), getattr(asynchronous, name)
        if not inspect.isfunction(method):
            continue
        # A task is cancelled, a thread is not.
        only_of_threads = {"cancellation"} if name != "next" else {"cancellation", "timeout"}
        parameters = set(inspect.signature(method).parameters) - only_of_threads
        assert parameters == set(inspect.signature(other).parameters), name


def test_there_is_a_method_for_each_rpc() -> None:
    services = (
        hatd.v1.hat_service_pb2,
        hatd.v1.room_service_pb2,
        hatd.v1.wardrobe_service_pb2,
    )
    names = {
        method.name
        for module in services
        for service in module.DESCRIPTOR.services_by_name.values()
        for method in service.methods
    }
    assert len(names) == 24
    for name in names - {"WatchHats"}:
        method = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)
        for client in (hatd.Client, hatd.aio.AsyncClient):
            assert inspect.getdoc(getattr(client, method[1:])), name


def test_everything_public_is_documented() -> None:
    for module in (hatd, hatd.aio, hatd.errors, hatd.events):
        for name in module.__all__:
            assert name.startswith("__") or getattr(module, name).__doc__, name
