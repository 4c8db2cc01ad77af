"""Why a process cannot start, in words for whoever started it."""


class StartError(Exception):
    """The process cannot start; the message says what to mend. `run.py` and the scripts print it
    and exit 1."""


class DatabaseEnded(Exception):
    """The embedded database has ended by itself, and the process with it."""
