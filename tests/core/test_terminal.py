"""Tables on a terminal: never wider than it, never empty, the most telling columns last to go."""

from hypothesis import given
from hypothesis import strategies as st

from muybridge.core.text.terminal import Column, lines

COLUMNS = [
    Column("run", ["3a8510", "46e154"], 0),
    Column("data", ["builtin-motions", "builtin-objects"], 2, least=8),
    Column("fold", ["", ""], 1),
    Column("accuracy", ["39.9 %", ""], 1, right=True),
]


def test_everything_where_there_is_room():
    assert lines(COLUMNS, None) == [
        "run     data             accuracy",
        "3a8510  builtin-motions    39.9 %",
        "46e154  builtin-objects",
    ]


def test_long_words_are_cut_before_columns_go():
    assert lines(COLUMNS, 28) == [
        "run     data        accuracy",
        "3a8510  builtin-m…    39.9 %",
        "46e154  builtin-o…",
    ]
    assert lines(COLUMNS, 20) == ["run     accuracy", "3a8510    39.9 %", "46e154"]


@given(
    st.lists(
        st.tuples(st.lists(st.text("ab c", max_size=40), min_size=2, max_size=2), st.booleans()),
        min_size=1,
        max_size=9,
    ),
    st.integers(20, 130),
)
def test_no_line_is_wider_than_the_terminal(cells: list[tuple[list[str], bool]], width: int):
    columns = [Column(f"head{rank}", words, rank, right, 10) for rank, (words, right) in enumerate(cells)]
    shown = lines(columns, width)
    kept = [column for column in columns if any(column.cells)]
    if (
        not kept or not kept[0].right or kept[0].width <= width
    ):  # the first one stays, and numbers are not cut
        assert all(len(line) <= width for line in shown)
    assert len(shown) == (3 if kept else 0)
    if kept:
        assert kept[0].head in shown[0]
