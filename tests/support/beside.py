"""Something asynchronous that runs beside a test, on a loop of its own in a thread."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from typing import TypeVar

T = TypeVar("T")


@contextmanager
def running_beside(what: AbstractAsyncContextManager[T]) -> Iterator[T]:
    """What the context manager yields, while it runs."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield asyncio.run_coroutine_threadsafe(what.__aenter__(), loop).result()
        asyncio.run_coroutine_threadsafe(what.__aexit__(None, None, None), loop).result()
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
