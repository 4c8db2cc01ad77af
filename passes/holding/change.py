"""Change: the one loop in which a stored pass is changed by a transition."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from passes.base.errors import Conflict, Unknown, unknown
from passes.base.text import Text
from passes.holding.model import Pass
from passes.holding.ports import Passes

_TRIES = 100


@dataclass(frozen=True, slots=True)
class Changed:
    """A pass before and after a transition; the same object where there was nothing to change."""

    before: Pass
    after: Pass

    @property
    def something(self) -> bool:
        """Whether this call changed the pass."""
        return self.after is not self.before


async def stored(pass_id: str, passes: Passes) -> Pass:
    """The pass with that id. Raises `Unknown`."""
    held = await passes.get(pass_id)
    if held is None:
        raise pass_unknown(pass_id)
    return held


def pass_unknown(pass_id: str) -> Unknown:
    """The error that there is no such pass."""
    return unknown(Text("电子票", "pass"), pass_id)


async def change(
    passes: Passes,
    pass_id: str,
    transition: Callable[[Pass], Pass],
    before_storing: Callable[[], Awaitable[None]] | None = None,
) -> Changed:
    """Change a pass as stored by a transition.

    `before_storing` is awaited before each try to store it, as by an audit entry that begins.

    Raises `Unknown` if there is no such pass, what the transition raises, and `Conflict` if others
    change the pass again and again.
    """
    for _ in range(_TRIES):
        # 1. Read the pass as it is now.
        before = await stored(pass_id, passes)
        # 2. Decide, without a database.
        after = transition(before)
        if after is before:
            return Changed(before, before)
        # 3. What has to be stored before it.
        if before_storing is not None:
            await before_storing()
        # 4. Store, unless somebody else (a gate's freeze, its holder, an operator) has changed it
        #    since step 1: then the decision may be another one, so start again.
        if await passes.replace(before, after):
            return Changed(before, replace(after, revision=before.revision + 1))
    text = Text("此票正在变更，请重试", "this pass is being changed right now; try again")
    raise Conflict("pass_busy", text)
