"""Distillation end to end on tiny real files, and what is refused before anything is trained."""

import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

import muybridge
from muybridge.core.errors import UsageError
from muybridge.objectives.labels.distilled import Distilled
from muybridge.objectives.labels.supervised import Supervised
from muybridge.objectives.labels.teacher_features import FeatureTargets, Standard
from muybridge.objectives.labels.teacher_memory import TeacherMemory, keys_of
from muybridge.report.claims.lesson_claims import teacher_sets
from muybridge.report.gather.collect import collect
from muybridge.report.sections.study.claims_section import world
from muybridge.runs.records import Run
from muybridge.stages.training.taught import columns_of, permuted
from muybridge.stages.training.teachers import Teacher
from muybridge.train.checkpoint import load_weights

TINY: dict[str, Any] = {
    "frames": 4, "stride": 1, "size": 20, "crop": 16, "precision": "fp32", "batch": 4, "epochs": 1, "folds": 2, "fold": 0,
}  # fmt: skip


@pytest.fixture(scope="module")
def out(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("distill") / "out"


@pytest.fixture(scope="module")
def teachers(videos, out) -> list[Path]:
    return [
        muybridge.finetune(data=videos, out=out, backbone=name, **TINY).path
        for name in ("r2plus1d-tiny", "shufflenet-tiny")
    ]


def distill(videos, out, teachers, **values) -> Run:
    return muybridge.distill(teachers, "r2plus1d-tiny", data=videos, out=out, **TINY | values)


@pytest.fixture(scope="module")
def student(videos, out, teachers) -> Run:
    return distill(videos, out, teachers, epochs=2)


def test_a_run_says_its_teachers_their_weights_and_losses(student: Run, teachers):
    told = student.result
    assert told["facets"]["arm"] == "random taught by random and random shufflenet-tiny, ae-kd"
    assert [told["inputs"][f"teacher-{i}"]["signature"] for i in (1, 2)] == [one.name for one in teachers]
    row = student.metrics[-1]
    assert row["weight.supervised.supervised"] == 1
    assert row["weight.teacher-1.kd"] + row["weight.teacher-2.kd"] == pytest.approx(0.9)
    assert 0.36 - 1e-6 <= row["weight.teacher-1.kd"] <= 0.54 + 1e-6
    assert row["teacher-2.kd"] > 0
    assert {"teacher-1.label", "teacher-1.accuracy"} <= row.keys()


def test_the_budget_counts_what_teachers_compute(videos, out, teachers, student: Run):
    told = student.result["budget"]
    alone = muybridge.finetune(data=videos, out=out, **TINY | {"epochs": 2}).result["budget"]
    assert told["steps"] == alone["steps"]
    assert told["clips"] == 3 * alone["clips"]
    one = distill(videos, out, teachers[:1], epochs=2).result["budget"]
    assert alone["flops"] < one["flops"] < told["flops"]
    assert one["flops"] / alone["flops"] == pytest.approx(4 / 3, abs=0.06), (
        "a forward pass beside one forward and backward"
    )


def test_teachers_are_neither_changed_nor_saved(teachers, student: Run):
    before = load_weights(teachers[0] / "weights.safetensors")
    own = load_weights(student.path / "weights.safetensors")
    assert own.keys() == before.keys()
    assert not all(torch.equal(own[name], before[name]) for name in own)


def test_a_student_is_tested_under_perturbations_and_reported_beside_its_teachers(videos, out, student: Run):
    found = muybridge.robustness(student.path, out=out, types=("gaussian_noise",), severities=(1,))
    assert found.result["facets"]["arm"] == student.result["facets"]["arm"]
    muybridge.report(out)
    html = (out / "report.html").read_text()
    assert "teacher-2.kd, seed 0" in html
    rows = (out / "tables" / "terms.csv").read_text()
    assert "teacher-1.kd" in rows


def test_a_stopped_run_ends_with_the_bits_of_an_undisturbed_one(videos, out, teachers, tmp_path, monkeypatch):
    from muybridge.stages.training import training

    fit = training.fit
    values = {"epochs": 2, "weighting": "best-only"}
    whole = distill(videos, out, teachers, **values)
    kept = tmp_path / "out"

    def stopped(*args: Any, **kwargs: Any) -> Any:
        fit(*args, **kwargs, stop_after=2)
        raise RuntimeError("stopped")

    monkeypatch.setattr(training, "fit", stopped)
    with pytest.raises(RuntimeError, match="stopped"):
        distill(videos, kept, teachers, **values)
    monkeypatch.setattr(training, "fit", fit)
    again = distill(videos, kept, teachers, **values)
    assert again.metrics == whole.metrics
    assert (again.path / "weights.safetensors").read_bytes() == (
        whole.path / "weights.safetensors"
    ).read_bytes()


def stopped_and_again(distilled, kept: Path, monkeypatch) -> Run:
    """A run that is killed after two steps, and goes on."""
    from muybridge.stages.training import training

    fit = training.fit

    def stopped(*args: Any, **kwargs: Any) -> Any:
        fit(*args, **kwargs, stop_after=2)
        raise RuntimeError("stopped")

    monkeypatch.setattr(training, "fit", stopped)
    with pytest.raises(RuntimeError, match="stopped"):
        distilled(kept)
    monkeypatch.setattr(training, "fit", fit)
    return distilled(kept)


STILL: dict[str, Any] = {"epochs": 4, "augment": ("centre-crop",), "frames": 1}


def test_cached_answers_are_those_of_live_teachers_for_fewer_passes(
    videos, out, teachers, tmp_path, monkeypatch
):
    live = distill(videos, out, teachers, **STILL)
    cached = distill(videos, out, teachers, **STILL, teacher_views="cached")
    assert cached.signature != live.signature
    terms = [name for name in live.metrics[-1] if not name.startswith("weight.")]
    assert [[row[name] for name in terms] for row in cached.metrics] == [
        [row[name] for name in terms] for row in live.metrics
    ]
    assert (cached.path / "weights.safetensors").read_bytes() == (
        live.path / "weights.safetensors"
    ).read_bytes()
    own, other = cached.result["budget"], live.result["budget"]
    memory = own["without_gradient"] // 2
    assert 0 < memory < own["with_gradient"] == other["with_gradient"] == other["without_gradient"] // 2
    assert own["clips"] == own["with_gradient"] + 2 * memory
    spared = (other["flops"] - own["flops"]) / (other["without_gradient"] // 2 - memory)
    alone = muybridge.finetune(data=videos, out=out, **TINY | STILL).result["budget"]
    assert spared == pytest.approx((other["flops"] - alone["flops"]) / alone["clips"], rel=1e-4), (
        "but for what AE-KD itself multiplies"
    )
    assert sum(own["shares"].values()) == pytest.approx(1)
    again = stopped_and_again(
        lambda kept: distill(videos, kept, teachers, **STILL, teacher_views="cached"),
        tmp_path / "out",
        monkeypatch,
    )
    assert (again.path / "weights.safetensors").read_bytes() == (
        cached.path / "weights.safetensors"
    ).read_bytes()
    told = {
        name: value for name, value in again.result["budget"].items() if name not in ("seconds", "waiting")
    }
    assert told == {name: own[name] for name in told}


def test_no_clip_is_shown_twice():
    shown: list[int] = []

    def ask(clips: torch.Tensor) -> torch.Tensor:
        shown.append(len(clips))
        return clips.flatten(1).sum(1, keepdim=True)

    memory, pixels = TeacherMemory(), torch.randint(0, 256, (4, 3, 2, 4, 4), dtype=torch.uint8)
    pixels[3] = pixels[0]
    for rows in (slice(0, 4), slice(1, 3), slice(0, 1)):
        clips = pixels[rows].float()
        assert torch.equal(memory.ask(clips, keys_of(pixels[rows]), ask), ask_alone(clips))
    assert shown == [3]
    twin = TeacherMemory()
    twin.load_state_dict(memory.state_dict())
    assert torch.equal(twin.ask(pixels.float(), keys_of(pixels), ask), ask_alone(pixels.float()))
    assert (shown, twin.passes, twin.asked) == ([3], 3, 11)


def ask_alone(clips: torch.Tensor) -> torch.Tensor:
    return clips.flatten(1).sum(1, keepdim=True)


def test_features_are_terms_whose_projectors_are_thrown_away(videos, out, teachers, student: Run):
    run = distill(videos, out, teachers, feature_weight=0.5, feature_targets="standardised")
    row = run.metrics[-1]
    assert row["teacher-1.feature"] > 0
    assert row["weight.teacher-1.feature"] == pytest.approx(0.5 * row["weight.teacher-1.kd"] / 0.9, rel=1e-4)
    assert "features 0.5" in run.result["facets"]["arm"]
    kept = load_weights(run.path / "weights.safetensors")
    assert kept.keys() == load_weights(student.path / "weights.safetensors").keys()
    fixed = distill(videos, out, teachers, feature_weight=0.5, weighting="fixed")
    assert fixed.metrics[-1]["weight.teacher-2.feature"] == 0.5


def test_gradients_of_features_reach_student_and_projectors_alone():
    torch.manual_seed(0)
    targets = FeatureTargets(3, (4, 5), standardised=True)
    pooled, theirs = torch.randn(6, 3, requires_grad=True), torch.randn(6, 9, requires_grad=True)
    sum(targets(pooled, theirs)).backward()
    assert pooled.grad is not None
    assert pooled.grad.abs().sum() > 0
    assert theirs.grad is None
    assert all(one.weight.grad is not None for one in targets.projectors)


def test_features_are_standardised_by_all_that_came_so_far():
    torch.manual_seed(0)
    rows, standard = torch.randn(12, 4) * 3 + 5, Standard(4)
    for part in rows.split((5, 4, 3)):
        found = standard(part)
    wanted = (rows[-3:] - rows.mean(0)) / (rows.var(0, correction=0) + 1e-5).sqrt()
    torch.testing.assert_close(found, wanted, rtol=1e-5, atol=1e-5)
    assert torch.equal(standard.eval()(rows[-3:]), found), "nothing is taken in outside of training"


def test_what_teachers_have_in_common_is_read_from_a_map_of_their_last_stages(
    videos, out, teachers, student: Run
):
    muybridge.similarity(
        str(teachers[0]), str(teachers[1]), data=videos, out=out, layers=("stages",), pool="all", batch=4, permutations=4,
        replicates=4,
    )  # fmt: skip
    found = teacher_sets(world(collect(out)))
    assert [
        one.lesson.student.arm.runs[0].signature
        for one in found
        if one.lesson.student.arm.runs[0].path == student.path
    ]
    assert all(-1 <= one.similarity <= 1 for one in found)


def test_equal_teachers_share_and_a_student_that_is_its_teacher_has_no_loss():
    torch.manual_seed(0)
    frames, target = torch.rand(4, 3, 2, 4, 4), torch.tensor([0, 1, 2, 0])
    supervised = Supervised(3, 3)

    class Means:
        def __init__(self, clips: torch.Tensor) -> None:
            self.pooled = clips.mean((2, 3, 4))

    def same(clips: torch.Tensor) -> torch.Tensor:
        return supervised.head(Means(clips).pooled)

    found = Distilled(supervised, [same, same]).outcome(Means, {"clip": frames, "target": target})
    assert list(found.terms) == list(Distilled(supervised, [same, same]).terms)
    assert found.terms["teacher-1.kd"].item() == pytest.approx(0, abs=1e-6)
    torch.testing.assert_close(found.monitors["teacher-2.label"], found.terms["supervised.supervised"])


def test_classes_are_matched_by_name():
    assert columns_of(("b", "A_x"), ("a x", "c", "B"), "T") == [2, 0]
    for classes in (("b", "d"), ("0", "1"), ("a x", "A_x")):
        with pytest.raises(UsageError, match="--teachers T"):
            columns_of(classes, ("a x", "c", "b"), "T")


@pytest.mark.parametrize("seed", range(5))
def test_permuted_classes_keep_none_in_its_place(seed: int):
    own = [4, 2, 0, 1]
    found = permuted(own, seed)
    assert sorted(found) == sorted(own)
    assert all(a != b for a, b in zip(found, own, strict=True))


def test_a_teacher_answers_in_the_order_of_the_student():
    scores = torch.randn(2, 3)
    assert torch.equal(Teacher(torch.nn.Identity(), [2, 0, 1])(scores), scores[:, [2, 0, 1]])


def test_permuted_teachers_are_another_arm(videos, out, teachers, student: Run):
    other = distill(videos, out, teachers, epochs=2, teacher_classes="permuted")
    assert "with permuted classes" in other.result["facets"]["arm"]
    assert other.signature != student.signature
    one, two = (run.metrics[-1]["teacher-1.accuracy"] for run in (other, student))
    assert one + two == pytest.approx(1), "two classes changed round"


def test_a_teacher_trained_on_test_videos_is_refused(videos, out, teachers):
    with pytest.raises(UsageError, match="was trained on 8 of the 8 videos"):
        distill(videos, out, teachers, fold=1)


def test_other_classes_are_refused(videos, out, teachers, tmp_path):
    other = tmp_path / "other"
    shutil.copytree(videos, other)
    (other / "left").rename(other / "lift")
    with pytest.raises(UsageError, match=r"'lift'"):
        distill(other, out, teachers)


REFUSED = [
    (lambda t: [t[0], t[0]], {}, "twice"),
    (lambda t: [], {}, "wanted teachers"),
    (lambda t: ["nowhere"], {}, "finetune|probe"),
    (lambda t: t, {"auxiliary": ("vcop",)}, "--auxiliary"),
    (lambda t: t, {"teacher_temperature": 0.0}, "above 0"),
    (lambda t: t, {"teacher_views": "cached"}, "--augment crop makes a new clip"),
    (lambda t: t, {"teacher_views": "cached", "augment": ("centre-crop",), "budget": 40}, "steps or epochs"),
    (lambda t: t, {"feature_weight": -1.0}, "0 or more"),
    (lambda t: t, {"feature_targets": "standardised"}, "--feature-weight above 0"),
    (lambda t: t, {"weighting": "ae-kdd"}, "Did you mean 'ae-kd'"),
    (lambda t: t, {"weighting_options": ("cap=0",)}, "cap=0"),
]  # fmt: skip


@pytest.mark.parametrize(("of", "values", "words"), REFUSED)
def test_what_cannot_be_is_refused(of, values, words, videos, tmp_path, teachers):
    with pytest.raises(UsageError, match=words):
        distill(videos, tmp_path, of(teachers), **values)
    assert not list(tmp_path.glob("runs/*/*/metrics.jsonl"))


def test_teacher_weightings_and_controls_want_teachers(videos, tmp_path):
    for values in (
        {"weighting": "ae-kd"},
        {"teacher_classes": "permuted"},
        {"teacher_views": "cached"},
        {"feature_weight": 0.5},
    ):
        with pytest.raises(UsageError, match="--teachers"):
            muybridge.finetune(data=videos, out=tmp_path, **TINY | values)


def test_the_command_line_makes_the_same_run(run, videos, out, teachers, student: Run):
    words = [w for name, value in (TINY | {"epochs": 2}).items() for w in (f"--{name}", value)]
    code, said, err = run(
        "distill", "--teachers", *teachers, "--student", "r2plus1d-tiny", "--data", videos, "--out", out, *words
    )  # fmt: skip
    assert code == 0, err
    assert student.signature in said + err
    assert run("distill", "--data", videos)[0] == 2
