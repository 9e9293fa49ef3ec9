"""Tables as LaTeX (booktabs): every word escaped, intervals in small type, notes below."""

import re
from collections.abc import Iterable

from muybridge.report.tables.table import Cell, Table, capital

MARK = "% Made by Muybridge; needs \\usepackage{booktabs}"
ESCAPED = str.maketrans(
    {
        "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "_": r"\_", "%": r"\%",
        "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}", ">": r"\textgreater{}",
        "|": r"\textbar{}", '"': r"\textquotedbl{}", "\N{MINUS SIGN}": r"$-$", "\N{PLUS-MINUS SIGN}": r"$\pm$",
        "\N{MULTIPLICATION SIGN}": r"$\times$", "\N{MIDDLE DOT}": r"$\cdot$", "\N{EN DASH}": "--",
        "\N{RIGHTWARDS ARROW}": r"$\rightarrow$", "\N{NO-BREAK SPACE}": "~", "\N{NARROW NO-BREAK SPACE}": r"\,",
        "\N{NON-BREAKING HYPHEN}": "-", "\N{RIGHT SINGLE QUOTATION MARK}": "'",
    }
    | {raised: f"$^{{{plain}}}$" for raised, plain in zip("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789", strict=True)}
)  # fmt: skip


HASHES = re.compile(r"[0-9a-f]{6,64}( [0-9a-f]{6,64})*")
"""Names of runs, protocols and data, of which columns are left out: they mean nothing on paper."""
PROTOCOL = re.compile(r",? protocol [0-9a-f]{6}\b")
CHECKSUM = re.compile(r"\b[0-9a-f]{16,64}\b")
"""In a note, which is left out for the same reason."""


def latex(table: Table) -> str:
    r"""A ``table`` environment with ``tabular``, a caption that stands alone and a label; needs ``\usepackage{booktabs}``. No hashes."""
    kept = [
        index for index, column in enumerate(table.columns) if not column.drawn and not _hashes(table, index)
    ]
    columns = [table.columns[index] for index in kept]
    lines = [
        MARK,
        r"\begin{table}",
        r"\centering",
        rf"\caption{{{escaped(_caption(table))}}}",
        rf"\label{{tab:{table.slug}}}",
        rf"\begin{{tabular}}{{{''.join('r' if column.numeric else 'l' for column in columns)}}}",
        r"\toprule",
        _line(escaped(column.name) for column in columns),
        r"\midrule",
        *(_line(_cell(row[index]) for index in kept) for row in table.rows),
        r"\bottomrule",
        r"\end{tabular}",
        *(rf"\par\footnotesize {escaped(note)}" for note in table.notes if not CHECKSUM.search(note)),
        r"\end{table}",
    ]
    return "\n".join(lines) + "\n"


def _caption(table: Table) -> str:
    words = PROTOCOL.sub("", table.caption)
    return f"{capital(words).rstrip('.')}. {table.legend}" if table.legend else words


def _hashes(table: Table, index: int) -> bool:
    """Whether a column names runs, protocols or data by their hashes."""
    code = [row[index].text for row in table.rows if row[index].kind == "code"]
    return any(HASHES.fullmatch(words) for words in code)


def _line(cells: Iterable[str]) -> str:
    r"""A row. Behind the ``\\`` of the row before, ``[`` and ``*`` would be its options and not the first letter of a cell."""
    line = " & ".join(cells) + r" \\"
    return "{}" + line if line.startswith(("[", "*")) else line


def escaped(words: str) -> str:
    """Words that mean themselves in LaTeX, on one line."""
    return " ".join(words.translate(ESCAPED).split())


def _cell(cell: Cell) -> str:
    if cell.kind == "repeat":
        return ""
    words = escaped(cell.text)
    shown = rf"\texttt{{{words}}}" if cell.kind in ("code", "command") and words else words
    mark = rf"$^{{{cell.mark}}}$" if cell.mark else ""
    small = rf" {{\scriptsize {escaped(cell.small)}}}" if cell.small else ""
    return f"{shown}{mark}{small}".strip()
