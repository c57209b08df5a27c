"""Shows the hats of everybody in a room, as displayed, whenever they change.

Usage: mirror.py ROOM_JID [LANGUAGE [TARGET]]
"""

import sys

import hatd


def main() -> None:
    """Run the example."""
    if len(sys.argv) not in {2, 3, 4}:
        sys.exit(__doc__)
    room_jid, *rest = sys.argv[1:]
    language = rest[0] if rest else "en"
    target = rest[1] if len(rest) > 1 else "http://127.0.0.1:50051"

    with hatd.connect(target) as client, client.mirror(hatd.room(room_jid)) as mirror:
        mirror.ready()
        for document in mirror.users(room_jid):
            show(mirror, hatd.Change(room_jid, document.user_jid), language)
        for change in mirror.changes():
            show(mirror, change, language)


def show(mirror: hatd.Mirror, change: hatd.Change, language: str) -> None:
    """Print what a user wears now."""
    if not change.user_jid:
        print(f"{change.room_jid}: {len(mirror.definitions(change.room_jid))} hats are defined")
        return
    hats = mirror.hats(change.room_jid, change.user_jid, language=language)
    print(f"{change.user_jid}: {', '.join(hat.title for hat in hats) or 'no hat'}")


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
