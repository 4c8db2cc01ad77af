"""An LRU cache of whole replies, so that a question asked again costs no work.

Knows nothing of what is asked: a question is whatever tells one reply from another.
"""

from collections import OrderedDict
from collections.abc import Callable, Hashable

from handlers.web.endpoint import Ready

MOST_REPLIES = 512


class ReplyCache:
    """The replies made from one state of things, under the ETag of that state."""

    def __init__(self, etag: str, most: int = MOST_REPLIES) -> None:
        """`etag` tells this state from all others; at most so many replies are kept."""
        self._etag = etag
        self._most = most
        self._replies: OrderedDict[Hashable, Ready] = OrderedDict()

    def reply(self, question: Hashable, answer: Callable[[], bytes], etag: str = "") -> Ready:
        """The reply to a question, from the cache or made now by `answer`.

        `etag` tells what the answer depends on beside the state of the cache.
        """
        key = question, etag
        reply = self._replies.get(key)
        if reply is None:
            reply = self._replies[key] = Ready(answer(), etag=self._etag + etag)
        self._replies.move_to_end(key)
        if len(self._replies) > self._most:
            self._replies.popitem(last=False)
        return reply
