"""What staff see and hear: colours and big words on a terminal, lines elsewhere, or one JSON
document a line for the program of a turnstile. Decides nothing.
"""

import asyncio
import json
import shlex
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TextIO

from passes.base.text import Text
from scripts.gate.enrolment import Enrolment

_GREEN, _RED, _YELLOW, _PLAIN = "\033[1;97;42m", "\033[1;97;41m", "\033[1;30;43m", "\033[0m"
_OF_A_GATE = {"gate_id", "kind", "spot", "token_expires_at"}
_MOST_SOUNDS = 4
"""Commands that run at once. While so many do, a further one is left out, for nobody waits."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What came of a scan: the answer in the words of the API, and whether the server gave it."""

    answer: Mapping[str, Any]
    online: bool
    hint: Text | None = None
    """What is wrong with the scanner, if that can be told."""

    @property
    def opens(self) -> bool:
        """Whether the door opens."""
        return bool(self.answer["verdict"] == "admitted")

    @property
    def is_repeat(self) -> bool:
        """Whether it is a second reading of what was let in: nobody is alarmed."""
        return bool(self.answer["reason"] == "repeat")


@dataclass(frozen=True, slots=True)
class NotDecided:
    """A scan without a verdict: nothing opens. `code` is stable, None if there was no answer."""

    code: str | None
    why: str


@dataclass(frozen=True, slots=True)
class Annulled:
    """An admission that was taken back."""

    answer: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class LetIn:
    """People whom staff have let in; `case` is None until it is uploaded."""

    answer: Mapping[str, Any]


Came = Shown | NotDecided | Annulled | LetIn
"""What came of a line."""


class Screen:
    """Writes to standard output, and what is for people beside JSON to standard error."""

    def __init__(self, *, as_json: bool, out: TextIO = sys.stdout) -> None:
        """Colours where `out` is a terminal."""
        self._as_json = as_json
        self._out = out
        self._on_terminal = out.isatty() and not as_json

    def came(self, came: Came) -> None:
        """Show what came of a line."""
        if self._as_json:
            self._write(json.dumps(_document(came), ensure_ascii=False))
        elif isinstance(came, Annulled | LetIn):
            self._write(_line(came))
        elif self._on_terminal:
            self._write(_block(came, shutil.get_terminal_size().columns))
        else:
            self._write(_line(came))

    def enrolled(self, gate: Enrolment, token: str | None = None) -> None:
        """Show which gate this is; the token once, when it has just been given."""
        if self._as_json:
            shown = {name: value for name, value in gate.kept().items() if name in _OF_A_GATE}
            self._write(json.dumps({"event": "enrolled", **shown}, ensure_ascii=False))
        else:
            line = f"{gate.gate_id} at {gate.spot['name']['zh']}"
            self._write(line if token is None else f"{line}, token {token}")

    def state(self, event: str, words: Text, **more: Any) -> None:
        """Tell a change of state, such as `offline`."""
        if self._as_json:
            message = {"zh": words.zh, "en": words.en}
            told = {"event": event, "message": message, **more}
            self._write(json.dumps(told, ensure_ascii=False))
        elif self._on_terminal:
            self._write(f"{_YELLOW} {words.zh} {_PLAIN}\n  {words.en}")
        else:
            print(f"{event.upper()}: {words.zh} / {words.en}", file=sys.stderr, flush=True)

    def _write(self, text: str) -> None:
        print(text, file=self._out, flush=True)


class Sounds:
    """Runs a command for each verdict, such as one that plays a sound or opens a door; nobody waits
    for it."""

    def __init__(self, on_admitted: str | None, on_refused: str | None) -> None:
        """The commands, in words as a shell divides them; None for none."""
        self._commands = {True: on_admitted, False: on_refused}
        self._running: set[asyncio.Task[None]] = set()

    def came(self, came: Came) -> None:
        """Begin the command for what came of a scan; a repeat makes no sound."""
        if isinstance(came, Annulled | LetIn) or (isinstance(came, Shown) and came.is_repeat):
            return
        command = self._commands[isinstance(came, Shown) and came.opens]
        if command is None or len(self._running) >= _MOST_SOUNDS:
            return
        running = asyncio.create_task(_run(shlex.split(command)))
        self._running.add(running)
        running.add_done_callback(self._running.discard)

    async def end(self, seconds: float) -> None:
        """Wait for those that still run, and end what takes longer."""
        if self._running:
            await asyncio.wait(self._running, timeout=seconds)
        for running in self._running:
            running.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)


async def _run(words: list[str]) -> None:
    nothing = asyncio.subprocess.DEVNULL
    try:
        process = await asyncio.create_subprocess_exec(
            *words, stdin=nothing, stdout=nothing, stderr=nothing
        )
    except OSError as error:
        print(f"{words[0]} does not run: {error.strerror}", file=sys.stderr, flush=True)
        return
    try:
        await process.wait()
    finally:
        if process.returncode is None:
            process.terminate()


def _document(came: Came) -> dict[str, Any]:
    if isinstance(came, Annulled):
        return {"event": "annulled", **came.answer}
    if isinstance(came, LetIn):
        return {"event": "let_in", **came.answer}
    if isinstance(came, NotDecided):
        return {"event": "scan", "verdict": None, "reason": came.code, "why": came.why}
    hint = None if came.hint is None else {"zh": came.hint.zh, "en": came.hint.en}
    return {"event": "scan", **came.answer, "online": came.online, "hint": hint}


def _decided(answer: Mapping[str, Any]) -> str:
    """The verdict in a word or two, which programs look for."""
    if answer["verdict"] == "refused":
        return f"REFUSED {answer['reason']}"
    decided = f"{answer['verdict'].upper()} {answer['admits'] or answer['pays']}"
    return f"{decided}, check the card" if answer["check_identity"] else decided


def _line(came: Came) -> str:
    """A verdict as gate staff read it."""
    if isinstance(came, Annulled):
        return f"ANNULLED {came.answer['nonce']}"
    if isinstance(came, LetIn):
        return f"LET IN {came.answer['people']}, case {came.answer['case'] or 'follows'}"
    if isinstance(came, NotDecided):
        return (
            f"NO ANSWER: {came.why}"
            if came.code is None
            else f"NOT SCANNED {came.code}: {came.why}"
        )
    message = came.answer["message"]
    line = f"{_decided(came.answer)}: {message['zh']} / {message['en']}"
    if came.answer["pass"] and came.answer["pass"]["holder_mask"]:
        line += f" [{came.answer['pass']['holder_mask']}]"
    if not came.online:
        line += " (offline)"
    if came.hint is not None:
        line += f"\n  {came.hint.zh} / {came.hint.en}"
    return line


def _block(came: Shown | NotDecided, columns: int) -> str:
    """The same, to be seen from afar."""
    if isinstance(came, NotDecided):
        colour, head, lines = _RED, "未能处理 NOT DECIDED", [_line(came)]
    else:
        colour, head = _head(came)
        lines = [came.answer["speak"], *_line(came).split("\n")]
    bar = colour + " " * columns + _PLAIN
    words = [f"{colour}  {each}{_PLAIN}" for each in (head, *lines)]
    return "\n".join([bar, *words, bar])


def _head(came: Shown) -> tuple[str, str]:
    if came.opens:
        return _GREEN, f"✔ 放行 {came.answer['admits']} 人  WELCOME"
    if came.is_repeat:
        return _GREEN, "已放行  ALREADY LET IN"
    if came.answer["verdict"] == "paid":
        return _YELLOW, "已收款，请到闸机入园  PAID, DOOR STAYS CLOSED"
    return _RED, "✘ 不能入园  REFUSED"
