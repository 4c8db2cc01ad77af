"""`python -m scripts.gate`: what it says is in docs/gate-program.md."""

import argparse
import asyncio
import signal
import sys
from contextlib import suppress
from pathlib import Path

from scripts.gate.program import CannotStart, Flags, run

_DEFAULT_SERVER = "http://127.0.0.1:8000"


def main() -> None:
    """Run a gate until its input ends, somebody presses Ctrl-C, or it is told to end."""
    sys.stdin.reconfigure(errors="replace")  # type: ignore[union-attr] # a scanner may send any bytes
    try:
        asyncio.run(_until_told(_flags()))
    except CannotStart as error:
        sys.exit(str(error))


async def _until_told(flags: Flags) -> None:
    running = asyncio.current_task()
    assert running is not None  # noqa: S101 - it is this one
    for told in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(told, running.cancel)
    with suppress(asyncio.CancelledError):
        await run(flags)


def _flags() -> Flags:
    parser = argparse.ArgumentParser(
        prog="python -m scripts.gate",
        description="验票程序：断网时继续验票。A gate that goes on when its line is cut.",
    )
    parser.add_argument(
        "--server",
        type=_address,
        action="append",
        metavar="URL",
        help="服务器地址；可再给一个备用。Address of the server or of the hub of the spot; said"
        f" again, one to use when the first does not answer. ({_DEFAULT_SERVER})",
    )
    access = parser.add_mutually_exclusive_group()
    access.add_argument(
        "--setup-code", help="安装码，只需一次。Enrol with the code from `gates add`; once."
    )
    access.add_argument("--token", help="已有令牌。The token that an earlier enrolment printed.")
    parser.add_argument(
        "--journal",
        type=Path,
        default=Path("gate.db"),
        metavar="FILE",
        help="本地日志文件。What the gate keeps. (gate.db)",
    )
    parser.add_argument(
        "--read",
        metavar="SOURCE",
        help="读取来源。stdin, a file, or serial:/dev/ttyUSB0, with its speed after an @."
        " (stdin; of a hub nothing)",
    )
    parser.add_argument(
        "--purpose",
        choices=["enter", "leave", "pay"],
        default="enter",
        help="本通道用途。What visitors want here. (enter)",
    )
    parser.add_argument(
        "--json", action="store_true", help="每次扫码输出一行JSON。One JSON document a line."
    )
    parser.add_argument(
        "--hub",
        type=_listen,
        metavar="HOST:PORT",
        help="作为本景区的汇聚点。Be the hub of the gates of this spot, at this address.",
    )
    for verdict, zh in (("admitted", "放行"), ("refused", "拒绝")):
        parser.add_argument(
            f"--on-{verdict}",
            metavar="COMMAND",
            help=f"{zh}时运行的命令。Run for each that is {verdict}, such as a sound.",
        )
    said = parser.parse_args()
    read = said.read or (None if said.hub else "stdin")
    return Flags(
        servers=said.server or [_DEFAULT_SERVER],
        journal=said.journal,
        setup_code=said.setup_code,
        token=said.token,
        read=read,
        as_json=said.json,
        hub=said.hub,
        purpose=said.purpose,
        on_admitted=said.on_admitted,
        on_refused=said.on_refused,
    )


def _address(written: str) -> str:
    if not written.startswith(("http://", "https://")):
        raise argparse.ArgumentTypeError("an address begins with http:// or https://")
    return written


def _listen(written: str) -> tuple[str, int]:
    host, colon, port = written.rpartition(":")
    if not port.isascii() or not port.isdigit() or int(port) > 65535:
        raise argparse.ArgumentTypeError("write HOST:PORT, such as 127.0.0.1:8010, or the port")
    return (host.strip("[]") if colon and host else "127.0.0.1"), int(port)


if __name__ == "__main__":
    main()
