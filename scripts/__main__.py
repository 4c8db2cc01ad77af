"""`python -m scripts NOUN VERB …`"""

import typer

from scripts import (
    admissions,
    cases,
    gates,
    holidays,
    keys,
    offers,
    passes,
    people,
    products,
    reports,
    spots,
    visitors,
)
from scripts.doctor import doctor

app = typer.Typer(
    help="The commands of Bashu Pass operators.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.add_typer(spots.app, name="spots")
app.add_typer(products.app, name="products")
app.add_typer(holidays.app, name="holidays")
app.add_typer(offers.app, name="offers")
app.add_typer(passes.app, name="passes")
app.add_typer(gates.app, name="gates")
app.add_typer(admissions.app, name="admissions")
app.add_typer(cases.app, name="cases")
app.add_typer(reports.app, name="reports")
app.add_typer(visitors.app, name="visitors")
app.add_typer(people.app, name="people")
app.add_typer(keys.app, name="keys")
app.command()(doctor)


@app.command()
def openapi() -> None:
    """Print the description of the API, which `docs/openapi.json` holds."""
    # No other command needs the handlers, which take a while to import.
    from handlers.api_docs.description import openapi_text  # noqa: PLC0415
    from handlers.api_docs.openapi import describe  # noqa: PLC0415
    from handlers.routes import ROUTES  # noqa: PLC0415

    print(openapi_text(describe(ROUTES)), end="")


if __name__ == "__main__":
    app(prog_name="python -m scripts")
