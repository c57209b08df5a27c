"""Does what the conformance runner says, with one of the two clients.

Usage: adapter.py aio|sync
"""

import asyncio
import sys
from typing import Any

import protocol
from faces import Aio, Face, Sync
from protocol import BadCommand, Command, Json


class Adapter:
    """Does commands, each in a task of its own."""

    def __init__(self, face: Face) -> None:
        """Use one of the clients, which is not connected yet."""
        self._face = face
        self._client: Any = None
        self._watches: dict[str, Any] = {}
        self._mirrors: dict[str, Any] = {}
        self._listeners: dict[str, Any] = {}
        self._running: dict[int, asyncio.Task[None]] = {}

    async def run(self) -> None:
        """Do the commands of the standard input, to its end."""
        while line := await asyncio.to_thread(sys.stdin.readline):
            command = Command(line)
            self._running[command.id] = asyncio.create_task(self._reply(command))
        await self._close()
        await asyncio.gather(*self._running.values())

    async def _reply(self, command: Command) -> None:
        try:
            reply = command.succeeded(await self._do(command))
        except Exception as error:  # noqa: BLE001 - The runner is to judge it.
            reply = command.failed(error)
        sys.stdout.write(reply + "\n")
        sys.stdout.flush()
        del self._running[command.id]

    async def _do(self, command: Command) -> Json:  # noqa: C901, PLR0911, PLR0912 - A case for each.
        match command.op:
            case "connect":
                await self._close()
                self._client = self._face.connect(command["target"], **command.connect_options())
            case "close":
                await self._close()
            case "cancel":
                if (task := self._running.get(command["command"])) is not None:
                    task.cancel()
            case "call":
                call = getattr(self._client, command.method())
                request, timeout = command.request(), command.seconds("timeout")
                return protocol.of_message(await self._face.wait(call, request, timeout=timeout))
            case "give_hat":
                names = (command["room_jid"], command["user_jid"], command["hat_id"])
                return protocol.of_message(await self._face.wait(self._client.give_hat, *names))
            case "list_all":
                pages = getattr(self._client, command.iterator())(command.request())
                return protocol.of_items(await self._face.all(pages))
            case "watch":
                selectors, options = command.watch_options()
                self._watches[command["watch"]] = self._client.watch(*selectors, **options)
            case "next":
                watch = self._watches[command["watch"]]
                return protocol.of_event(await self._face.wait(watch.next))
            case "watch_status":
                return protocol.of_watch(self._watches[command["watch"]])
            case "close_watch":
                await self._face.close(self._watches[command["watch"]])
            case "mirror":
                selectors, options = command.watch_options()
                self._mirrors[command["mirror"]] = self._client.mirror(*selectors, **options)
            case "ready":
                await self._face.wait(self._mirrors[command["mirror"]].ready)
            case "hats":
                hats = self._mirrors[command["mirror"]].hats
                room_jid, user_jid = command["room_jid"], command["user_jid"]
                return protocol.of_hats(hats(room_jid, user_jid, language=command.get("language")))
            case "wait_for":
                mirror = self._mirrors[command["mirror"]]
                await self._face.wait(mirror.wait_for, command.answer())
            case "listen":
                mirror = self._mirrors[command["mirror"]]
                self._listeners[command["listener"]] = mirror.changes()
            case "next_change":
                listener = self._listeners[command["listener"]]
                return protocol.of_change(await self._face.wait(listener.next))
            case "mirror_state":
                return protocol.of_state(self._mirrors[command["mirror"]])
            case "mirror_status":
                return protocol.of_mirror(self._mirrors[command["mirror"]])
            case "close_mirror":
                await self._face.close(self._mirrors[command["mirror"]])
            case op:
                raise BadCommand(f"no command {op!r}")
        return {}

    async def _close(self) -> None:
        if self._client is not None:
            await self._face.close(self._client)


def main() -> int:
    """Run the adapter that the command line names."""
    match sys.argv[1:]:
        case ["aio"]:
            face: Face = Aio()
        case ["sync"]:
            face = Sync()
        case _:
            sys.stderr.write(f"{__doc__}\n")
            return 64
    asyncio.run(Adapter(face).run())
    return 0


if __name__ == "__main__":
    sys.exit(main())
