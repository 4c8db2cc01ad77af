"""`doctor`: what needs a hand, and what ends soon."""

from dataclasses import asdict
from datetime import timedelta
from typing import Annotated

import typer

from scripts.common import AsJson, DataDir, refuse, show, show_rows
from server import doctor as examination
from server.clock import now
from server.errors import StartError
from server.findings import Finding, Level
from server.settings import load_settings

WithinOption = Annotated[
    int, typer.Option("--within", min=1, max=3660, help="Show what ends within so many days.")
]


WholeOption = Annotated[
    bool, typer.Option("--whole", help="All ledgers and counters, not a sample: takes minutes.")
]


def doctor(
    within: WithinOption = 30,
    whole: WholeOption = False,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Look at everything, and at what ends soon. Exit status 1: something needs a hand."""
    try:
        settings = load_settings(data_dir=data_dir)
    except StartError as error:
        refuse(str(error), as_json=as_json)
    findings = examination.run(settings, timedelta(days=within), now(), whole=whole)
    faults = [each for each in findings if each.level is Level.FAULT]
    if as_json:
        rows = [asdict(each) for each in findings]
        show({"healthy": not faults, "findings": rows}, as_json)
    else:
        show_rows([_row(each) for each in findings], as_json)
    if faults:
        raise typer.Exit(1)


def _row(finding: Finding) -> dict[str, object]:
    return {
        "level": finding.level,
        "check": finding.check,
        "what": finding.what,
        "ends": finding.ends_at,
        "do": finding.remedy,
    }
