"""Shows the hats of everybody in a room, as displayed, whenever they change.

Usage: mirror.py ROOM_JID [TARGET [LANGUAGE]]
"""

import sys

import hatd


def main() -> None:
    """Run the example."""
    if len(sys.argv) not in {2, 3, 4}:
        sys.exit(__doc__)
    room_jid, *rest = sys.argv[1:]
    target = rest[0] if rest else "http://127.0.0.1:50051"
    language = rest[1] if len(rest) > 1 else ""

    with hatd.connect(target) as client, client.mirror(hatd.room(room_jid)) as mirror:
        mirror.ready()
        show_all(mirror, room_jid, language)
        for change in mirror.changes():
            if change.user_jid:
                show(mirror, room_jid, change.user_jid, language)
            else:  # The catalogue: any title may be another one now.
                show_all(mirror, room_jid, language)


def show_all(mirror: hatd.Mirror, room_jid: str, language: str) -> None:
    """Print what everybody wears now."""
    for document in mirror.users(room_jid):
        show(mirror, room_jid, document.user_jid, language)


def show(mirror: hatd.Mirror, room_jid: str, user_jid: str, language: str) -> None:
    """Print what a user wears now."""
    hats = mirror.hats(room_jid, user_jid, language=language)
    print(f"{user_jid}: {', '.join(hat.title for hat in hats) or 'no hat'}", flush=True)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
