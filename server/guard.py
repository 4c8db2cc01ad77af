"""Guard: `python -m server.guard PROGRAM ARGUMENT…` runs a program while its input is open.

The pipe closes when the parent process ends, even by kill -9, so the program does not outlive it. A
program that does not stop when told to, or cannot be trusted to, is killed: at once, if the parent
writes `KILL`.
"""

import ctypes
import os
import signal
import subprocess
import sys
import threading

KILL = b"kill\n"

_STOP_SECONDS = 15
_PR_SET_PDEATHSIG = 1


def main(command: list[str]) -> int:
    """Run the command; returns its status as a shell does: 128 + the signal that killed it."""
    # Signals are for the parent, which closes the pipe when it wants the program to stop. A
    # handler, unlike SIG_IGN, is not inherited by the program.
    for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(name, lambda *_: None)
    program = subprocess.Popen(  # noqa: S603 - the caller's own command
        command,
        stdin=subprocess.DEVNULL,
        preexec_fn=_end_with_parent,  # noqa: PLW1509 - no other thread runs yet
    )
    threading.Thread(target=_stop_when_closed, args=(program,), daemon=True).start()
    status = program.wait()
    return status if status >= 0 else 128 - status


def _end_with_parent() -> None:
    """Ask Linux to kill the program should this guard be killed; other systems cannot be asked.

    To kill it is safe, for it is durable on commit, and leaves nothing in the way of the next
    start.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _stop_when_closed(program: "subprocess.Popen[bytes]") -> None:
    while said := os.read(0, 4096):  # not sys.stdin, whose lock a daemon thread would hold at exit
        if said == KILL:
            program.kill()
    program.terminate()
    try:
        program.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        program.kill()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
