"""An LRU cache of whole replies, so that a question asked again costs no work.

Knows nothing of what is asked: a question is whatever tells one reply from another.
"""

from collections import OrderedDict
from collections.abc import Callable, Hashable

from handlers.web.replies import PreparedReply

MOST_REPLIES = 512
"""Then the least recently used is dropped."""


class ReplyCache:
    """The replies that were made from one state of the data, with the ETag of that state."""

    def __init__(self, etag: str, most: int = MOST_REPLIES) -> None:
        """`etag` names the state of the data; at most `most` replies are cached."""
        self._etag = etag
        self._most = most
        self._replies: OrderedDict[Hashable, PreparedReply] = OrderedDict()

    def reply(
        self, question: Hashable, answer: Callable[[], bytes], etag: str = ""
    ) -> PreparedReply:
        """The reply to a question, from the cache or made now by `answer`.

        `etag` names the state of whatever else the answer depends on; the ETag of the reply is
        both.
        """
        key = question, etag
        reply = self._replies.get(key)
        if reply is None:
            reply = PreparedReply(answer(), etag=self._etag + etag)
            self._replies[key] = reply
        self._replies.move_to_end(key)
        if len(self._replies) > self._most:
            self._replies.popitem(last=False)
        return reply
