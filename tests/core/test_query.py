"""Questions to rows: against what a reader would do by hand."""

import pytest

from muybridge.core.errors import UsageError
from muybridge.runs.query import chosen, dependents, find, ordered
from muybridge.runs.run_row import RunRow


def row(stage: str, signature: str, seed: int = 0, accuracy: float | None = None, **more) -> RunRow:
    numbers = {} if accuracy is None else {"accuracy": accuracy}
    facets = {"arm": more.pop("arm", "vcop"), "seed": seed, "backbone": "r2plus1d-tiny", "fold": None}
    config = {"lr": 0.001, "augment": ["crop", "flip"], "resume": True, "seed": seed}
    return RunRow(
        stage, signature, more.pop("status", "done"), facets=facets, config=config, numbers=numbers, **more
    )


ROWS = [
    row("probe", "abc1", 0, 0.25),
    row("probe", "abc2", 1, 0.75, arm="rotnet"),
    row("finetune", "abd3", 10, 0.5),
    row("pretrain", "ffff", 2, inputs={}),
    row("finetune", "eeee", 9, status="failed", inputs={"init": "pretrain/ffff"}),
]


def names(rows: list[RunRow]) -> list[str]:
    return [one.signature for one in rows]


@pytest.mark.parametrize(
    ("stage", "where", "expected"),
    [
        (None, [], ["abc1", "abc2", "abd3", "ffff", "eeee"]),
        ("probe", [], ["abc1", "abc2"]),
        (None, ["arm=rotnet"], ["abc2"]),
        (None, ["arm!=rotnet"], ["abc1", "abd3", "ffff", "eeee"]),
        (None, ["accuracy>0.25"], ["abc2", "abd3"]),
        (None, ["accuracy>=0.25", "accuracy<0.75"], ["abc1", "abd3"]),
        (None, ["seed=1"], ["abc2"]),
        (None, ["seed=1.0"], ["abc2"]),
        (None, ["lr=1e-3", "seed<=1"], ["abc1", "abc2"]),
        (None, ["status=failed"], ["eeee"]),
        (None, ["augment=flip", "seed=2"], ["ffff"]),
        (None, ["augment=crop flip", "seed=2"], ["ffff"]),
        (None, ["resume=true", "fold=none", "seed=2"], ["ffff"]),
        ("probe", ["arm=VCOP"], ["abc1"]),
    ],
)
def test_conditions(stage: str | None, where: list[str], expected: list[str]):
    assert names(chosen(ROWS, stage, where)) == expected


@pytest.mark.parametrize(
    ("stage", "where", "words"),
    [
        ("prob", [], "Did you mean 'probe'"),
        (None, ["backbon=x"], "Did you mean 'backbone'"),
        (None, ["backbone=r2plus1d-tyni"], "Did you mean 'r2plus1d-tiny'"),
        (None, ["arm"], "wanted NAME=VALUE"),
        (None, ["accuracy>much"], "no number"),
    ],
)
def test_wrong_conditions_say_the_nearest(stage: str | None, where: list[str], words: str):
    with pytest.raises(UsageError, match=words):
        chosen(ROWS, stage, where)


def test_a_folder_without_runs_has_none_of_any_kind():
    assert chosen([], "probe", ["arm=vcop"]) == []


@pytest.mark.parametrize(
    ("by", "reverse", "expected"),
    [
        ("accuracy", False, ["abc2", "abd3", "abc1", "ffff", "eeee"]),
        ("accuracy", True, ["abc1", "abd3", "abc2", "ffff", "eeee"]),
        ("seed", False, ["abc1", "abc2", "ffff", "eeee", "abd3"]),
        ("signature", True, ["ffff", "eeee", "abd3", "abc2", "abc1"]),
        (None, False, ["ffff", "abc2", "abc1", "eeee", "abd3"]),
    ],
)
def test_order(by: str | None, reverse: bool, expected: list[str]):
    assert names(ordered(ROWS, by, reverse)) == expected


def test_order_by_what_nobody_says():
    with pytest.raises(UsageError, match="Did you mean 'accuracy'"):
        ordered(ROWS, "acuracy")


@pytest.mark.parametrize(
    "words", ["ff", "ffff", "pretrain/ff", "some/folder/runs/pretrain/ffff", "pretrain/ffff/"]
)
def test_the_first_letters_name_a_run(words: str):
    assert find(ROWS, words).signature == "ffff"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("abc", "2 runs begin like that: probe/abc1, probe/abc2"),
        ("ab", "3 runs"),
        ("probe/ff", "no run"),
        ("fffe", "Did you mean 'ffff'"),
        ("", "no run"),
        ("probe/", "no run"),
    ],
)
def test_letters_that_name_none_or_several(words: str, said: str):
    with pytest.raises(UsageError, match=said):
        find(ROWS, words)


def test_dependents():
    assert names(dependents(ROWS, ROWS[3])) == ["eeee"]
    assert dependents(ROWS, ROWS[0]) == []


def test_frames_of_a_clip_are_not_those_that_a_run_worked_through():
    spent = {"frames": 4096, "seconds": 2.5, "clips": 512}
    one = RunRow("probe", "a", "done", config={"frames": 8}, budget=spent)
    other = RunRow("zeroshot", "b", "done", config={}, budget=spent)
    assert names(chosen([one, other], None, ["frames=8"])) == ["a"]
    assert names(chosen([one, other], None, ["spent-frames>4000", "seconds=2.5"])) == ["a", "b"]
    assert one.flat()["spent_frames"] == other.flat()["spent_frames"] == 4096
