"""Audits from end to end on small videos: the card against its rows, what is chosen and kept, and every input that is bad."""

import csv
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import muybridge
from muybridge.audit import data_look
from muybridge.audit.conduct import Audit
from muybridge.audit.data_look import hints_of, look
from muybridge.audit.flip_pictures import flips_of
from muybridge.audit.readings import are_probabilities, as_logits, calibrated, readings_of
from muybridge.core.errors import UsageError
from muybridge.data import sources
from muybridge.data.decode.video import write
from muybridge.data.index import spread
from muybridge.measure.zeroshot_scores import probabilities
from muybridge.runs.contents.predictions import Predictions, read_predictions
from muybridge.runs.seal import seal
from muybridge.stages.testing import parts

CUT = {"frames": 4, "stride": 3, "short_side": 24, "crop": 20, "views": "1x1", "protocol": "ucf101"}
FAST = {"precision": "fp32", "device": "cpu", "workers": 1}


class Motion(nn.Module):
    """Right on the videos of the tests: which way the bright square moves from the first frame to the last."""

    def __init__(self) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.tensor(40.0))

    def forward(self, frames: torch.Tensor) -> torch.Tensor:
        where = torch.linspace(-1, 1, frames.shape[-1], device=frames.device)
        weight = (frames.mean(1) - frames.mean(1).amin((-1, -2), keepdim=True)).sum(-2) + 1e-6
        place = (weight * where).sum(-1) / weight.sum(-1)
        moved = (place[:, 1:] - place[:, :-1]).clamp(-0.3, 0.3).sum(1)
        return torch.stack([-moved, moved], 1) * self.gain


CALLS = {"made": 0, "stop": 0}
"""Forward passes of ``Counted``, and the one that is interrupted; 0: none."""


class Counted(Motion):
    """Counts its forward passes, and is interrupted where it is asked to."""

    def forward(self, frames: torch.Tensor) -> torch.Tensor:
        CALLS["made"] += 1
        if CALLS["made"] == CALLS["stop"]:
            raise KeyboardInterrupt
        return super().forward(frames)


@pytest.fixture(scope="module", autouse=True)
def _few() -> Iterator[None]:
    """The first two sets of conditions, so that tests are quick; the minutes that they give are far more than enough anywhere."""
    from muybridge.audit import conduct, rungs

    whole = rungs.rungs
    with pytest.MonkeyPatch.context() as patch:
        for module in (rungs, conduct):
            patch.setattr(module, "rungs", lambda frames: whole(frames)[:2])
        yield


@pytest.fixture(scope="module")
def audited(videos: Path, tmp_path_factory: pytest.TempPathFactory) -> Audit:
    out = tmp_path_factory.mktemp("audit") / "out"
    return muybridge.audit(Motion(), videos, name="motion", minutes=60, out=out, **CUT, **FAST)


def told(found: Audit) -> dict:
    return json.loads((found.folder / "card.json").read_text())


def test_the_card_is_made_of_the_rows_of_a_sealed_run(audited: Audit):
    card, rows = told(audited), read_predictions(audited.run.path / "predictions.parquet")
    clean = rows.condition("clean", 0)
    assert card["numbers"]["accuracy"]["value"] == pytest.approx(clean.correct.mean())
    for row in card["rows"]:
        if row["part"] != "perturbations" and row["accuracy"]:
            name, _, severity = row["conditions"].partition(" ")
            some = rows.condition(name, int(severity or 0))
            assert row["accuracy"]["value"] == pytest.approx(some.correct.mean())
            assert row["drop"]["value"] == pytest.approx(clean.correct.mean() - some.correct.mean())
            assert row["changed"]["value"] == pytest.approx((some.predicted != clean.predicted).mean())
    assert card["runs"][0]["signature"] == audited.run.signature
    assert audited.run.result["files"]["predictions.parquet"]["sha256"]


def test_means_of_categories_count_each_type_once(audited: Audit):
    rows = read_predictions(audited.run.path / "predictions.parquet")
    for row in told(audited)["rows"]:
        if row["part"] == "perturbations" and row["name"] == "noise":
            assert row["accuracy"]["value"] == pytest.approx(
                rows.condition("gaussian_noise", 3).correct.mean()
            )
        if row["part"] == "perturbations" and row["name"] == "temporal":
            each = [
                rows.condition(*one).correct.mean()
                for one in (("freezing", 5), ("jumbling", 5), ("reversal", 1), ("sampling", 3))
            ]
            assert row["accuracy"]["value"] == pytest.approx(np.mean(each))


def test_all_comparisons_are_one_family(audited: Audit):
    from muybridge.measure.intervals import holm

    found = told(audited)["comparisons"]
    adjusted = holm([one["p"] for one in found.values()])
    assert [one["p_holm"] for one in found.values()] == pytest.approx(adjusted)
    assert all(one["stands"] == (one["p_holm"] <= 0.05) for one in found.values())


def test_a_model_of_motion_is_found_to_use_the_order_of_frames(audited: Audit):
    verdicts = {one["key"]: one for one in told(audited)["verdicts"]}
    assert verdicts["time"]["short"] == "yes, the order of frames"
    assert "mirror" in verdicts["time"]["words"]
    assert verdicts["accuracy"]["words"].endswith("That is above chance.")


def test_the_pages_are_whole_small_and_load_nothing(audited: Audit):
    page = (audited.folder / "card.html").read_text()
    assert len(page.encode()) < 300_000
    assert not re.search(r"(src|href)=\"(?!data:)", page)
    assert page.count("data:image/jpeg") % 2 == 0
    for name in ("card.html", "card.md", "model-card.md"):
        text = (audited.folder / name).read_text()
        assert "motion" in text
        assert "Holm" in text
    for verdict in told(audited)["verdicts"]:
        assert verdict["title"] in (audited.folder / "card.md").read_text()


def test_a_report_of_the_folder_works(audited: Audit):
    written = muybridge.report(audited.folder.parent)
    text = Path(written.markdown).read_text()
    assert "motion" in text
    assert "gaussian" in text


def test_flips_are_right_answers_that_turn_wrong(audited: Audit):
    dataset = sources.load([str(next(iter(audited.run.result["data"]["source"])))])
    seen = look(dataset, [], list(dataset.records), len(dataset), 1, 0, 4, lambda *_: None)
    found = readings_of(audited.run, seen)
    flips = flips_of(found)
    assert flips
    for one in flips:
        assert one.clean == one.label != one.answer


def test_the_same_command_reads_the_plan_and_computes_nothing_again(
    audited: Audit, videos: Path, capsys: pytest.CaptureFixture[str]
):
    before = (audited.folder / "plan.json").read_text()
    stamp = (audited.run.path / "result.json").stat().st_mtime_ns
    again = muybridge.audit(
        Motion(), videos, name="motion", minutes=60, out=audited.folder.parent, **CUT, **FAST
    )
    assert (audited.folder / "plan.json").read_text() == before
    assert (again.run.path / "result.json").stat().st_mtime_ns == stamp
    assert "planned before" in capsys.readouterr().err


def test_a_plan_that_is_damaged_is_made_anew(audited: Audit, videos: Path, tmp_path: Path):
    out = tmp_path / "out"
    shutil.copytree(audited.folder.parent, out)
    (out / "audit" / "plan.json").write_text('{"version": 1, "choice": 3}')
    found = muybridge.audit(Motion(), videos, name="motion", minutes=60, out=out, **CUT, **FAST)
    assert json.loads((out / "audit" / "plan.json").read_text())["choice"]["videos"] == 16
    assert found.run.signature == audited.run.signature


def test_what_goes_on_after_a_kill_ends_with_the_same_rows(
    audited: Audit, videos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """A kill leaves the plan and parts of the rows; here it comes when some videos are done."""
    out = tmp_path / "out"
    monkeypatch.setattr(parts, "SECONDS", 0.0)  # a part after every video
    asked = {"name": "motion", "minutes": 60, "out": out, "batch": 1, **CUT, **FAST}
    monkeypatch.setitem(CALLS, "stop", 120)
    monkeypatch.setitem(CALLS, "made", 0)
    with pytest.raises(KeyboardInterrupt):
        muybridge.audit(Counted(), videos, **asked)
    assert (out / "audit" / "plan.json").is_file()
    assert not (out / "audit" / "card.html").is_file()
    assert list(out.glob("runs/robustness/*/state/rows-*"))
    CALLS["stop"] = CALLS["made"] = 0
    found = muybridge.audit(Counted(), videos, **asked)
    assert CALLS["made"] < 16 * 14 - 50  # what was done is not done again
    assert (out / "audit" / "card.html").is_file()
    both = [read_predictions(one.run.path / "predictions.parquet") for one in (found, audited)]
    order = [np.lexsort((one.video, one.severity, one.perturbation)) for one in both]
    assert both[0].scores[order[0]] == pytest.approx(both[1].scores[order[1]], abs=1e-4)


def test_a_time_too_short_says_the_least(videos: Path, tmp_path: Path):
    with pytest.raises(UsageError, match=r"too few for anything.*The least is about --minutes"):
        muybridge.audit(Motion(), videos, name="motion", minutes=0.01, out=tmp_path / "out", **CUT, **FAST)
    assert not list((tmp_path / "out").glob("runs/*"))


def listed(path: Path, videos: Path, rows: list[tuple[str, str, str]]) -> Path:
    """A list of videos with label and group."""
    with path.open("w", newline="") as file:
        out = csv.writer(file)
        out.writerow(["path", "label", "group"])
        out.writerows([str(videos / name), label, group] for name, label, group in rows)
    return path


def small(data: Path, tmp_path: Path, model: object = None, **more: object) -> Audit:
    return muybridge.audit(
        model or Motion(), data, name="motion", minutes=60, out=tmp_path / "out", **CUT, **FAST, **more
    )


def test_one_clip_has_no_interval_and_says_so(videos: Path, tmp_path: Path):
    data = listed(tmp_path / "one.csv", videos, [("left/0.mp4", "left", "a")])
    card = told(small(data, tmp_path, class_names=["left", "right"]))
    assert card["numbers"]["accuracy"]["low"] is None
    assert not any(one["stands"] for one in card["comparisons"].values())
    assert any("one source group" in one for one in card["limits"])
    assert any("Only 1 video:" in one for one in card["limits"])
    assert any("of one class" in one for one in card["limits"])


def test_one_group_of_several_clips_has_no_verdict(videos: Path, tmp_path: Path):
    rows = [(f"{label}/{i}.mp4", label, "same") for label in ("left", "right") for i in range(4)]
    card = told(small(listed(tmp_path / "group.csv", videos, rows), tmp_path))
    assert card["numbers"]["by_group"] == {"same": {"right": 8, "videos": 8}}
    assert not any(one["stands"] for one in card["comparisons"].values())
    assert "one source group" in card["answer"]


def test_data_without_labels_are_refused_with_the_way_out(videos: Path, tmp_path: Path):
    data = tmp_path / "bare.csv"
    data.write_text("path\n" + "".join(f"{videos / 'left' / f'{i}.mp4'}\n" for i in range(4)))
    with pytest.raises(UsageError, match=r"no labelled videos to test on.*--label"):
        small(data, tmp_path)


def test_classes_that_do_not_match_say_which_do_and_which_do_not(videos: Path, tmp_path: Path):
    with pytest.raises(UsageError) as refused:
        small(videos, tmp_path, class_names=["left", "up", "down"])
    words = str(refused.value)
    assert "'right' is none of the model's 3 classes" in words
    assert "1 of 2 labels match ('left')" in words
    assert "'up'" in words
    assert "--label" in words


def test_a_model_of_nan_is_said_to_give_no_numbers(videos: Path, tmp_path: Path):
    class Nan(Motion):
        def forward(self, frames: torch.Tensor) -> torch.Tensor:
            return super().forward(frames) * float("nan")

    card = told(small(videos, tmp_path, Nan()))
    assert "gives no numbers" in card["answer"]
    assert card["numbers"]["without_scores"] == 16
    assert card["numbers"]["calibration"] is None
    assert (tmp_path / "out" / "audit" / "card.html").is_file()


def test_broken_videos_are_refused_or_count_as_wrong(videos: Path, tmp_path: Path):
    folder = tmp_path / "videos"
    shutil.copytree(videos, folder)
    (folder / "left" / "3.mp4").write_bytes(b"no video")
    with pytest.raises(UsageError, match=r"1 of .* videos are broken.*--allow-broken"):
        small(folder, tmp_path)
    card = told(small(folder, tmp_path, allow_broken=True))
    assert card["data"]["broken"] == 1
    assert card["numbers"]["without_scores"] == 1
    assert card["numbers"]["doctor"]["findings"]["broken"] == 1
    assert next(one["mark"] for one in card["verdicts"] if one["key"] == "data") == "bad"


def test_a_shortcut_of_the_data_is_found(tmp_path: Path):
    """Longer videos for one class: their length, and with it the size of the file, tells the label."""
    root = tmp_path / "videos"
    for label, frames in (("left", 16), ("right", 30)):
        (root / label).mkdir(parents=True)
        for i in range(8):
            clip = np.random.default_rng([frames, i]).integers(0, 60, (frames, 24, 24, 3), np.uint8)
            write(root / label / f"{i}.mp4", clip, 12.0)
    dataset = sources.load([str(root)])
    seen = look(dataset, [], list(dataset.records), 16, 1, 0, 4, lambda *_: None)
    assert not isinstance(seen.hints, str)
    assert seen.hints["length"].accuracy.value == 1
    assert seen.hints["length"].above.p < 0.01
    assert seen.hints["resolution"].accuracy.value <= 0.5
    few = hints_of(dataset, dataset.records[:5], seen.survey)
    assert isinstance(few[0], str)


def test_a_look_that_takes_too_long_is_cut_to_a_quarter(videos: Path, monkeypatch: pytest.MonkeyPatch):
    """By a clock that stands still until the first look is done, and then is late once."""
    monkeypatch.setattr(data_look, "FEWEST", 2)
    dataset, times = sources.load([str(videos)]), iter([0.0, 100.0])
    found = look(
        dataset, [], list(dataset.records), 16, 1, 0, 4, lambda *_: None, 10.0, lambda: next(times, 100.0)
    )  # fmt: skip
    assert len(found.looked) == 4
    assert len({r.label for r in dataset.records if r.id in found.looked}) == 2


def test_the_order_free_reader_is_blind_to_order_and_no_more(videos: Path, tmp_path: Path):
    """Left and right are told by order alone: the reader is right in no more videos than chance allows; shades it tells."""
    dataset = sources.load([str(videos)])
    half = [r for r in dataset.records if int(Path(r.id).stem) % 2]
    rest = [r for r in dataset.records if r not in half]
    seen = look(dataset, half, rest, 16, 1, 0, 4, lambda *_: None)
    assert not isinstance(seen.reader, str)
    assert len(seen.reader) == 8
    root = tmp_path / "shades"
    for label, shade in (("dark", 40), ("light", 200)):
        (root / label).mkdir(parents=True)
        for i in range(6):
            write(root / label / f"{i}.mp4", np.full((12, 24, 24, 3), shade + i, np.uint8), 12.0)
    shades = sources.load([str(root)])
    some = [r for r in shades.records if int(Path(r.id).stem) % 2]
    other = [r for r in shades.records if r not in some]
    told_ = look(shades, some, other, 12, 1, 0, 4, lambda *_: None)
    assert all(told_.reader.values())


def test_videos_are_chosen_over_classes_and_groups(videos: Path, tmp_path: Path):
    rows = [(f"{label}/{i}.mp4", label, f"{label}-{i // 3}") for label in ("left", "right") for i in range(8)]
    dataset = sources.load([str(listed(tmp_path / "groups.csv", videos, rows))], group="group")
    for size in (2, 4, 6):
        chosen = spread(dataset.records, size, 3)
        assert len({r.label for r in chosen}) == 2
        assert len({r.group for r in chosen}) == size
        assert set(chosen) <= set(spread(dataset.records, size + 3, 3))
    assert spread(dataset.records, 4, 3) != spread(dataset.records, 4, 4)


def rows_of(scores: np.ndarray, labels: list[int]) -> Predictions:
    n = len(labels)
    names = np.array([f"v{i}" for i in range(n)])
    return Predictions(
        names, names, np.array(labels), np.zeros(n, np.int64), np.full(n, "clean"), np.zeros(n, np.int64), scores.astype(np.float32)
    )  # fmt: skip


def test_probabilities_are_taken_as_they_are():
    logits = np.array([[2.0, 0.0, -1.0], [0.5, 1.5, 0.0], [0.0, 0.1, 0.2], [3.0, -2.0, 0.0]])
    given = rows_of(probabilities(logits), [0, 1, 0, 0])
    assert are_probabilities(given)
    assert not are_probabilities(rows_of(logits, [0, 1, 0, 0]))
    assert probabilities(as_logits(given).scores) == pytest.approx(given.scores, abs=1e-6)
    both = calibrated(given), calibrated(rows_of(logits, [0, 1, 0, 0]))
    assert both[0].error.value == pytest.approx(both[1].error.value, abs=1e-6)
    assert both[0].over.value == pytest.approx(probabilities(logits).max(1).mean() - 0.75, abs=1e-6)


def test_an_own_run_is_audited_on_its_own_test_videos_also_where_it_is_older(videos: Path, tmp_path: Path):
    run = muybridge.finetune(data=videos, epochs=1, fold=0, out=tmp_path / "runs", workers=1)
    result = run.path / "result.json"
    content = json.loads(result.read_text())
    config = (run.path / "config.yaml").read_text()
    for name in ("teacher_temperature", "meta_share", "stream"):  # fields that came later
        content["config"].pop(name)
        config = re.sub(rf"(?m)^{name}:.*\n", "", config)
    (run.path / "config.yaml").write_text(config)
    old = {name: value for name, value in content.items() if name not in ("files", "sha256")}
    result.write_text(json.dumps(seal(run.path, old)))
    found = muybridge.audit(run, minutes=60, out=tmp_path / "out", workers=1)
    card = told(found)
    assert card["question"].startswith("How far can random (fine-tune")
    assert card["data"]["videos"] == content["data"]["videos"]["test"]
    assert "training videos" in next(one["words"] for one in card["verdicts"] if one["key"] == "time")
    assert any("trained on other videos of the same data" in one for one in card["limits"])


@pytest.mark.parametrize("columns", [80, 120])
def test_the_command_prints_the_card_as_wide_as_the_terminal(
    run, videos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, columns: int
):
    monkeypatch.setenv("COLUMNS", str(columns))
    (tmp_path / "own.py").write_text(
        "import torch\ndef build():\n    return lambda frames: frames.mean((1, 2, 3, 4))[:, None] * torch.ones(2)\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    words = [
        "audit",
        "own:build",
        "--data",
        videos,
        "--minutes",
        "60",
        "--frames",
        "4",
        "--short-side",
        "24",
        "--crop",
        "20",
    ]
    words += [
        "--views",
        "1x1",
        "--limit",
        "4",
        "--out",
        tmp_path / "out",
        "--workers",
        "1",
        "--device",
        "cpu",
    ]
    code, out, err = run(*words, "--dry-run")
    assert code == 0
    assert "videos under" in err
    assert not (tmp_path / "out").exists()
    code, out, err = run(*words)
    assert code == 0, err
    assert max(map(len, out.splitlines()[:-1])) <= columns
    assert "card: " in out.splitlines()[-1]
    assert "Is it right?" in out


def test_the_command_wants_a_model(run):
    code, _, err = run("audit", "--data", "x")
    assert code == 2
    assert "wanted a model" in err
