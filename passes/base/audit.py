"""What the domain needs from the outside, as Protocols. `passes.store` fulfils them with MongoDB.

All of them raise `errors.Unavailable` when the database does not answer.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class AuditLine:
    """Who did what to what, when: `by` is an operator or a service, `action` a verb such as `issue`."""

    at: datetime
    by: str
    action: str
    subject: str
    detail: Mapping[str, str] = field(default_factory=dict)
