"""The shipped studies at every scale: which cells they plan, and that what is compared had the same budget. Data sets stand in by name."""

from collections import Counter
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import pytest

from muybridge.core.errors import MuybridgeError, UsageError
from muybridge.core.reference.published_values import SOURCES
from muybridge.data.index import Dataset, VideoRecord
from muybridge.report.claims.study_claims import CLIPS
from muybridge.stages.job.resolve_cache import ResolveCache
from muybridge.studies import STUDIES
from muybridge.studies.benchmark import clip_length
from muybridge.studies.files.factors import factors
from muybridge.studies.files.find import find, make_plan
from muybridge.studies.study_configs import CONFIGS

SCALES = ("tiny", "small", "paper")
BENCHMARK = [
    name
    for name in STUDIES
    if name
    not in (
        "quickstart",
        "robustness-models",
        "feature-analysis",
        "zeroshot",
        "clip-length",
        "loss-weighting",
        "diversity-and-robustness",
        "distill-capacity",
        "distill-complexity",
        "distill-source",
        "distill-task",
    )
]


@pytest.fixture(autouse=True)
def _sentences(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of videos that do not exist."""
    monkeypatch.setattr("muybridge.stages.training.captions.captions_of", lambda config, dataset: {"a": "b"})


@cache
def _few_sets(scale: str) -> dict:
    """A pre-registration of few sets."""
    from muybridge.studies import preregister

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(preregister, "_partners", lambda config: {})  # what the files of the data set would say
        content = preregister.content_of(CONFIGS["diversity-and-robustness"](sets=12, scale=scale))
    return content | {"sha256": "0" * 64}


@pytest.fixture(autouse=True)
def _registered(monkeypatch: pytest.MonkeyPatch) -> None:
    """A study that wants a pre-registration has one."""
    monkeypatch.setattr("muybridge.studies.preregister.demand", lambda config: _few_sets(config.scale))


class NoFiles(ResolveCache):
    """Data sets of four videos that do not exist, named as asked for."""

    def load(self, data, **columns):
        if (data, columns["root"]) not in self._splits:
            name = "+".join(data)
            rows = [
                VideoRecord(f"{name}/{split}{label}{i}", f"/none/{name}/{i}", label, split, str(i))
                for split in ("train", "test") for label in (0, 1) for i in (0, 1)
            ]  # fmt: skip
            self._splits[data, columns["root"]] = Dataset(name, tuple(rows), ("a", "b"))
        return self._splits[data, columns["root"]]


def cells(name, **values):
    recipe = find(name)
    return make_plan(recipe, recipe.config(out=Path("/none/out"), **values), NoFiles())


def stages(found: Iterable) -> dict[str, int]:
    return dict(Counter(cell.job.stage for cell in found))


COUNTS = {
    ("pretext-backbones", "tiny"): (3 * 2 * 7, 3 * 2 * 8 * 2, 3 * 2 * 8 * 2, 3 * 2 * 8 * 2),
    ("pretext-backbones", "small"): (2 * 6, 2 * 7 * 2, 2 * 7 * 2, 2 * 7 * 2),
    ("pretext-backbones", "paper"): (3 * 6 * 4, 3 * 6 * 5, 3 * 6 * 5, 3 * 6 * 5),
    ("probe-vs-finetune", "tiny"): (3 * 2 * 3, 3 * 2 * 4 * 2, 3 * 2 * 4 * 2, 0),
    ("probe-vs-finetune", "small"): (2 * 3, 2 * 4 * 2, 2 * 4 * 2, 0),
    ("probe-vs-finetune", "paper"): (3 * 2 * 3, 3 * 2 * 4, 3 * 2 * 4, 0),
    ("pretext-constraints", "tiny"): (3 * 2 * 6, 0, 3 * 2 * 7 * 2, 0),
    ("pretext-constraints", "small"): (2 * 6, 0, 2 * 7 * 2, 0),
    ("pretext-constraints", "paper"): (3 * 2 * 6, 0, 3 * 2 * 7, 0),
    ("subset-size", "tiny"): (3 * 3 * 3, 3 * (3 * 3 + 1) * 2, 3 * (3 * 3 + 1) * 2, 0),
    ("subset-size", "small"): (3 * 6, (3 * 6 + 1) * 2, (3 * 6 + 1) * 2, 0),
    ("subset-size", "paper"): (3 * 3 * 4 * 6, 3 * 3 * (4 * 9 + 1) * 2, 3 * 3 * (4 * 9 + 1) * 2, 0),
    ("retrieval", "tiny"): (3 * 2 * 7, 0, 0, 0),
    ("retrieval", "small"): (6, 0, 0, 0),
    ("retrieval", "paper"): (3 * 6, 0, 0, 0),
    ("training-length", "tiny"): (3 * 3, 3 * (3 * 4 + 1) * 2, 3 * (3 * 4 + 1) * 2, 0),
    ("training-length", "small"): (6, (6 * 4 + 1) * 2, (6 * 4 + 1) * 2, 0),
    ("training-length", "paper"): (3 * 6, 3 * (6 * 4 + 1) * 2, 3 * (6 * 4 + 1) * 2, 0),
    ("clip-length", "tiny"): (3 * 2 * 3, 3 * 3 * 4 * 2, 3 * 3 * 4 * 2, 0),
    ("clip-length", "small"): (2 * 6, 3 * 7 * 2, 3 * 7 * 2, 0),
    ("clip-length", "paper"): (3 * 2 * 6, 3 * 3 * 7, 3 * 3 * 7, 0),
    ("complexity", "tiny"): (3 * 9, 3 * 10 * 2, 3 * 10 * 2, 0),
    ("complexity", "small"): (2 * 9, 2 * 10 * 2, 2 * 10 * 2, 0),
    ("complexity", "paper"): (3 * 2 * 9, 3 * 2 * 10, 3 * 2 * 10, 0),
    ("data-distribution", "tiny"): (3 * 2 * 4, 3 * 9 * 2, 3 * 9 * 2, 0),
    ("data-distribution", "small"): (2 * 4, 9 * 2, 9 * 2, 0),
    ("data-distribution", "paper"): (3 * 2 * 4, 3 * 9 * 2, 3 * 9 * 2, 0),
    ("noise", "tiny"): (3 * 2 * 6, 0, 3 * 2 * 7 * 2, 3 * 2 * 7 * 2),
    ("noise", "small"): (2 * 6, 0, 2 * 7 * 2, 2 * 7 * 2),
    ("noise", "paper"): (3 * 2 * 6, 0, 3 * 2 * 7, 3 * 2 * 7),
    ("loss-weighting", "tiny"): (0, 14 * 2 * 3, 14 * 2 * 3, 14 * 2 * 3),
    ("loss-weighting", "small"): (0, 14 * 2 * 3, 14 * 2 * 3, 14 * 2 * 3),
    ("loss-weighting", "paper"): (0, 14 * 2 * 3, 14 * 2 * 3, 14 * 2 * 3),
    ("diversity-and-robustness", "tiny"): (2, 12, 2 + 12 * 4 + 15 + 6 + 10, 2 + 12 * 4 + 15 + 6 + 10 + 12),
    ("diversity-and-robustness", "small"): (
        2,
        12,
        2 + 12 * 4 + 15 + 6 + 6 + 10,
        2 + 12 * 4 + 15 + 6 + 6 + 10 + 12,
    ),
    ("diversity-and-robustness", "paper"): (
        2,
        12,
        2 + 12 * 4 + 15 + 6 + 6 + 10,
        2 + 12 * 4 + 15 + 6 + 6 + 10 + 12,
    ),
    ("distill-capacity", "tiny"): (3 * 2, 0, 3 * 2 * 22, 3 * 2 * 22),
    ("distill-capacity", "small"): (3 * 2, 0, 3 * 2 * 22, 3 * 2 * 22),
    ("distill-capacity", "paper"): (3 * 2, 0, 3 * 2 * 22, 3 * 2 * 22),
    ("distill-complexity", "tiny"): (2 * 6, 0, 2 * (6 + 2 * 5 + 3), 2 * (6 + 2 * 5 + 3)),
    ("distill-complexity", "small"): (3 * 2 * 9, 0, 3 * 2 * (9 + 3 * 5 + 3), 3 * 2 * (9 + 3 * 5 + 3)),
    ("distill-complexity", "paper"): (3 * 2 * 9, 0, 3 * 2 * (9 + 3 * 5 + 3), 3 * 2 * (9 + 3 * 5 + 3)),
    ("distill-source", "tiny"): (2 * 6, 0, 2 * (6 + 3 * 4 + 3), 2 * (6 + 3 * 4 + 3)),
    ("distill-source", "small"): (3 * 8, 0, 3 * (8 + 4 * 4 + 3), 3 * (8 + 4 * 4 + 3)),
    ("distill-source", "paper"): (3 * 8, 0, 3 * (8 + 4 * 4 + 3), 3 * (8 + 4 * 4 + 3)),
    ("distill-task", "tiny"): (2 * 4, 0, 2 * (4 + 2 * 4 + 3), 2 * (4 + 2 * 4 + 3)),
    ("distill-task", "small"): (3 * 4, 0, 3 * (4 + 2 * 4 + 3), 3 * (4 + 2 * 4 + 3)),
    ("distill-task", "paper"): (3 * 4, 0, 3 * (4 + 2 * 4 + 3), 3 * (4 + 2 * 4 + 3)),
    ("robustness-models", "tiny"): (0, 0, 8 * 2, 8 * 2),
    ("robustness-models", "small"): (0, 0, 7, 7),
}
"""Cells by study and scale: pretraining, probes, fine-tunings, robustness."""


@pytest.mark.parametrize(("name", "scale"), COUNTS)
def test_cells(name, scale):
    found = stages(cells(name, scale=scale))
    names = ("pretrain", "probe", "finetune", "robustness")
    assert tuple(found.get(stage, 0) for stage in names) == COUNTS[name, scale]


@pytest.mark.parametrize("scale", ["small", "paper"])
def test_on_real_videos_diversity_is_asked_about_in_uniform_clips_of_8_and_16_frames(scale):
    found = [cell.job.config for cell in cells("diversity-and-robustness", scale=scale)]
    shown = {
        (one.backbone, one.sampling, one.frames)
        for one in found
        if one.stage in ("finetune", "probe", "diversity")
    }
    assert shown == {("r2plus1d", "uniform", 8), ("vit", "uniform", 8), ("r2plus1d", "uniform", 16)}
    assert {(one.sampling, one.frames) for one in found if one.stage == "pretrain"} == {("dense", 8)}
    long = [(one.stage, one.auxiliary) for one in found if getattr(one, "frames", 0) == 16]
    other = [
        (one.stage, one.auxiliary)
        for one in found
        if one.stage != "pretrain" and getattr(one, "backbone", "") == "vit"
    ]
    assert long == other, "the same sets, as on the second backbone"
    assert _few_sets(scale)["population"]["frames"] == [8, 16]
    assert _few_sets(scale)["population"]["sampler"] == "uniform"


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("name", BENCHMARK)
def test_arms_share_their_budget(name, scale):
    found = [cell for cell in cells(name, scale=scale) if cell.job.stage == "pretrain"]
    shared = set()
    for cell in found:
        config = cell.job.config
        shared.add((config.budget, config.budget_unit, config.frames, config.crop))
    assert len(shared) == 1
    if scale == "paper":
        assert shared == {(200, "epochs", 16, 112)}, (
            "the published length of every task, whatever its clips and subset"
        )


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("name", BENCHMARK)
def test_arms_share_how_they_are_read_out(name, scale):
    free = {"init", "seed", "data", "root"}
    told: dict[tuple, set] = {}
    for cell in cells(name, scale=scale):
        if cell.job.stage in ("probe", "finetune"):
            config = vars(cell.job.config)
            told.setdefault((cell.job.stage, config["backbone"]), set()).add(
                str([v for k, v in config.items() if k not in free])
            )
    assert all(len(values) == 1 for values in told.values())


def test_the_pretraining_runs_of_the_tiny_study_are_those_of_its_table():
    found = [cell.job.config for cell in cells("pretext-backbones") if cell.job.stage == "pretrain"]
    assert {config.objective for config in found} == {
        "rotnet",
        "vcop",
        "prp",
        "cvrl",
        "tdl",
        "rspnet",
        "speed",
    }
    assert {(c.objective, c.stride) for c in found if c.stride > 1} == {
        ("rotnet", 3),
        ("cvrl", 2),
        ("tdl", 2),
    }
    assert {(c.objective, c.batch) for c in found if c.batch != 48} == {("cvrl", 96)}
    assert {(c.budget, c.data) for c in found} == {(30_000, ("builtin-motions",))}


def test_tiny_studies_share_their_runs():
    whole = {cell.job.signature for cell in cells("pretext-backbones")}
    assert {cell.job.signature for cell in cells("noise")} <= whole
    assert {cell.job.signature for cell in cells("pretext-constraints")} <= whole


def test_retrieval_asks_every_arm_of_every_set_with_ten_clips():
    found = cells("retrieval")
    asked = [cell.job.config for cell in found if cell.job.stage == "retrieval"]
    assert len(asked) == 3 * 2 * 8 * 2
    assert {config.views for config in asked} == {10}
    whole = {cell.job.signature for cell in cells("pretext-backbones")}
    assert {cell.job.signature for cell in found if cell.job.stage == "pretrain"} <= whole


def test_robustness_covers_the_five_published_categories_in_both_kinds():
    found = [cell.job.config for cell in cells("robustness-models") if cell.job.stage == "robustness"]
    assert {len(config.types) for config in found} == {18}
    assert {cell.job.facets["backbone"] for cell in cells("robustness-models")} >= {
        "vit-tiny",
        "shufflenet-tiny",
        "r2plus1d-tiny",
    }


@pytest.mark.parametrize("scale", SCALES)
def test_a_queue_fits_every_subset(scale):
    for cell in cells("subset-size", scale=scale):
        if cell.job.stage == "pretrain":
            options = dict(word.split("=") for word in cell.job.config.objective_options)
            assert int(options.get("queue", 0)) <= int(cell.job.config.data[0].partition("@")[2])


def test_public_models_need_their_weights():
    with pytest.raises(UsageError, match="--weights with MODEL=FILE"):
        cells("robustness-models", scale="paper")
    with pytest.raises(MuybridgeError, match="/none/i3d"):
        cells("robustness-models", scale="paper", weights=("i3d=/none/i3d.safetensors",))


def test_snapshots_are_of_one_run():
    found = [cell for cell in cells("training-length", seeds=1, tasks=("vcop",)) if cell.job.stage == "probe"]
    assert [cell.job.facets["arm"] for cell in found[:5]] == [
        "random",
        "vcop",
        "vcop at 25 %",
        "vcop at 50 %",
        "vcop at 75 %",
    ]
    assert len({need for cell in found for need in cell.needs}) == 1


@pytest.mark.parametrize("scale", SCALES)
def test_clips_of_both_lengths_differ_in_nothing_else(scale: str):
    """One step for the short and the long one; the stretched one covers the time of the long one to a step; clips cost alike."""
    short, stretched, long = clip_length.CLIPS[scale]
    assert (long[0], long[1]) == (2 * short[0], short[1])
    assert (stretched[0], stretched[1]) == (short[0], 2 * short[1])
    assert abs((long[0] - 1) * long[1] - (stretched[0] - 1) * stretched[1]) <= long[1]
    found = cells("clip-length", scale=scale)
    free = {"seed", "objective", "frames", "data", "root", "init"}
    for stage in ("probe", "finetune"):
        own = [vars(cell.job.config) for cell in found if cell.job.stage == stage]
        assert {(one["frames"], one["stride"]) for one in own} == {short, stretched, long}
        rest = {str([v for k, v in one.items() if k not in {*free, "stride"}]) for one in own}
        assert len(rest) == 1
    by_task: dict[str, set] = {}
    for cell in found:
        if cell.job.stage == "pretrain":
            told = [v for k, v in vars(cell.job.config).items() if k not in free]
            by_task.setdefault(cell.job.config.objective, set()).add(str(told))
    assert all(len(told) == 1 for told in by_task.values())


def test_a_network_is_read_out_with_clips_as_long_as_those_it_learnt_from():
    found = cells("clip-length", seeds=1)
    made = {cell.job.signature: cell.job.config.frames for cell in found if cell.job.stage == "pretrain"}
    read = [cell for cell in found if cell.job.stage != "pretrain"]
    assert all(made[need] == cell.job.config.frames for cell in read for need in cell.needs)
    assert {cell.job.facets["frames"] for cell in read} == {"", "4", "8"}
    whole = {cell.job.signature for cell in cells("pretext-backbones", seeds=1)}
    usual = {
        cell.job.signature for cell in found if cell.job.stage == "pretrain" and cell.job.config.frames == 8
    }
    assert usual <= whole
    assert {scale: tuple(f"{a}x{b}" for a, b in clips) for scale, clips in clip_length.CLIPS.items()} == CLIPS


@pytest.mark.parametrize(
    "name", ["noise", "pretext-backbones", "robustness-models", "loss-weighting", "zeroshot"]
)
def test_what_a_user_says_of_labels_reaches_every_perturbed_run(name: str):
    """Else reversal of own motions is averaged as robustness by a study, and left out by the stage."""
    common = {"data": ("mine",), "seeds": 1}
    found = [
        one.job
        for one in cells(name, **common, label_changing=("reversal",))
        if one.job.stage == "robustness"
    ]
    assert found
    assert all([change.type for change in job.dataset.changes] == ["reversal"] for job in found)
    undeclared = {one.job.signature for one in cells(name, **common)}
    assert not undeclared & {job.signature for job in found}, "a declaration is part of what a run is"
    with pytest.raises(UsageError, match="--label-changing: goes with --data"):
        cells(name, seeds=1, label_changing=("reversal",))


def test_each_subset_is_a_source_of_its_own():
    found = cells("subset-size", seeds=1, tasks=("vcop",), source=("a@2", "b@1"))
    told = factors(found)
    assert {
        told[cell.job.signature]["pretrain.data"][0] for cell in found if cell.job.stage == "pretrain"
    } == {"a@2", "b@1"}


def test_roots_reach_the_data_sets_they_are_of():
    roots = ("kinetics400=/k", "ucf101=/u", "hmdb51=/h")
    found = cells(
        "pretext-backbones",
        scale="paper",
        roots=roots,
        seeds=1,
        backbones=("c3d",),
        data=("ucf101", "hmdb51"),
    )
    told = {(cell.job.stage, cell.job.config.data[0], cell.job.config.root) for cell in found}
    assert told == {
        ("pretrain", "kinetics400@50000", "/k"),
        *(
            (stage, data, f"/{data[0]}")
            for stage in ("probe", "finetune", "robustness")
            for data in ("ucf101", "hmdb51")
        ),
    }
    with pytest.raises(UsageError, match="--roots ucf101: wanted NAME=FOLDER"):
        cells("noise", roots=("ucf101",))


def test_every_study_has_a_config_a_page_and_known_tables():
    docs = Path(__file__).parents[2] / "docs" / "studies"
    assert CONFIGS.keys() == STUDIES.keys()
    for name, entry in STUDIES.items():
        assert name == "quickstart" or (docs / f"{name}.md").is_file()
        assert set(entry.facts.get("tables", ())) <= SOURCES.keys()
        target = entry.target.partition(":")[0].replace(".", "/")
        lines = (Path(__file__).parents[2] / "src" / f"{target}.py").read_text().splitlines()
        assert len(lines) <= (100 if name == "quickstart" else 65)


@pytest.mark.parametrize("name", STUDIES)
def test_facets_tell_the_runs_of_a_study_apart(name: str):
    """Else a report could not average over seeds: it would show such runs one by one."""
    told = Counter(
        (
            cell.job.stage,
            *(str(value) for value in cell.job.facets.values()),
            getattr(cell.job.config, "profile", ""),
            *(str(getattr(cell.job.config, name, "")) for name in ("frames", "stride")),
        )
        for cell in cells(name)
    )
    assert [key for key, number in told.items() if number > 1] == []


def test_a_source_of_still_clips_is_one_of_appearance():
    told = {
        (cell.job.facets["source"], cell.job.facets["source_kind"])
        for cell in cells("data-distribution")
        if cell.job.facets["arm"] != "random"
    }
    assert told == {("builtin-motions", "temporal"), ("builtin-motions, one frame", "appearance")}


def test_maps_of_layers_use_the_runs_of_the_other_studies():
    """Per network and seed: seven tasks and random weights, then seeds against each other, each from one fine-tuning."""
    whole = {cell.job.signature for cell in cells("pretext-backbones")}
    found = cells("feature-analysis", parts=("tasks", "seeds"))
    assert {cell.job.signature for cell in found if cell.job.stage != "similarity"} <= whole
    assert stages(found) == {"pretrain": 2 * 2 * 7, "finetune": 2 * 2 * 8, "similarity": 2 * 2 * 8 + 2 * 8}
    harder = {
        cell.job.signature
        for cell in cells("feature-analysis", parts=("complexity",))
        if cell.job.stage == "pretrain"
    }
    assert harder & {cell.job.signature for cell in cells("complexity")}


@pytest.mark.parametrize("scale", SCALES)
def test_every_map_is_of_the_same_clips_and_waits_for_its_networks(scale):
    found = [cell for cell in cells("feature-analysis", scale=scale) if cell.job.stage == "similarity"]
    assert len({(cell.job.config.seed, cell.job.config.videos, cell.job.config.data) for cell in found}) == 1
    assert all(len(cell.needs) == 1 + bool(cell.job.config.b) for cell in found)
    assert {name for cell in found for name in (cell.job.config.perturb or ("none",))} >= {"none", "reversal"}


def test_a_map_of_two_seeds_is_no_map_of_one():
    found = cells("feature-analysis", parts=("tasks", "seeds"), tasks=("vcop",), backbones=("r2plus1d-tiny",))
    names = [cell.job.facets["arm"] for cell in found if cell.job.stage == "similarity"]
    tuned = "vcop, r2plus1d-tiny, fine-tuned on builtin-motions, seed {}"
    assert f"{tuned.format(0)} | {tuned.format(1)}" in names
    assert tuned.format(0) in names
    assert len(set(names)) == len(names) == 6


def test_the_zero_shot_study_asks_every_network_about_every_set_and_has_its_controls():
    found = cells("zeroshot")
    assert stages(found) == {"pretrain": 3 * 4, "zeroshot": 3 * 4 * 3, "robustness": 3 * 4}
    learnt = {(c.job.config.backbone, c.job.config.stride) for c in found if c.job.stage == "pretrain"}
    assert {("frame-average-tiny", 3), ("r2plus1d-tiny", 0), ("r2plus1d-tiny", 3)} <= learnt
    told = {
        (c.job.facets["backbone"], c.job.facets["source"], c.job.facets["seed"])
        for c in found
        if c.job.stage == "robustness"
    }
    assert len(told) == 3 * 4
    assert {c.job.facets["protocol"] for c in found if c.job.stage != "pretrain"} == {"zero-shot Z1"}


def test_public_models_of_the_zero_shot_study_are_asked_by_the_prompts_of_their_data():
    with pytest.raises(UsageError, match="wanted --weights with the models"):
        cells("zeroshot", scale="paper")


def test_students_wait_for_their_teachers_and_the_matched_arm_costs_what_they_do():
    found = cells("distill-capacity")
    by_name = {cell.job.signature: cell for cell in found}
    taught = [cell for cell in found if getattr(cell.job.config, "teachers", ())]
    for cell in taught:
        folders = {Path(word).name for word in cell.job.config.teachers}
        assert folders <= cell.needs
        assert {by_name[name].job.facets["seed"] for name in folders} == {cell.job.facets["seed"]}
        assert {by_name[name].job.facets["data"] for name in folders} == {cell.job.facets["data"]}
    arms = {cell.job.facets["arm"] for cell in taught}
    assert len(arms) == 17, (
        "two starts, each with five weightings, two teachers alone and permuted ones; itself from random weights"
    )
    budgets = {cell.job.config.budget for cell in found if cell.job.stage == "finetune"}
    assert budgets == {None, round(20 * (1 + (0.13 + 0.544) / (3 * 0.13)))}
