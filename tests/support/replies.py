"""Asserts about replies over HTTP that tell what is wrong (RFC 9457 problems)."""

from tests.support.api import Answer


def assert_problem(answer: Answer, status: int, code: str) -> None:
    """The reply is a problem with that status and that stable code; a failure shows its body."""
    assert answer.status == status, answer.body.decode()
    assert answer.headers["Content-Type"].startswith("application/problem+json")
    assert answer.json["status"] == status
    assert answer.json["code"] == code, answer.body.decode()
