"""Errors of the domain: what callers choose is told back to them cut short."""

from passes.base.errors import unknown
from passes.base.text import Text

SPOT = Text("景区", "spot")


def test_what_is_not_there_is_named() -> None:
    error = unknown(SPOT, "nowhere")
    assert error.code == "spot_unknown"
    assert error.text == Text("没有这个景区：nowhere", "there is no spot 'nowhere'")


def test_a_very_long_name_is_not_repeated_whole() -> None:
    error = unknown(SPOT, "x" * 10_000)
    assert len(error.text.zh) < 200
    assert len(error.text.en) < 200
    assert error.text.zh.endswith("x…")
