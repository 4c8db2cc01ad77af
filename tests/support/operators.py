"""What operators do by commands, and how a device becomes a gate of a running server."""

from typing import Any

from tests.support.api import Api
from tests.support.build import HOLDER
from tests.support.processes import Done, Run

EXAMPLE_PASS = "bashu-annual-example"


def issue(
    scripts: Run, *more: str, product: str = EXAMPLE_PASS, number: str = HOLDER.number
) -> Done:
    """`passes issue` to `build.HOLDER`, or under another number."""
    holder = ("--name", HOLDER.name, "--id-number", number)
    return scripts("passes", "issue", "--product", product, *holder, *more, "--json")


def setup_code(scripts: Run, spot: str = "emeishan", kind: str = "turnstile", *more: str) -> str:
    """The setup code of a new gate."""
    added = scripts("gates", "add", "--spot", spot, "--kind", kind, *more, "--json")
    return str(added.json["setup_code"])


async def enrolled_gate(
    api: Api, scripts: Run, spot: str = "emeishan", kind: str = "turnstile", *more: str
) -> str:
    """The token of a new gate."""
    code = setup_code(scripts, spot, kind, *more)
    answer = await api.post("/api/v1/gate/enrol", {"setup_code": code})
    assert answer.status == 200, answer.body
    return str(answer.json["token"])


def row(scripts: Run, *command: str, **where: str) -> dict[str, Any]:
    """The one row of a listing whose fields are as said."""
    rows = scripts(*command, "--json").json
    (found,) = [each for each in rows if where.items() <= each.items()]
    return dict(found)
