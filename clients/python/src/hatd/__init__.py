"""The Python client of hatd, the service that keeps the hats people wear in chat rooms.

`connect` returns a client that blocks, for threads; `hatd.aio.connect` one for asyncio, with the
same words. Both have a method for each RPC, which takes the request of the contract (`hatd.v1`) and
returns its response; `watch` gives a state and then every change to it; `mirror` keeps a state
current in memory. Every error is a `HatdError`. Durations are in seconds.
"""

from hatd._core.target import Tls
from hatd._sync.cancellation import Cancellation
from hatd._sync.client import Client, connect
from hatd._sync.mirror import Mirror, MirrorChanges
from hatd._sync.watch import Watch
from hatd._version import __version__
from hatd.errors import *  # noqa: F403
from hatd.events import Bookmark, Changes, Counters, Event, Reset, Snapshot
from hatd.options import Start, domain, room, user, user_in_room
from hatd.state import Change, DisplayedHat
