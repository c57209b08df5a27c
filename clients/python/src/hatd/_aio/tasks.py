"""What asyncio does not tell in a word."""

import asyncio


def is_cancelled() -> bool:
    """Whether a `CancelledError` that was caught is for the task that caught it.

    gRPC raises it for a call that was cancelled, too.
    """
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


async def wait_for_news(news: asyncio.Event, seconds: float) -> None:
    """Wait until an event is set, or for so many seconds."""
    try:
        async with asyncio.timeout(seconds):
            await news.wait()
    except TimeoutError:
        pass
