"""`python -m scripts NOUN VERB …`"""

import sys
from collections.abc import Iterable
from importlib import import_module

import typer

from scripts.doctor import doctor

NOUNS = (
    *("spots", "products", "holidays", "offers", "passes"),
    *("gates", "admissions", "cases", "conflicts", "reports", "visitors", "companions", "people"),
    *("rights", "retention", "keys", "audit"),
)


def commands(nouns: Iterable[str] = NOUNS) -> typer.Typer:
    """The commands about these nouns, and those about none."""
    app = typer.Typer(
        help="The commands of Bashu Pass operators.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
    )
    for noun in nouns:
        app.add_typer(import_module(f"scripts.{noun}").app, name=noun)
    app.command()(doctor)
    app.command()(openapi)
    return app


def openapi() -> None:
    """Print the description of the API, which `docs/openapi.json` holds."""
    # No other command needs the handlers, which take a while to import.
    from handlers.api_docs.description import openapi_text  # noqa: PLC0415
    from handlers.api_docs.openapi import describe  # noqa: PLC0415
    from handlers.routes import ROUTES  # noqa: PLC0415

    print(openapi_text(describe(ROUTES)), end="")


if __name__ == "__main__":
    # What a command does not need takes longer to import than most commands take.
    asked_for = [noun for noun in NOUNS if noun in sys.argv[1:2]]
    commands(asked_for or NOUNS)(prog_name="python -m scripts")
