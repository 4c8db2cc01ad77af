"""The published test vectors, as other people's gates and phones read them."""

import json
from typing import Any

from tests.support.processes import PROJECT

VECTORS_FOLDER = PROJECT / "tests" / "vectors"


def read_vectors(name: str) -> Any:
    """The document `name.json` of the vectors."""
    return json.loads((VECTORS_FOLDER / f"{name}.json").read_text(encoding="utf-8"))
