"""Runs of a registered study as sets: what counts, what does not, and the words."""

import dataclasses
import math
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from muybridge.measure.diversity import association
from muybridge.report.gather.collect import Gathered
from muybridge.report.scores.diversity_evidence import evidence, judge, mixed, mixed_words, words
from muybridge.report.scores.diversity_runs import Registered, network_of, put, registered
from muybridge.report.sections.results import diversity_section
from muybridge.report.sections.results.diversity_section import shows
from muybridge.runs.contents.prereg_file import read_prereg, write_prereg
from muybridge.studies.preregister import content_of
from muybridge.studies.study_configs import DiversityStudyConfig


@pytest.fixture(scope="module")
def prereg(tmp_path_factory):
    out = tmp_path_factory.mktemp("prereg")
    write_prereg(out, content_of(DiversityStudyConfig(out=out, sets=30)))
    return read_prereg(out)


@pytest.fixture
def made(prereg, monkeypatch) -> Registered:
    """A planted effect: robustness is diversity and a little noise, on both backbones."""
    monkeypatch.setattr(association, "PERMUTATIONS", 499)
    monkeypatch.setattr(association, "REDRAWS", 299)
    draw = np.random.default_rng(0)
    found = Registered(prereg)
    for backbone in prereg["population"]["backbones"]:
        for one in prereg["sets"]:
            x, config = draw.normal(), {"auxiliary": one["losses"]}
            effect = x if one["role"] == "confirmatory" else draw.normal()
            put(
                found,
                backbone,
                "diversity",
                config,
                {"D3norm": x, "Rao": draw.normal(), "naive": draw.normal()},
            )
            put(
                found,
                backbone,
                "sum",
                config,
                {"R_pres": effect + 0.2 * draw.normal(), "clean": draw.normal()},
            )
    return found


def test_a_planted_effect_that_placebos_do_not_show_is_supported(made):
    found, said = judge(made)
    assert found.primary.rho > 0.7
    assert found.primary.n == 30
    assert found.second.rho > 0.7
    assert found.placebo.n == 15
    assert said.word == "supported"


def test_longer_clips_are_a_network_of_their_own_and_decide_nothing(made):
    """Where clips of the first backbone have a second length, its sets are kept apart from those of the primary outcome."""
    before = judge(made)
    population = {**made.prereg["population"], "frames": [8, 16]}
    longer = Registered({**made.prereg, "population": population}, made.numbers)
    first = population["backbones"][0]
    assert longer.networks == [*population["backbones"], f"{first}, 16 frames"]
    draw = np.random.default_rng(1)
    for _, losses in made.chosen()[::2]:
        x = made.numbers[first, "diversity"][losses]["D3norm"]
        config = {"auxiliary": list(losses)}
        put(longer, f"{first}, 16 frames", "diversity", config, {"D3norm": x})
        put(longer, f"{first}, 16 frames", "sum", config, {"R_pres": 0.2 * draw.normal() - x})
    found, said = judge(longer)
    assert found.outside["D3norm, clips of 16 frames"].n == 15
    assert found.outside["D3norm, clips of 16 frames"].rho < -0.7
    assert (found.primary, said.word) == (before[0].primary, before[1].word)
    run = SimpleNamespace(result={"facets": {"backbone": first}, "config": {"frames": 16}})
    assert network_of(longer, run) == f"{first}, 16 frames"
    assert network_of(made, run) == first


def test_placebo_sets_that_show_the_same_take_it_away(made):
    first = made.prereg["population"]["backbones"][0]
    for one in made.prereg["sets"]:
        if one["role"] == "placebo":
            own = made.numbers[first, "sum"][tuple(one["losses"])]
            own["R_pres"] = made.numbers[first, "diversity"][tuple(one["losses"])]["D3norm"]
    assert judge(made)[1].word == "undetermined"


def test_missing_cells_are_left_out(made):
    first = made.prereg["population"]["backbones"][0]
    key = next(iter(made.numbers[first, "sum"]))
    del made.numbers[first, "sum"][key]
    assert evidence(made).primary.n == 29


def test_seeds_of_a_set_are_averaged(prereg):
    found = Registered(prereg)
    for value in (1.0, 2.0, 6.0):
        put(found, "b", "sum", {"auxiliary": ["a"]}, {"R_pres": value})
    assert found.numbers["b", "sum"]["a",]["R_pres"] == pytest.approx(3)


def test_an_answer_on_drawn_clips_says_so(made):
    text = " ".join(words(made, *judge(made)))
    assert "SUPPORTED on builtin-motions" in text
    assert "SYNTHETIC" in text
    assert "no answer on Something-Something V2" in text
    assert "30 of 30 registered sets" in text


def test_the_mixed_model_sees_a_planted_slope_and_says_how_many_sets_have_every_combiner(made):
    first = made.prereg["population"]["backbones"][0]
    assert mixed(made).n == 0
    assert "wants more sets" in mixed_words(mixed(made), "D3norm")
    for arm in ("pcd", "meltr"):
        for losses, own in made.numbers[first, "sum"].items():
            made.numbers.setdefault((first, arm), {})[losses] = dict(own)
    del made.numbers[first, "meltr"][tuple(made.prereg["sets"][0]["losses"])]
    found = mixed(made)
    assert (found.n, found.left_out) == (29, 1)
    assert 0.8 < found.slope < 1.2
    assert "29 sets with every combiner, 1 left out" in mixed_words(found, "D3norm")


def test_deviations_are_shown(made):
    other = dataclasses.replace(made, prereg={**made.prereg, "deviations": ["the machine was changed"]})
    assert any("the machine was changed" in one for one in words(other, *judge(other)))


def test_runs_of_another_registration_count_nowhere(tmp_path: Path):
    content = content_of(DiversityStudyConfig(out=tmp_path, sets=12))
    write_prereg(tmp_path, content)
    run = SimpleNamespace(stage="diversity", signature="x", result={"config": {"prereg": "f" * 64}})
    found = registered(SimpleNamespace(folder=tmp_path, runs=[run], rows={}))
    assert found is not None
    assert (found.foreign, found.numbers) == (1, {})
    assert math.isnan(evidence(found).primary.rho)


def test_the_first_screen_answers_and_says_what_limits_the_answer(made, monkeypatch):
    monkeypatch.setattr(diversity_section, "registered", lambda _: made)
    gathered = Gathered(Path(), {}, [], {}, [], [], [], [])
    (answer,) = diversity_section.answers(gathered)
    assert (answer.data, answer.words.split(":")[0].split()[-1]) == ("builtin-motions", "supported")
    first, *others = diversity_section.findings(gathered)
    assert first.words.startswith("SUPPORTED")
    assert not first.limits
    assert any("SYNTHETIC" in one.words for one in others)
    assert all(one.limits for one in others)


def test_without_a_registration_there_is_no_section(tmp_path: Path):
    assert shows(Gathered(tmp_path, {}, [], {}, [], [], [], [])) == []
