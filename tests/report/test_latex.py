import re

import pytest

from muybridge.report.formats.latex import MARK, escaped, latex
from muybridge.report.formats.write import write_latex
from muybridge.report.tables.table import Cell, Column, Table, text

HOSTILE = r"50 % of a_b & {c} #1 $x$ ~ ^ \input{/etc/passwd} <d> | −3 ± 2"


def unescaped(words: str) -> str:
    """What LaTeX would set, by undoing each command."""
    for command, sign in (
        (r"\textbackslash{}", "\0"), (r"\textasciitilde{}", "~"), (r"\textasciicircum{}", "^"), (r"\textless{}", "<"),
        (r"\textgreater{}", ">"), (r"\textbar{}", "|"), (r"$-$", "−"), (r"$\pm$", "±"),
    ):  # fmt: skip
        words = words.replace(command, sign)
    return re.sub(r"\\([{}$&#_%])", r"\1", words).replace("\0", "\\")


def balanced(words: str) -> bool:
    """Whether unescaped braces match."""
    depth = 0
    for brace in re.findall(r"(?<!\\)[{}]", words):
        depth += 1 if brace == "{" else -1
        if depth < 0:
            return False
    return depth == 0


def test_every_special_letter_means_itself():
    assert unescaped(escaped(HOSTILE)) == HOSTILE
    assert balanced(escaped(HOSTILE))
    assert r"\input" not in escaped(HOSTILE)
    assert not re.search(r"(?<!\\)[%&#_]", escaped(HOSTILE))


@pytest.mark.parametrize("words", ["a\nb", "a\n\nb", "a \t b"])
def test_no_line_breaks(words: str):
    assert escaped(words) == "a b"


def table() -> Table:
    columns = [Column("arm"), Column("drawn", drawn=True), Column("accuracy, %", True)]
    rows = [
        [text(HOSTILE), Cell(""), Cell("71.2", small="68.0–74.1", mark="*")],
        [Cell("again", kind="repeat"), Cell(""), Cell("a_b", kind="code")],
    ]
    return Table("accuracy-x", HOSTILE, columns, rows, ["A note, 5 %."])


def test_a_table_is_booktabs_with_intervals():
    made = latex(table())
    assert balanced(made)
    assert made.count(r"\\" + "\n") == 3
    assert r"\begin{tabular}{lr}" in made
    assert [made.count(rule) for rule in (r"\toprule", r"\midrule", r"\bottomrule")] == [1, 1, 1]
    assert r"71.2$^{*}$ {\scriptsize 68.0--74.1}" in made
    assert r" & \texttt{a\_b} \\" in made
    assert r"\label{tab:accuracy-x}" in made
    assert r"\par\footnotesize A note, 5 \%." in made


def test_rows_have_as_many_cells_as_columns():
    body = latex(table()).split(r"\midrule")[1].split(r"\bottomrule")[0]
    for row in body.strip().split("\\\\\n"):
        assert len(re.findall(r"(?<!\\)&", row)) == 1


@pytest.mark.parametrize("words", ["[2em] x", "*", "*[3pt]", "[", "x [y]"])
def test_the_first_cell_is_no_option_of_the_line_before(words: str):
    columns = [Column("[head]"), Column("n")]
    lines = latex(
        Table("x", "", columns, [[text(words), text("1")], [text(words), text("2")]], [])
    ).splitlines()
    shown = [line for line in lines if line.endswith(r"\\")]
    assert len(shown) == 3
    assert not any(line.startswith(("[", "*")) for line in shown)
    assert all(escaped(words) in line for line in shown[1:])


def test_old_tables_go_and_files_of_others_stay(tmp_path):
    (tmp_path / "old.tex").write_text(MARK + "\nold")
    (tmp_path / "mine.tex").write_text("my own")
    write_latex(tmp_path, [table()])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["accuracy-x.tex", "mine.tex"]
