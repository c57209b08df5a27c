"""Prints what changes in a room, in asyncio, and goes on where it was stopped.

Usage: watch.py ROOM_JID TOKEN_FILE [TARGET]
"""

import asyncio
import logging
import sys
from pathlib import Path

import hatd
from hatd.events import Disconnected, Lifecycle
from hatd.v1 import ChangeType

_log = logging.getLogger("watch")


def log(lifecycle: Lifecycle) -> None:
    """Log what happens to the stream."""
    match lifecycle:
        case Disconnected(cause=cause, retry_in=retry_in):
            _log.warning("%s: again in %.1f s", cause, retry_in)
        case _:
            _log.info("connected")


def show(event: hatd.Event) -> None:
    """Print an event."""
    match event:
        case hatd.Reset():
            print("the state anew")
        case hatd.Snapshot(page=page):
            for document in page.users:
                print(f"{document.user_jid} has {', '.join(document.hats)}")
        case hatd.Changes(commits=commits):
            for commit in commits:
                for user in commit.users:
                    for change in user.changes:
                        kind = ChangeType.Name(change.type).removeprefix("CHANGE_TYPE_").lower()
                        print(f"{kind} {change.hat_id} of {user.user_hats.user_jid}")
        case hatd.Bookmark():
            print("up to date")


def kept(token_file: Path) -> hatd.Start:
    """Return where to start."""
    return hatd.Start.after(token_file.read_text()) if token_file.exists() else hatd.Start.SNAPSHOT


async def watch(room_jid: str, token_file: Path, target: str) -> None:
    """Watch a room until the program is interrupted."""
    start = await asyncio.to_thread(kept, token_file)
    async with (
        hatd.aio.connect(target) as client,
        client.watch(hatd.room(room_jid), start=start, on_lifecycle=log) as events,
    ):
        async for event in events:
            show(event)
            # Only now is the event processed: a token kept before could skip it.
            if event.token:
                await asyncio.to_thread(token_file.write_text, event.token)


if __name__ == "__main__":
    if len(sys.argv) not in {3, 4}:
        sys.exit(__doc__)
    room_jid, token_file, *rest = sys.argv[1:]
    logging.basicConfig(level=logging.INFO)
    try:
        asyncio.run(watch(room_jid, Path(token_file), (*rest, "http://127.0.0.1:50051")[0]))
    except KeyboardInterrupt:
        sys.exit(130)
