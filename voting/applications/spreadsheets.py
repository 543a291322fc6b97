"""Small tables that officials send and fetch: confirmations of many periods, requests for many residents."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from django.core.files.uploadedfile import UploadedFile
from django.http import HttpResponse
from django.utils.translation import gettext as _

from voting.applications.errors import ClaimFault, RequestInvalid
from voting.records.csvs import MARK, line
from voting.roll.errors import TableRefused
from voting.roll.tables import open_table

LARGEST_UPLOAD = 1024 * 1024
MOST_ROWS = 500
ZIP = b"PK"


def download(name: str, rows: Iterable[Sequence[str]]) -> HttpResponse:
    """A CSV file for a spreadsheet, in UTF-8 with a mark; no cell is a formula."""
    body = MARK + "".join(line(row) for row in rows)
    return HttpResponse(
        body,
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def read_rows(
    file: UploadedFile | None, columns: Mapping[str, str], needed: Iterable[str]
) -> list[tuple[int, dict[str, str]]]:
    """The rows of an uploaded CSV or Excel file: number of the line, and key → text.

    `columns`: key → label; a header may say either, other columns are passed over. `needed`: keys that must be there.

    Raises RequestInvalid naming the row or column.
    """
    if file is None:
        raise _refused("file", _("Choose a file."))
    if (file.size or 0) > LARGEST_UPLOAD:
        raise _refused("file", _("The file is larger than 1 MB."))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "table"
        path.write_bytes(_as_utf8(file.read()))
        try:
            with open_table(path) as table:
                places = _places(table.header, columns, needed)
                return _rows(table, places)
        except TableRefused as error:
            raise _refused(error.where or "file", str(error.message)) from None


def _as_utf8(data: bytes) -> bytes:
    """A CSV file that a Japanese Excel has saved, in UTF-8; anything else as it is, for `open_table` to judge.

    The header may be in ASCII and so does not tell the encoding, as that of a roll file does.
    """
    try:
        data.decode()
    except UnicodeDecodeError:
        with suppress(UnicodeDecodeError):
            return data if data.startswith(ZIP) else data.decode("cp932").encode()
    return data


def _places(header: Sequence[str], columns: Mapping[str, str], needed: Iterable[str]) -> dict[int, str]:
    keys = {label: key for key, label in columns.items()} | {key: key for key in columns}
    places: dict[int, str] = {}
    for at, name in enumerate(header):
        key = keys.get(name.strip())
        if key is None:
            continue
        if key in places.values():
            raise _refused(name.strip(), _("This column comes twice."))
        places[at] = key
    faults = [ClaimFault(columns[key], _("This column is missing.")) for key in needed if key not in places.values()]
    if faults:
        raise RequestInvalid(faults)
    return places


def _rows(table: Iterable[tuple[int, list[str]]], places: Mapping[int, str]) -> list[tuple[int, dict[str, str]]]:
    rows: list[tuple[int, dict[str, str]]] = []
    for number, cells in table:
        if len(rows) == MOST_ROWS:
            raise _refused(str(number), _("At most %(most)d rows at once.") % {"most": MOST_ROWS})
        rows.append((number, {key: cells[at].strip() if at < len(cells) else "" for at, key in places.items()}))
    return rows


def _refused(place: str, message: str) -> RequestInvalid:
    return RequestInvalid([ClaimFault(place, message)])
