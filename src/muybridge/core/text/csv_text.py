"""Tables as CSV: those for people, whose cells a spreadsheet shows and never computes, and lists of videos, which are read again."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence

FORMULA = ("=", "+", "-", "@", "\t", "\n", "\N{FULLWIDTH EQUALS SIGN}", "\N{FULLWIDTH PLUS SIGN}", "\N{FULLWIDTH HYPHEN-MINUS}",
           "\N{FULLWIDTH COMMERCIAL AT}")  # fmt: skip
"""What makes a spreadsheet take a cell for a formula, which may call programs (OWASP, CSV injection)."""


def csv_text(columns: Sequence[str], rows: Iterable[Mapping[str, object]]) -> str:
    """A head and rows; words that would be formulas get an apostrophe in front, numbers stay."""
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writerow({column: neutral(column) for column in columns})
    writer.writerows({column: neutral(value) for column, value in row.items()} for row in rows)
    return text.getvalue()


def list_text(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A head and rows as they are: paths and labels of a list must be found again, so nothing stands in front of them."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return text.getvalue()


def neutral(value: object) -> object:
    """A value that no spreadsheet computes; a lone carriage return, which the writer would not quote, is a line break."""
    if isinstance(value, str):
        value = value.replace("\r\n", "\n").replace("\r", "\n")
    if not isinstance(value, str) or not value.lstrip(" ").startswith(FORMULA):
        return value
    try:
        float(value)
    except ValueError:
        return f"'{value}"
    return value


def as_written(value: str) -> str:
    """What ``neutral`` made a cell of, for tables of ours that are read again."""
    return value[1:] if value.startswith("'") and neutral(value[1:]) == value else value
