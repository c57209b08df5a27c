"""Gives a hat, and shows the state of the room up to its first bookmark.

Usage: quick_start.py [TARGET]
"""

import sys

import hatd
from hatd.v1 import AFFILIATION_MEMBER, PutRoomRequest, SetAffiliationRequest

ROOM = "room@conference.localhost"
USER = "user@localhost"
HAT = "urn:uuid:164c41a2-7461-4cff-bdae-3f93078a6607"


def main() -> None:
    """Run the example."""
    target = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:50051"
    with hatd.connect(target) as client:
        client.put_room(PutRoomRequest(room_jid=ROOM))
        client.set_affiliation(
            SetAffiliationRequest(room_jid=ROOM, user_jid=USER, affiliation=AFFILIATION_MEMBER)
        )
        answer = client.give_hat(ROOM, USER, HAT, title="Host")
        print("given" if answer.changed else "had already", HAT)

        with client.watch(hatd.room(ROOM)) as watch:
            for event in watch:
                match event:
                    case hatd.Snapshot(page=page):
                        for document in page.users:
                            print(f"{document.user_jid} has {', '.join(document.hats)}")
                    case hatd.Bookmark():
                        break


if __name__ == "__main__":
    main()
