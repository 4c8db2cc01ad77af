"""Codes: the published vectors, and properties that hold for any code."""

from base64 import b64decode
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from base45 import b45decode
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from passes.base.calendar import business_day
from passes.codes.format import LONGEST_TEXT, PREFIX, Code, CodeError, read, rotate, sign, to_text
from passes.codes.keys import Keyring, SigningKey
from passes.codes.scanned import one_form
from passes.ledger.verdicts import Reason
from tests.support import build
from tests.support.vectors import read_vectors

VECTORS = read_vectors("codes")

codes = st.builds(
    Code,
    key_id=st.just(1),
    pass_id=st.integers(0, 2**64 - 1).map("{:016x}".format),
    product_number=st.integers(0, 2**16 - 1),
    first_day=st.dates(date(2020, 1, 1), date(2199, 6, 6)),
    last_day=st.dates(date(2020, 1, 1), date(2199, 6, 6)),
    party=st.integers(0, 255),
    rotating=st.booleans(),
    pay_at_window=st.booleans(),
)


def keyring(vectors: Mapping[str, Any]) -> Keyring:
    """The keys that the vectors were made with; never use them for anything else."""
    return Keyring(
        [
            SigningKey(
                key["id"],
                Ed25519PrivateKey.from_private_bytes(bytes.fromhex(key["private"])),
                date.fromisoformat(key["last_day"]),
            )
            for key in vectors["keys"]["signing"]
        ],
        bytes.fromhex(vectors["keys"]["master"]),
    )


def text_of(code: Code, at: datetime, keys: Keyring = build.KEYS) -> str:
    return to_text(rotated(sign(code, keys.newest()), code, at, keys))


def rotated(signed: bytes, code: Code, at: datetime, keys: Keyring) -> bytes:
    """The bytes of a code as it is shown: those of a printed one are shown as they are signed."""
    if not code.rotating:
        return signed
    return rotate(signed, keys.pass_day_key(business_day(at), code.pass_id), at)


@pytest.mark.parametrize("vector", VECTORS["vectors"], ids=lambda vector: vector["name"])
def test_vector(vector: Mapping[str, Any]) -> None:
    keys, now = keyring(VECTORS), datetime.fromisoformat(vector["now"])
    if "reason" in vector:
        with pytest.raises(CodeError) as refused:
            read(vector["text"], keys, now)
        assert refused.value.reason == vector["reason"]
        return
    assert read(vector["text"], keys, now) == code_of(vector)


def code_of(vector: Mapping[str, Any]) -> Code:
    """What the text of a vector says."""
    fields = dict(vector["code"])
    for name in ("first_day", "last_day"):
        fields[name] = date.fromisoformat(fields[name])
    return Code(**fields)


@pytest.mark.parametrize(
    "vector", [v for v in VECTORS["vectors"] if "code" in v], ids=lambda vector: vector["name"]
)
def test_writing_gives_the_text_of_the_vector(vector: Mapping[str, Any]) -> None:
    keys, now = keyring(VECTORS), datetime.fromisoformat(vector["step_at"])
    code = code_of(vector)
    signing = keys._signing[code.key_id]
    raw = rotated(sign(code, signing), code, now, keys)
    assert to_text(raw) == vector.get("shown", vector["text"].strip())


@pytest.mark.parametrize("answer", VECTORS["answers"])
def test_a_phone_makes_the_texts_of_the_vectors_from_what_it_fetched(
    answer: Mapping[str, Any],
) -> None:
    keys, signed = keyring(VECTORS), b64decode(answer["signed"])
    day_keys = {each["day"]: b64decode(each["key"]) for each in answer["day_keys"]}
    for moment in answer["moments"]:
        at = datetime.fromisoformat(moment["at"])
        text = to_text(rotate(signed, day_keys[business_day(at).isoformat()], at))
        assert text == moment["text"]
        assert read(text, keys, at).pass_id == "0123456789abcdef"


def test_there_are_enough_vectors_and_each_reason_is_among_them() -> None:
    reasons = {vector.get("reason", "ok") for vector in VECTORS["vectors"]}
    assert len(VECTORS["vectors"]) >= 20
    assert reasons == {"ok", "code_malformed", "code_forged", "code_stale"}


def test_a_rotating_code_is_as_long_as_the_design_says() -> None:
    text = text_of(build.code(), build.NOW)
    assert len(text) == 147
    assert len(text) == LONGEST_TEXT
    assert len(b45decode(text.removeprefix(PREFIX))) == 95


@given(codes, st.datetimes(datetime(2020, 1, 2), datetime(2199, 1, 1), timezones=st.just(UTC)))
def test_what_is_written_is_read(code: Code, at: datetime) -> None:
    assert read(text_of(code, at), build.KEYS, at) == code


@given(codes, st.data())
def test_a_changed_byte_never_reads_as_something_else(code: Code, data: st.DataObject) -> None:
    """Whatever one byte becomes, the code is refused: there is no second text for any code."""
    raw = bytearray(b45decode(text_of(code, build.NOW).removeprefix(PREFIX)))
    position = data.draw(st.integers(0, len(raw) - 1))
    raw[position] ^= data.draw(st.integers(1, 255))
    with pytest.raises(CodeError):
        read(to_text(bytes(raw)), build.KEYS, build.NOW)


@given(
    st.text(max_size=400)
    | st.text("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:", max_size=160).map("BP1:".__add__)
)
def test_any_text_is_refused_with_a_reason(text: str) -> None:
    with pytest.raises(CodeError) as refused:
        read(text, build.KEYS, build.NOW)
    as_long_as_a_code = len(one_form(text)) in {129, 147}
    if not as_long_as_a_code:
        assert refused.value.reason is Reason.CODE_MALFORMED


@pytest.mark.parametrize(
    ("seconds", "fresh"), [(-60, False), (-30, True), (0, True), (30, True), (60, False)]
)
def test_a_rotating_code_is_fresh_for_one_step_around_now(seconds: int, fresh: bool) -> None:
    text = text_of(build.code(), build.NOW)
    now = build.NOW + timedelta(seconds=seconds)
    if fresh:
        assert read(text, build.KEYS, now) == build.code()
    else:
        with pytest.raises(CodeError) as refused:
            read(text, build.KEYS, now)
        assert refused.value.reason is Reason.CODE_STALE
        assert refused.value.code == build.code()


def test_a_rotating_code_lives_through_midnight_in_sichuan() -> None:
    """The day key changes at 16:00 UTC; a code made a second before is good a second after."""
    midnight = datetime(2026, 7, 1, 16, 0, tzinfo=UTC)
    text = text_of(build.code(), midnight - timedelta(seconds=1))
    assert read(text, build.KEYS, midnight + timedelta(seconds=1)) == build.code()


def test_a_wider_tolerance_takes_an_older_code() -> None:
    text = text_of(build.code(), build.NOW)
    assert read(text, build.KEYS, build.NOW + timedelta(minutes=5), tolerance=10) == build.code()


@pytest.mark.parametrize(
    "change", [{"party": 256}, {"product_number": 65536}, {"first_day": date(2019, 12, 31)}]
)
def test_a_value_that_does_not_fit_cannot_be_written(change: dict[str, Any]) -> None:
    with pytest.raises(Exception, match=r"format|range"):
        build.code(**change).pack()


def test_reading_many_codes_stays_bounded_in_memory() -> None:
    keys = Keyring([build.KEYS.newest()], bytes(32))
    for day in range(1000):
        keys.day_key(build.TODAY + timedelta(days=day))
    assert len(keys._day_keys) <= 16
