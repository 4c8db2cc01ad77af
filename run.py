"""Start Bashu Pass.

`python run.py [--host 127.0.0.1] [--port 8000] [--data-dir var] [--workers 1] [--no-examples]`
"""

import argparse
import sys
from pathlib import Path

from server.errors import DatabaseEnded, StartError
from server.main import run
from server.settings import load_settings


def main() -> int:
    """Read flags and settings, serve; the exit status is 1 if the process could not start or go
    on."""
    parser = argparse.ArgumentParser(
        description="Serve Bashu Pass.", epilog="All other settings: BASHU_* (README.md)."
    )
    parser.add_argument("--host", help="address to listen on (127.0.0.1)")
    parser.add_argument("--port", type=int, help="port to listen on, 0 picks a free one (8000)")
    parser.add_argument("--workers", type=int, help="how many processes serve (1)")
    parser.add_argument(
        "--data-dir", type=Path, help="where keys and the embedded database live (var)"
    )
    parser.add_argument(
        "--examples",
        action=argparse.BooleanOptionalAction,
        help="publish example products and offers in a new database (the embedded one: yes)",
    )
    try:
        run(load_settings(**vars(parser.parse_args())))
    except StartError as error:
        print(f"cannot start: {error}", file=sys.stderr)
        return 1
    except DatabaseEnded as error:
        print(f"stopped: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
