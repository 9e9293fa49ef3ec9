"""Options of pretext tasks: presets, tiny backbones, words, complexity; typed, complete and signed."""

from dataclasses import replace

import pytest

from muybridge.augment.chain import spell
from muybridge.config.stage_configs import PretrainConfig, change
from muybridge.core.errors import UsageError
from muybridge.objectives import OBJECTIVES
from muybridge.stages.job.base import preset
from muybridge.stages.training.options import augmentations, complete, options

PRETEXTS = [name for name, entry in OBJECTIVES.items() if entry.facts["pretext"]]


def config(objective: str, **changes) -> PretrainConfig:
    return PretrainConfig(objective=objective, **changes)


def test_the_constructors_defaults_are_the_benchmarks_values():
    large = {"backbone": "r2plus1d"}
    assert options(config("rspnet", **large)) == {
        "queue": 16384, "momentum": 0.999, "temperature": 0.07, "width": 128,
        "margin": 2.0, "speed": 2, "groups": 2, "head_norm": False,
    }  # fmt: skip
    assert options(config("tdl", **large))["queue"] == 500
    assert options(config("cvrl", **large)) == {"hidden": 2048, "layers": 3, "width": 128, "temperature": 0.1}


def test_the_papers_values_go_over_the_benchmarks_on_any_backbone():
    for backbone in ("r2plus1d", "r2plus1d-tiny"):
        chosen = options(config("tdl", backbone=backbone, objective_preset="paper"))
        assert (chosen["queue"], chosen["momentum"]) == (16384, 0.999)


def test_a_tiny_backbone_takes_the_tasks_tiny_values_and_words_go_over_them():
    tiny = OBJECTIVES["rspnet"].facts["tiny"]
    assert options(config("rspnet")).items() >= tiny.items()
    chosen = options(config("rspnet", objective_options=("queue=64", "temperature=1e-1", "head_norm=false")))
    assert (chosen["queue"], chosen["temperature"], chosen["head_norm"]) == (64, 0.1, False)
    assert chosen["momentum"] == tiny["momentum"]


@pytest.mark.parametrize("name", PRETEXTS)
def test_facts_name_options_of_the_task(name: str):
    facts, known = OBJECTIVES[name].facts, options(config(name, backbone="r2plus1d"))
    for values in (facts.get("tiny", {}), *facts.get("presets", {}).values()):
        assert values.keys() <= known.keys()
        assert all(known[key] != value for key, value in values.items() if key != "queue")
    assert facts.get("complexity") is None or facts["complexity"] in known


@pytest.mark.parametrize("name", PRETEXTS)
def test_a_complete_config_spells_out_everything_and_stays_complete(name: str):
    full = complete(config(name))
    assert [word.partition("=")[0] for word in full.objective_options] == sorted(options(config(name)))
    assert complete(full) == full
    assert options(full) == options(config(name))


def test_complexity_is_an_option_by_another_name():
    assert options(config("vcop", complexity=4))["clips"] == 4
    full = complete(config("vcop", complexity=4))
    assert "clips=4" in full.objective_options
    assert complete(full) == full
    with pytest.raises(UsageError, match=r"--complexity 3 and --objective-options clips=4: both set 'clips'"):
        options(replace(full, complexity=3))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"objective_options": ("queu=5",)}, "no field 'queu'. Did you mean 'queue'"),
        ({"objective_options": ("queue=many",)}, "queue: 'many'; wanted int"),
        ({"objective_options": ("queue=0.5",)}, "queue: 0.5; wanted int"),
        ({"objective_options": ("queue",)}, "wanted name=value words"),
        ({"objective_options": ("queue=",)}, "wanted name=value words"),
        ({"objective_options": ("queue=[1",)}, "is no value"),
        ({"complexity": 3}, "tdl has no levels of complexity"),
    ],
)
def test_words_without_meaning_are_refused(changes: dict, words: str):
    with pytest.raises(UsageError, match=words):
        options(config("tdl", **changes))


def test_options_read_from_a_file_are_taken_as_words():
    read = change(
        config("tdl"), {"objective_options": ["queue=64"], "objective_preset": "paper"}, "--config f"
    )
    assert options(read)["queue"] == 64
    with pytest.raises(UsageError, match="objective_preset: 'papr'; wanted one of 'benchmark', 'paper'"):
        change(config("tdl"), {"objective_preset": "papr"}, "--config f")


@pytest.mark.parametrize(
    ("name", "benchmark", "paper"),
    [
        ("rotnet", (("benchmark",), ()), (("benchmark",), ())),
        ("vcop", (("benchmark",), ()), (("vcop",), ())),
        ("prp", (("benchmark",), ()), (("prp",), ())),
        ("cvrl", (("benchmark-cvrl",), ()), (("cvrl",), ("cvrl-2",))),
        ("tdl", (("tdl",), ()), (("tdl",), ())),
        ("rspnet", (("benchmark",), ()), (("rspnet",), ())),
        ("arrow-of-time", (("benchmark",), ()), (("benchmark",), ())),
    ],
)
def test_a_task_has_augmentations_of_its_own(name: str, benchmark: tuple, paper: tuple):
    large = preset(PretrainConfig, "benchmark")
    assert augmentations(replace(large, objective=name)) == benchmark
    for backbone in ("r2plus1d", "r2plus1d-tiny"):
        assert augmentations(config(name, backbone=backbone, objective_preset="paper")) == paper


@pytest.mark.parametrize("name", PRETEXTS)
def test_augmentations_are_printed_and_signed_and_those_given_win(name: str):
    own = complete(config(name))
    assert spell(own.augment)
    given = complete(config(name, augment=("flip",), objective_preset="paper"))
    assert (given.augment, given.augment2) == (("flip",), ())
    assert complete(given) == given
    second = complete(config(name, augment2=("gray",)))
    assert (second.augment, second.augment2) == (own.augment, ("gray",))


def test_a_tiny_backbone_takes_the_tasks_tiny_augmentations():
    assert augmentations(config("cvrl")) == (("crop", "jitter"), ())
    assert {augmentations(config(name)) for name in PRETEXTS if name not in ("cvrl", "sigreg")} == {
        (("crop",), ())
    }


def test_a_task_from_outside_takes_the_common_augmentations():
    outside = config("somewhere", backbone="r2plus1d")
    assert augmentations(outside) == (("benchmark",), ())
    assert augmentations(replace(outside, backbone="c3d-tiny")) == (("crop",), ())
