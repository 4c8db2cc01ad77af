"""What runs beside a test, in a thread: something asynchronous, or a call that runs a loop."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, contextmanager
from typing import Any, TypeVar

T = TypeVar("T")


def in_a_thread(call: Callable[..., T], *arguments: Any, **options: Any) -> T:
    """What a call returns that runs a loop: in this thread `asyncio.run` drops the loop of an
    earlier test, which nobody closes then."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(call, *arguments, **options).result()


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
