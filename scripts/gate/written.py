"""What a program writes to the gate program instead of a code: a JSON document, checked as the
server checks the same, so that what is decided alone can be uploaded."""

import json
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import StringConstraints

from handlers.admission.gates import ScanIn
from handlers.admission.staff import HandAdmissionIn
from handlers.web.arguments import read_body
from handlers.web.models import In
from handlers.web.problems import Problem
from passes.base import forms
from passes.base.text import Text
from scripts.gate.held import Undecided

_PLACEHOLDER = {"nonce": "0", "scanned_at": "2026-01-01T00:00:00Z"}
"""What the program adds to a document."""


class AnnulIn(In):
    """Which admission to take back."""

    annul: Annotated[str, StringConstraints(pattern=forms.NONCE)]


def checked(document: dict[str, Any]) -> dict[str, Any]:
    """The document. Raises `Undecided`, which names the fields that are wrong."""
    try:
        if "annul" in document:
            read_body(_raw(document), AnnulIn)
        elif "hand" in document:
            read_body(_raw({**_named(document["hand"]), "nonce": "0"}), HandAdmissionIn)
        else:
            read_body(_raw({**document, **_PLACEHOLDER}), ScanIn)
    except Problem as problem:
        faults = "; ".join(f"{fault.where}: {fault.what}" for fault in problem.faults)
        words = Text(problem.text.zh, f"{problem.text.en}: {faults}")
        raise Undecided(problem.code, words) from None
    return document


def _named(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _raw(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document).encode()
