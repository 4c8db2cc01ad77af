"""Makes `codes.json`: `python -m tests.vectors.make_codes`.

Written against docs/adr/0004-code-format.md alone and sharing no code with `passes.codes`, so that the vectors check
it. Vectors are added, never changed: a gate maker's tests rely on them.
"""

import base64
import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.support.code_writer import (
    CODE,
    MASTER,
    content,
    pass_day_key,
    signed,
    tail,
    text,
)

SIGNING = [
    {"id": 1, "private": "01" * 32, "last_day": "2026-12-31"},
    {"id": 2, "private": "02" * 32, "last_day": "2199-12-31"},
]
NOW = datetime(2026, 7, 1, 2, 0, 7, tzinfo=UTC)


def good(name: str, step_at: datetime = NOW, now: datetime = NOW, **changes: Any) -> dict[str, Any]:
    code = CODE | changes
    raw = signed(content(code), code["key_id"])
    if code["rotating"]:
        raw = tail(raw, step_at, code["pass_id"])
    return {
        "name": name,
        "now": now.isoformat(),
        "step_at": step_at.isoformat(),
        "text": text(raw),
        "code": code,
    }


def bad(name: str, reason: str, written: str, now: datetime = NOW) -> dict[str, Any]:
    return {"name": name, "now": now.isoformat(), "text": written, "reason": reason}


def framed(good_text: str) -> list[dict[str, Any]]:
    """What scanners make of a code that was read well; `shown` stands in the picture."""
    full_width = "".join(
        chr(ord(char) + 0xFEE0) if "!" <= char <= "~" else char for char in good_text
    )
    texts = {
        "small_letters": good_text.lower(),
        "full_width": full_width,
        "aim_identifier": "]Q1" + good_text,
        "aim_identifier_of_data_matrix": "]d2" + good_text,
        "character_set_before_it": "\\000026" + good_text,
        "identifier_and_character_set": "]Q2\\000026" + good_text,
        "between_stx_and_etx": "\x02" + good_text + "\x03",
        "byte_order_mark": "\ufeff" + good_text,
        "group_separator_behind_it": good_text + "\x1d",
        "nul_behind_it": good_text + "\x00",
        "no_break_space_around_it": "\u00a0" + good_text + "\u00a0",
        "tab_and_line_ends": "\t" + good_text + "\r\r\n",
        "zero_width_marks": "\u200b" + good_text[:20] + "\u200d" + good_text[20:],
    }
    return [
        {**good(f"scanner_{name}"), "text": text, "shown": good_text}
        for name, text in texts.items()
    ]


def superseded() -> list[dict[str, Any]]:
    """What was a vector of version 1, and why it is none any more."""
    lower = text(tail(signed(content(CODE)), NOW)).lower()
    why = "a scanner that is set to small letters is no fault of the visitor: see scanner_small_letters"
    return [{**bad("lower_case", "code_malformed", lower), "why": why}]


def vectors() -> list[dict[str, Any]]:
    midnight = datetime(2026, 7, 1, 16, 0, tzinfo=UTC)
    second, step = timedelta(seconds=1), timedelta(seconds=30)
    static = CODE | {"rotating": False}
    whole = tail(signed(content(CODE)), NOW)
    flipped = bytearray(whole)
    flipped[5] ^= 1
    good_text = text(whole)
    return [
        good("rotating"),
        good("rotating_one_step_old", step_at=NOW - step),
        good("rotating_one_step_ahead", step_at=NOW + step),
        good("rotating_made_just_before_midnight_in_shanghai", step_at=midnight - second, now=midnight + second),
        good("static", rotating=False),
        good("pay_at_window", rotating=False, pay_at_window=True),
        good("rotating_pay_at_window_party_of_two", pay_at_window=True, party=2),
        good("older_key_before_its_end", key_id=1),
        good("older_key_on_its_last_day", key_id=1, **{k: datetime(2026, 12, 31, 15, 59, 59, tzinfo=UTC) for k in ("step_at", "now")}),
        good("largest_serial_and_numbers", pass_id="f" * 16, product_number=65535, party=255, last_day="2199-06-06"),
        good("smallest_serial_and_numbers", pass_id="0" * 16, product_number=0, party=0, first_day="2020-01-01"),
        good("dates_over_already", first_day="2020-01-01", last_day="2020-01-02"),
        {**good("blanks_of_a_scanner_around_it"), "text": f" {good_text}\r\n"},
        *framed(good_text),
        bad("empty", "code_malformed", ""),
        bad("other_prefix", "code_malformed", good_text.replace("BP1:", "BP2:")),
        bad("prefix_alone", "code_malformed", "BP1:"),
        bad("sign_outside_the_alphabet", "code_malformed", good_text[:50] + "_" + good_text[51:]),
        bad("base45_triplet_too_large", "code_malformed", good_text[:4] + ":::" + good_text[7:]),
        bad("cut_short", "code_malformed", good_text[:-3]),
        bad("too_long", "code_malformed", good_text + "000"),
        bad("web_address", "code_malformed", "https://example.com/p/1"),
        bad("format_2", "code_malformed", text(tail(signed(content(CODE, fmt=2)), NOW))),
        bad("unknown_flag", "code_malformed", text(tail(signed(content(CODE, more_flags=4)), NOW))),
        bad("last_byte_not_zero", "code_malformed", text(tail(signed(content(CODE, zero=1)), NOW))),
        bad("rotating_without_its_tail", "code_malformed", text(signed(content(CODE)))),
        bad("static_with_a_tail", "code_malformed", text(tail(signed(content(static)), NOW))),
        bad("serial_changed", "code_forged", text(bytes(flipped))),
        bad("signature_zero", "code_forged", text(content(static) + bytes(64))),
        bad("signed_without_the_context", "code_forged", text(signed(content(static), prefix=b""))),
        bad("signed_by_another_key", "code_forged", text(signed(content(static), key_id=3))),
        bad("key_id_unknown", "code_forged", text(signed(content(static | {"key_id": 9})))),
        bad("older_key_after_its_end", "code_forged", good("", key_id=1)["text"], datetime(2026, 12, 31, 16, tzinfo=UTC)),
        bad("tail_of_another_pass", "code_forged", text(tail(signed(content(CODE)), NOW, serial="f" * 16))),
        bad("tail_with_the_key_of_another_day", "code_forged", text(tail(signed(content(CODE)), NOW, day="2026-07-02"))),
        bad("tail_changed", "code_forged", text(whole[:-1] + bytes([whole[-1] ^ 1]))),
        bad("screenshot_of_a_minute_ago", "code_stale", text(tail(signed(content(CODE)), NOW - 2 * step))),
        bad("screenshot_of_yesterday", "code_stale", text(tail(signed(content(CODE)), NOW - timedelta(days=1)))),
        bad("clock_of_the_phone_two_steps_ahead", "code_stale", text(tail(signed(content(CODE)), NOW + 2 * step))),
        bad("last_step_there_is", "code_stale", text(tail(signed(content(CODE)), datetime.fromtimestamp(0, UTC) + (2**32 - 1) * step))),
    ]  # fmt: skip


def answers() -> list[dict[str, Any]]:
    """What a phone fetches, and the texts that it must make of it."""
    raw = signed(content(CODE))
    days = [(date(2026, 7, 1) + timedelta(days=n)).isoformat() for n in range(7)]
    midnight = datetime(2026, 7, 1, 16, tzinfo=UTC)
    moments = [
        NOW,
        NOW + timedelta(seconds=23),
        midnight - timedelta(seconds=1),
        midnight,
        NOW + timedelta(days=6),
    ]
    return [
        {
            "signed": base64.b64encode(raw).decode(),
            "day_keys": [
                {"day": day, "key": base64.b64encode(pass_day_key(day)).decode()} for day in days
            ],
            "moments": [{"at": at.isoformat(), "text": text(tail(raw, at))} for at in moments],
        }
    ]


def main() -> None:
    document = {
        "version": 2,
        "about": "Codes of format 1: text → content, or the reason why it is refused. The keys are for tests only.",
        "keys": {"signing": SIGNING, "master": MASTER.hex()},
        "vectors": vectors(),
        "answers": answers(),
        "superseded": superseded(),
    }
    file = Path(__file__).parent / "codes.json"
    file.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
