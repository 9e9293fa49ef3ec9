"""Study files: what they say is what is planned; what is wrong with one is said with its place and the nearest known word."""

from pathlib import Path
from textwrap import dedent

import pytest

from muybridge.core.errors import UsageError
from muybridge.studies.files.find import find, make_plan

YAML = """
title: Rates
factors:
  objective: [rotnet, vcop]
  seed: [0, 1]
  finetune.epochs: [1, 2]
common: {data: VIDEOS, frames: 4, stride: 1, size: 20, crop: 16, batch: 6}
cells:
  - pretrain: {budget: 24}
  - probe: {init: [pretrain, random]}
  - finetune: {init: pretrain}
  - robustness: {model: [finetune, probe], types: [jumbling], severities: [1]}
exclude:
  - {objective: vcop, seed: 1}
"""
PYTHON = """
from dataclasses import dataclass
from muybridge.config.stage_configs import PretrainConfig, ProbeConfig
from muybridge.studies.study_configs import StudyConfig

TITLE = "Mine"


@dataclass(frozen=True, kw_only=True)
class Config(StudyConfig):
    data: tuple[str, ...] = ("VIDEOS",)
    tasks: tuple[str, ...] = ("rotnet", "vcop")


def cells(config):
    for task in config.tasks:
        common = dict(data=config.data, out=config.out, frames=4, stride=1, size=20, crop=16, batch=6)
        init = yield PretrainConfig(**common, objective=task, budget=24)
        yield ProbeConfig(**common, init=init)
"""


@pytest.fixture
def write(tmp_path, videos):
    def make(text, name="study.yaml"):
        path = tmp_path / name
        path.write_text(dedent(text).replace("VIDEOS", str(videos)))
        return path

    return make


def planned(path, out):
    recipe = find(str(path))
    return make_plan(recipe, recipe.config(out=out))


def test_a_yaml_file_is_the_product_of_its_factors(write, tmp_path):
    cells = planned(write(YAML), tmp_path / "out")
    by_stage = {
        stage: [c for c in cells if c.job.stage == stage]
        for stage in ("pretrain", "probe", "finetune", "robustness")
    }
    pairs = {("rotnet", 0), ("rotnet", 1), ("vcop", 0)}
    assert {(c.job.config.objective, c.job.config.seed) for c in by_stage["pretrain"]} == pairs
    assert {(c.job.facets["arm"], c.job.config.seed) for c in by_stage["probe"]} == pairs | {
        ("random", 0),
        ("random", 1),
    }
    assert sorted(c.job.config.epochs for c in by_stage["finetune"]) == [1, 1, 1, 2, 2, 2]
    assert len(by_stage["robustness"]) == len(by_stage["finetune"]) + len(by_stage["probe"])
    assert len(cells) == 3 + 5 + 6 + 11


def test_inputs_may_stand_behind_what_needs_them(write, tmp_path):
    first, second = (planned(write(text), tmp_path / "out") for text in (YAML, reorder(YAML)))
    assert {c.job.signature for c in first} == {c.job.signature for c in second}


def reorder(text):
    """The entries of ``cells`` in reverse."""
    head, _, rest = text.partition("cells:\n")
    entries, _, tail = rest.partition("exclude:")
    return head + "cells:\n" + "\n".join(reversed(entries.strip("\n").split("\n"))) + "\nexclude:" + tail


def test_what_a_cell_says_itself_wins_over_a_factor_of_the_same_name(write, tmp_path):
    text = YAML.replace("{init: pretrain}", "{init: pretrain, seed: 7}").replace(
        "  finetune.epochs: [1, 2]\n", ""
    )
    cells = planned(write(text), tmp_path / "out")
    assert {c.job.config.seed for c in cells if c.job.stage == "finetune"} == {7}


WRONG = {
    "a key": (("title:", "titel:"), r"no key 'titel'\. Did you mean 'title'"),
    "a stage": (("- probe:", "- prob:"), r"cells: no stage 'prob'\. Did you mean 'probe'"),
    "a field": (("{budget: 24}", "{bugdet: 24}"), r"cell 'pretrain': no field 'bugdet'\. Did you mean 'budget'"),
    "a factor": (("  seed:", "  sede:"), r"factor 'sede': no field 'sede'\. Did you mean 'seed'"),
    "the cell of a factor": (("finetune.epochs", "finetun.epochs"), r"no cell 'finetun'\. Did you mean 'finetune'"),
    "the field of a factor": (("finetune.epochs", "finetune.epoch"), r"no field 'epoch'\. Did you mean 'epochs'"),
    "a value": (("[rotnet, vcop]", "[vcop, rotnett]"), r"cell 'pretrain': objectives has no 'rotnett'\. Did you mean 'rotnet'"),
    "the kind of a value": (("seed: [0, 1]", "seed: [0, one]"), r"factor 'seed': seed: 'one'; wanted int"),
    "no list": (("seed: [0, 1]", "seed: 0"), r"factor 'seed': wanted a list"),
    "a value twice": (("seed: [0, 1]", "seed: [0, 0]"), r"factor 'seed': 0 stands there twice"),
    "a factor without effect": (("finetune.epochs: [1, 2]", "severities: [[1], [2]]"), r"factor 'severities' changes nothing"),
    "a missing input": (("{init: pretrain}", "{init: pretrian}"), r"init: no cell 'pretrian'\. Did you mean 'pretrain'"),
    "no input": (("model: [finetune, probe], ", ""), r"cell 'robustness': --model \(nothing\)"),
    "an input of another kind": (("{init: pretrain}", "{init: probe}"), r"cell 'finetune': --init"),
    "two of a name": (("- finetune: {init: pretrain}", "- probe: {init: pretrain}"), r"two cells are called 'probe'"),
    "an excluded value": (("{objective: vcop, seed: 1}", "{objective: vkop}"), r"no value 'vkop'\. Did you mean 'vcop'"),
    "an excluded factor": (("{objective: vcop, seed: 1}", "{objektive: vcop}"), r"no factor 'objektive'\. Did you mean 'objective'"),
    "all excluded": (("{objective: vcop, seed: 1}", "{seed: [0, 1]}"), r"the study is empty"),
    "an entry of two stages": (("- pretrain: {budget: 24}", "- {pretrain: {}, probe: {}}"), r"wanted a list of stages"),
    "not YAML": (("factors:", "factors: ["), r"cannot be read as YAML"),
    "no cells": (("cells:", "title:"), r"the study is empty|cannot be read"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_with_a_yaml_file_is_said(write, tmp_path, name):
    (old, new), message = WRONG[name]
    assert old in YAML
    path = write(YAML.replace(old, new))
    with pytest.raises(UsageError, match=message) as error:
        planned(path, tmp_path / "out")
    assert str(path) in str(error.value)


def test_a_circle_is_named(write, tmp_path):
    path = write("""
        cells:
          - finetune: {name: a, init: b, data: VIDEOS}
          - finetune: {name: b, init: c, data: VIDEOS}
          - finetune: {name: c, init: a, data: VIDEOS}
    """)
    with pytest.raises(UsageError, match=r"go round in a circle: (\w -> ){3}\w"):
        planned(path, tmp_path / "out")


def test_a_python_file_has_options_of_its_own(write, tmp_path):
    recipe = find(str(write(PYTHON, "mine.py")))
    assert (recipe.name, recipe.title) == ("mine", "Mine")
    assert len(make_plan(recipe, recipe.config(out=tmp_path))) == 4
    assert len(make_plan(recipe, recipe.config(out=tmp_path, tasks=("rotnet",)))) == 2


def test_reading_a_python_file_leaves_nothing_beside_it(write, tmp_path):
    path = write(PYTHON, "mine.py")
    find(str(path))
    assert [other.name for other in tmp_path.iterdir()] == [path.name]


BROKEN = {
    "raises when read": (('TITLE = "Mine"', "TITLE = 1 / 0"), r"mine\.py, line 6: ZeroDivisionError: division by zero"),
    "raises on its way": (("    for task", "    raise KeyError('x')\n    for task"), r"mine\.py, line 16: KeyError: 'x'"),
    "raises in a function": (("objective=task", "objective=worst(task)"), r"mine\.py, line 18: NameError: name 'worst' is not defined"),
    "syntax": (("def cells(config):", "def cells(config:"), r"mine\.py, line 15: SyntaxError"),
    "no cells": (("def cells", "def sells"), r"mine\.py: defines no `cells"),
    "no generator": (("yield ", ""), r"wanted a generator"),
    "another Config": (("class Config(StudyConfig)", "class Config"), r"mine\.py: Config: wanted"),
    "an unknown field": (("budget=24", "bugdet=24"), r"mine\.py, line 18: TypeError: .*'bugdet'"),
    "an unknown value": (('("rotnet", "vcop")', '("rotnet", "vcopp")'), r"mine\.py, line 18: objectives has no 'vcopp'"),
    "a missing input": (("init=init", 'init="runs/pretrain/0"'), r"mine\.py, line 19: .*not a run folder"),
    "empty": (("    for task in config.tasks:", "    for task in ():"), r"the study is empty"),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_wrong_with_a_python_file_is_said_with_its_line(write, tmp_path, name):
    (old, new), message = BROKEN[name]
    assert old in PYTHON
    path = write(PYTHON.replace(old, new), "mine.py")
    with pytest.raises(UsageError, match=message):
        planned(path, tmp_path / "out")


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("quickstar", "no study 'quickstar'. Did you mean 'quickstart'"),
        ("nothing.yaml", "nothing.yaml: no such study file"),
        ("study.toml", "or a file NAME.py or NAME.yaml"),
    ],
)
def test_a_word_that_is_no_study_is_refused(word, message):
    with pytest.raises(UsageError, match=message):
        find(word)


CLAIM = "claims:\n  - {say: VCOP wins., above: {better: {arm: vcop}, worse: {arm: rotnet}, where: {stage: probe}}}\n"


def test_claims_of_a_file_stand_in_the_plan_and_wrong_ones_are_refused(tmp_path: Path):
    path = tmp_path / "s.yaml"
    path.write_text("cells:\n  - pretrain: {data: builtin-motions}\n" + CLAIM)
    expected = {
        "say": "VCOP wins.",
        "above": {"better": {"arm": "vcop"}, "worse": {"arm": "rotnet"}, "where": {"stage": "probe"}},
    }
    assert list(find(str(path)).claims) == [expected]
    path.write_text(path.read_text().replace("better", "bettr"))
    with pytest.raises(UsageError, match=r"no field 'bettr'\. Did you mean 'better'"):
        find(str(path))


def test_claims_of_a_python_study_may_be_predicates_or_words(tmp_path: Path):
    path = tmp_path / "s.py"
    path.write_text(
        "from muybridge.report.claims.more_predicates import Trend\n"
        'CLAIMS = [Trend("It rises.", "level", ("1", "2")), {"say": "Budgets are equal.", "equal_budgets": {}}]\n'
        "def cells(config):\n    yield from ()\n"
    )
    first, second = find(str(path)).claims
    assert first["trend"]["order"] == ["1", "2"]
    assert second == {"say": "Budgets are equal.", "equal_budgets": {}}
