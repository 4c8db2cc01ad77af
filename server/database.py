"""Which database to use: that of the settings, or the embedded one, started or joined."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager

from server.datadir import InUse, held, make_data_dir
from server.embedded import embedded_database, running_uri
from server.settings import Settings


@asynccontextmanager
async def own_database(
    settings: Settings, gone: Callable[[str], None] = lambda _: None
) -> AsyncIterator[str]:
    """The URI of the database. An embedded one runs inside this context.

    Should it be gone before, calls `gone(why)`. Raises `InUse` if another process has it.
    """
    if settings.mongo_uri is not None:
        yield settings.mongo_uri
        return
    with held(settings.data_dir):
        async with embedded_database(settings.data_dir, gone) as uri:
            yield uri


@asynccontextmanager
async def joined_database(settings: Settings) -> AsyncIterator[str]:
    """The URI of the database; that which a running server has started is joined. For scripts."""
    make_data_dir(settings.data_dir)
    async with AsyncExitStack() as stack:
        try:
            yield await stack.enter_async_context(own_database(settings))
        except InUse:
            uri = running_uri(settings.data_dir)
            if uri is None:
                raise
            yield uri
