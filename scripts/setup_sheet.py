"""The sheet of setup codes: one printed page for whoever sets gates up at a spot."""

import os
from collections.abc import Sequence
from pathlib import Path

from passes.admission.gate_keeping import NewGate
from passes.base.calendar import SHANGHAI
from passes.files.tables import new_workbook

_HEADINGS = (
    "安装码 Setup code",
    "闸机 Gate",
    "名称 Name",
    "类型 Kind",
    "景区 Spot",
    "有效期至 Good until",
)
_A4 = 9
"""As spreadsheets number it."""


def reserve_sheet(file: Path) -> None:
    """Make the file, empty and for its owner alone, before there are codes that could be lost.

    Raises `OSError`, also if it is there: it may hold codes of other gates.
    """
    os.close(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))


def write_setup_sheet(new: Sequence[NewGate], file: Path) -> None:
    """Write the setup codes of gates for printing. Raises `OSError`."""
    with new_workbook(file) as book:
        sheet = book.add_worksheet("安装码")
        code = book.add_format({"font_name": "Consolas", "font_size": 16, "border": 1})
        plain = book.add_format({"border": 1, "valign": "vcenter"})
        sheet.write_row(0, 0, _HEADINGS, book.add_format({"bold": True, "border": 1}))
        for n, each in enumerate(new, start=1):
            gate, until = each.gate, each.expires_at.astimezone(SHANGHAI)
            sheet.set_row(n, 30)
            sheet.write_string(n, 0, each.setup_code, code)
            told = (
                gate.id,
                gate.name,
                gate.kind.value,
                gate.spot_id,
                f"{until:%Y-%m-%d %H:%M}",
            )
            sheet.write_row(n, 1, told, plain)
        sheet.autofit()
        sheet.repeat_rows(0)
        sheet.set_landscape()
        sheet.set_paper(_A4)
        sheet.fit_to_pages(1, 0)
