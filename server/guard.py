"""`python -m server.guard PROGRAM ARGUMENT…` runs a program for as long as its own standard input stays open.

The pipe closes when the parent process ends, even by kill -9, so the program does not outlive it.
"""

import ctypes
import os
import signal
import subprocess
import sys
import threading

_STOP_SECONDS = 15
_PR_SET_PDEATHSIG = 1


def main(command: list[str]) -> int:
    """Run the command; returns its exit status."""
    # Signals are for the parent, which closes the pipe when it wants the program to stop. A handler, unlike
    # SIG_IGN, is not inherited by the program.
    for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(name, lambda *_: None)
    program = subprocess.Popen(  # noqa: S603 - the caller's own command
        command,
        stdin=subprocess.DEVNULL,
        preexec_fn=_end_with_parent,  # noqa: PLW1509 - no other thread runs yet
    )
    threading.Thread(target=_stop_when_closed, args=(program,), daemon=True).start()
    return program.wait()


def _end_with_parent() -> None:
    """Ask Linux to stop the program should this guard be killed; other systems have no such request."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def _stop_when_closed(program: "subprocess.Popen[bytes]") -> None:
    while os.read(0, 4096):  # not sys.stdin, whose lock a daemon thread would hold at exit
        pass
    program.terminate()
    try:
        program.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        program.kill()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
