"""Lines from a scanner: typed into standard input as by a keyboard, from a file, or from a serial
device. Needs nothing but the standard library.

A line ends with CR, LF or both. Bytes come in pieces of any size; none is lost. Over a serial line,
where a text comes in one go, a pause ends it, too: the scanner need not send Enter. Knows nothing
of what a line says.
"""

import asyncio
import os
import sys
import termios
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from pathlib import Path
from select import select

from passes.base.unreadable import system_words

LONGEST_LINE = 4096
"""In bytes; what is longer is no code, and its end is dropped."""

_PIECE = 4096
_MOST_WAITING = 1000
"""Lines that are read ahead of the scans: a file may hold more than memory should."""

_SERIAL = "serial:"
_SPEEDS = {
    speed: getattr(termios, f"B{speed}")
    for speed in (1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200)
}


class NoReader(Exception):
    """There is no such file or device, or it cannot be read."""


class Lines:
    """Makes lines of pieces."""

    def __init__(self) -> None:
        """Nothing has been read."""
        self._line = bytearray()
        self._after_cr = False

    def feed(self, piece: bytes) -> list[str]:
        """The lines that a piece completes, without empty ones."""
        lines = []
        for byte in piece:
            ends = byte in b"\r\n"
            second_half = byte == 0x0A and self._after_cr
            self._after_cr = byte == 0x0D
            if ends and not second_half:
                lines += self.end()
            elif not ends and len(self._line) <= LONGEST_LINE:
                self._line.append(byte)
        return lines

    def end(self) -> list[str]:
        """What stands there without an end, as one line; nothing if that is blank."""
        text = self._line.decode(errors="replace").strip(" ")
        self._line.clear()
        return [text] if text else []


_PAUSE_SECONDS = 0.5


def lines_of(source: str) -> AsyncIterator[str]:
    """The lines of `stdin`, of a file, or of `serial:DEVICE` with its speed after an @, until it
    ends. Raises `NoReader`, also while it is read."""
    return _read(_opened(source), source)


async def _read(descriptor: int, source: str) -> AsyncIterator[str]:
    waiting: asyncio.Queue[str | NoReader | None] = asyncio.Queue()
    room = threading.Semaphore(_MOST_WAITING)
    loop = asyncio.get_running_loop()

    def give(each: str | NoReader | None) -> None:
        room.acquire()
        with suppress(RuntimeError):  # the program has ended
            loop.call_soon_threadsafe(waiting.put_nowait, each)

    def read() -> None:
        lines = Lines()
        try:
            for piece in _pieces(descriptor, source):
                for line in lines.feed(piece) if piece is not None else lines.end():
                    give(line)
        except OSError as error:
            give(NoReader(f"{source} cannot be read any more: {system_words(error)}"))
        for line in lines.end():
            give(line)
        give(None)

    # A thread, because no loop can wait for a file; a daemon, because nothing can wake it.
    threading.Thread(target=read, name="reader", daemon=True).start()
    while (line := await waiting.get()) is not None:
        room.release()
        if isinstance(line, NoReader):
            raise line
        yield line


def _pieces(descriptor: int, source: str) -> Iterator[bytes | None]:
    """What is read, until it ends; None for a pause on a serial line. Raises `OSError`."""
    while True:
        if source.startswith(_SERIAL) and not select([descriptor], [], [], _PAUSE_SECONDS)[0]:
            yield None
            continue
        piece = os.read(descriptor, _PIECE)
        if not piece:
            return
        yield piece


def _opened(source: str) -> int:
    """A descriptor to read from. Raises `NoReader`."""
    if source in {"stdin", "-"}:
        return sys.stdin.fileno()
    device, _, speed = source.removeprefix(_SERIAL).partition("@")
    try:
        if not source.startswith(_SERIAL):
            return os.open(source, os.O_RDONLY)
        descriptor = os.open(device, os.O_RDONLY | os.O_NOCTTY)
        _set_up(descriptor, int(speed or 9600))
    except OSError as error:
        raise NoReader(f"{source} cannot be opened: {system_words(error)}") from None
    except (ValueError, KeyError):
        raise NoReader(f"{source}: the speed is one of {', '.join(map(str, _SPEEDS))}") from None
    except termios.error as error:
        raise NoReader(f"{device} is no serial device: {error.args[-1]}") from None
    return descriptor


def _set_up(descriptor: int, speed: int) -> None:
    """8 data bits, no parity, one stop bit, and every byte as it comes."""
    _in, _out, control, _local, _ispeed, _ospeed, characters = termios.tcgetattr(descriptor)
    control &= ~(termios.PARENB | termios.CSTOPB | termios.CSIZE | termios.CRTSCTS)
    control |= termios.CS8 | termios.CREAD | termios.CLOCAL
    characters[termios.VMIN], characters[termios.VTIME] = 1, 0
    rate = _SPEEDS[speed]
    new = [0, 0, control, 0, rate, rate, characters]
    termios.tcsetattr(descriptor, termios.TCSANOW, new)


def is_device(source: str) -> bool:
    """Whether what is read goes on for ever, so that its end is a fault."""
    return source.startswith(_SERIAL) or Path(source).is_char_device()
