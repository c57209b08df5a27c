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


def log(lifecycle: Lifecycle) -> None:
    """Log what happens to the stream."""
    match lifecycle:
        case Disconnected(cause=cause, retry_in=retry_in):
            logging.warning("%s: again in %.1f s", cause, retry_in)
        case _:
            logging.info("connected")


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


async def watch(room_jid: str, token_file: Path, target: str) -> None:
    """Watch a room until the program is interrupted."""
    start = hatd.Start.SNAPSHOT
    if token_file.exists():
        start = hatd.Start.after(token_file.read_text())

    async with (
        hatd.aio.connect(target) as client,
        client.watch(hatd.room(room_jid), start=start, on_lifecycle=log) as events,
    ):
        async for event in events:
            show(event)
            # Only now is the event processed: a token kept before could skip it.
            if event.token:
                token_file.write_text(event.token)


if __name__ == "__main__":
    if len(sys.argv) not in {3, 4}:
        sys.exit(__doc__)
    logging.basicConfig(level=logging.INFO)
    target = sys.argv[3] if len(sys.argv) == 4 else "http://127.0.0.1:50051"  # noqa: PLR2004
    try:
        asyncio.run(watch(sys.argv[1], Path(sys.argv[2]), target))
    except KeyboardInterrupt:
        sys.exit(130)
