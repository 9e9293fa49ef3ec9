"""The stage from the command line and Python, on tiny random models made from configs and on the embedded motion of a square."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import muybridge
from muybridge.core.clip import to_unit
from muybridge.core.errors import UsageError
from muybridge.data.decode import video
from muybridge.runs.contents.predictions import read_predictions
from muybridge.runs.records import Run
from muybridge.stages.testing.clip_protocol import Protocol, picks
from tiny_pairs import make

pytest.importorskip("transformers")
CLASSES = {"left": "riding horse", "right": "playing guitar"}


@pytest.fixture(scope="module")
def data(videos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The two motions as classes with names that the tokenizer knows."""
    root = tmp_path_factory.mktemp("named")
    for old, new in CLASSES.items():
        shutil.copytree(videos / old, root / new.title().replace(" ", ""))
    return root


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return {kind: make(tmp_path_factory.mktemp(kind), kind) for kind in ("clip", "xclip", "videoprism")}


@pytest.fixture(scope="module")
def templates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("prompts") / "mine.txt"
    path.write_text("# own\na photo of {}\na video of a person doing {} .\n{}\n")
    return path


def only(out: Path, stage: str = "zeroshot") -> Run:
    (path,) = (out / "runs" / stage).iterdir()
    return Run(path)


@pytest.mark.parametrize("kind", ["clip", "xclip", "videoprism"])
def test_a_folder_of_a_dual_encoder_gives_a_table_by_one_command(
    kind: str, folders: dict[str, Path], data: Path, templates: Path, run: Any, tmp_path: Path
):
    code, said, errors = run(
        "zeroshot",
        "--model",
        f"hf:{folders[kind]}",
        "--data",
        data,
        "--templates",
        templates,
        "--out",
        tmp_path,
    )
    assert code == 0, errors
    assert "zero-shot of" in said
    found = only(tmp_path).result
    assert found["regime"]["name"] == ("Z1" if kind == "xclip" else "Z0")
    assert found["protocol"]["question"]["names"] == ["Playing Guitar", "Riding Horse"]
    assert (
        found["protocol"]["clips"]["crop"]
        == found["protocol"]["clips"]["short_side"]
        == (36 if kind == "videoprism" else 16)
    )
    assert found["model"]["order_free"] is (kind == "clip")
    assert any("cannot see order" in note for note in found["notes"]) is (kind == "clip")
    code, said, errors = run("report", tmp_path)
    assert code == 0, errors
    page = (tmp_path / "report.md").read_text()
    assert f"Zero-shot on {data.name} ({found['regime']['name']}" in page


def test_rows_are_those_of_a_loop_over_single_videos(
    folders: dict[str, Path], data: Path, templates: Path, tmp_path: Path
):
    from muybridge.backbones.text.dual import ZeroShot
    from muybridge.backbones.text.dual_encoders import dual_encoder

    found = muybridge.zeroshot(
        f"hf:{folders['clip']}", data, templates=str(templates), out=tmp_path, views="2x1", frames=3, batch=5
    )
    names = ["Playing Guitar", "Riding Horse"]
    prompts = [
        [t.replace("{}", n) for n in names] for t in ("a photo of {}", "a video of a person doing {} .", "{}")
    ]
    judge = ZeroShot(dual_encoder(str(folders["clip"])), names, prompts)
    for name in sorted({*found.rows.video}):
        rows = found.rows.where(found.rows.video == name)
        numbers = picks(
            Protocol(name="", frames=3, sampling="uniform", temporal=2, short_side=16, crop=16), 24, 12.0
        )
        for view, place in enumerate(numbers):
            pixels = torch.from_numpy(video.read(data / name, place.tolist(), height=16, width=16)).permute(
                3, 0, 1, 2
            )[None]
            with torch.no_grad():
                whole, _ = judge.both(to_unit(pixels))
            np.testing.assert_allclose(rows.scores[view], whole[0].numpy(), atol=1e-4)
        with torch.no_grad():
            clips = [
                to_unit(
                    torch.from_numpy(video.read(data / name, p.tolist(), height=16, width=16)).permute(
                        3, 0, 1, 2
                    )[None]
                )
                for p in numbers
            ]
            means = torch.stack([judge.both(clip)[1][0] for clip in clips]).mean(0)
        alone = found.single.where((found.single.video == name) & (found.single.perturbation == "template"))
        assert alone.predicted.tolist() == means.argmax(1).tolist()
    assert found.scores(200).prompts is not None


def test_raw_names_are_asked_beside_clean_ones(folders: dict[str, Path], videos: Path, tmp_path: Path):
    root = tmp_path / "data"
    shutil.copytree(videos / "left", root / "Bike")
    shutil.copytree(videos / "right", root / "playing_guitar")
    one = muybridge.zeroshot(f"hf:{folders['clip']}", root, out=tmp_path / "a", templates="bare")
    assert one.result["protocol"]["question"]["names"] == ["Bike", "playing guitar"]
    assert "names" in set(one.single.perturbation)


def test_a_zero_shot_run_goes_through_robustness_with_its_question_and_clips(
    folders: dict[str, Path], data: Path, templates: Path, run: Any, tmp_path: Path
):
    clean = muybridge.zeroshot(f"hf:{folders['clip']}", data, templates=str(templates), out=tmp_path, batch=4)
    types = ("jumbling", "box_jumbling", "gaussian_noise")
    code, _, errors = run(
        "robustness",
        "--model",
        clean.path,
        "--types",
        *types,
        "--severities",
        1,
        3,
        "--batch",
        4,
        "--out",
        tmp_path,
    )
    assert code == 0, errors
    rows = read_predictions(only(tmp_path, "robustness").path / "predictions.parquet")
    assert rows.condition("clean", 0).scores.tobytes() == clean.rows.scores.tobytes()
    for name in ("jumbling", "box_jumbling"):  # permutations of frames: the same bits
        for severity in (1, 3):
            assert rows.condition(name, severity).scores.tobytes() == clean.rows.scores.tobytes()
    assert rows.condition("gaussian_noise", 3).scores.tobytes() != clean.rows.scores.tobytes()
    result = only(tmp_path, "robustness").result
    assert result["facets"] == clean.result["facets"]
    assert any("cannot see order" in note for note in result["notes"])
    assert run("report", tmp_path)[0] == 0
    assert "this model cannot see order" in (tmp_path / "report.md").read_text()


def test_a_moved_file_of_templates_does_not_rename_a_run_and_another_text_does(
    folders: dict[str, Path], data: Path, templates: Path, tmp_path: Path
):
    copy = tmp_path / "copy.txt"
    copy.write_text(templates.read_text())
    model = f"hf:{folders['clip']}"
    first, second = (
        muybridge.zeroshot(model, data, templates=str(path), out=tmp_path / "a").signature
        for path in (templates, copy)
    )
    copy.write_text("a photo of {}\n")
    third = muybridge.zeroshot(model, data, templates=str(copy), out=tmp_path / "a").signature
    assert first == second != third


class Colours:
    """A user's pair of towers."""

    logit_scale = 20.0

    def video(self, frames: torch.Tensor) -> torch.Tensor:
        return frames.mean(dim=(2, 3, 4))

    def text(self, prompts: list[str]) -> torch.Tensor:
        return torch.tensor([[1.0, len(p) % 7, 0.5] for p in prompts])


def test_any_object_with_two_towers_will_do(data: Path):
    found = muybridge.zeroshot(Colours(), data, frames=2, crop=16, short_side=16)
    assert len(found.rows) == 16
    assert found.result["protocol"]["model"]["scale"] == 20
    with pytest.raises(UsageError, match="has no weights that would name"):
        muybridge.zeroshot(Colours(), data, out="somewhere")


WORDS = "playing 1 0 0\nguitar 0.8 0.2 0\nriding 0 1 0\nhorse 0 0.9 0.1\nbike 0 0.7 0.3\nhair 0 0 1\nbrush 0.1 0 1\n"


class Known(torch.nn.Module):
    """A classifier of four known classes: believes in the first by redness."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = torch.nn.Parameter(torch.tensor([3.0, 2.0, 1.0, 0.0]))

    def forward(self, frames: torch.Tensor) -> torch.Tensor:
        return frames.mean(dim=(1, 2, 3, 4))[:, None] * self.scale * 9


def known() -> torch.nn.Module:
    return Known()


def test_conse_answers_by_the_meaning_of_known_classes(
    data: Path, run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "words.txt").write_text(WORDS)
    (tmp_path / "classes.txt").write_text("playing guitar\nriding bike\nbrushHair\nhair\n")
    monkeypatch.setitem(__import__("sys").modules, "known_module", __import__("sys").modules[__name__])
    words = (
        "--model",
        "known_module:known",
        "--words",
        tmp_path / "words.txt",
        "--classes",
        tmp_path / "classes.txt",
        "--conse-top",
        2,
    )
    clips = (
        "--data",
        data,
        "--templates",
        "bare",
        "--frames",
        2,
        "--crop",
        16,
        "--short-side",
        16,
        "--out",
        tmp_path / "out",
    )
    code, _, errors = run("zeroshot", *words, *clips)
    assert code == 0, errors
    found = only(tmp_path / "out")
    rows = read_predictions(found.path / "predictions.parquet")
    table = {line.split()[0]: np.array(line.split()[1:], float) for line in WORDS.splitlines()}

    def meaning(text: str) -> np.ndarray:
        parts = [table[w] / np.linalg.norm(table[w]) for w in text.split()]
        mean = np.mean(parts, axis=0)
        return mean / np.linalg.norm(mean)

    names = [meaning("playing guitar"), meaning("riding horse")]
    known_ = [meaning(one) for one in ("playing guitar", "riding bike", "brush hair", "hair")]
    path = data / rows.video[0]
    cut = Protocol(name="", frames=2, stride=4, temporal=10, short_side=16, crop=16)
    places = picks(cut, 24, 12.0)
    views = [video.read(path, place.tolist(), height=16, width=16).mean() / 255 for place in places]
    expected = []
    for red in views:
        logits = red * np.array([3.0, 2.0, 1.0, 0.0]) * 9
        best = np.exp(logits - logits.max())[:2]
        mixed = sum(p * k for p, k in zip(best / best.sum(), known_, strict=False))
        expected.append([float(mixed @ name / np.linalg.norm(mixed)) for name in names])
    np.testing.assert_allclose(rows.scores[rows.video == rows.video[0]], expected, atol=1e-4)
    assert found.result["regime"] == {"name": "Z1", "labels": "the classes of the classifier", "seen": [0]}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--templates", "ucf10"), "neither a set nor a file. Did you mean 'ucf101'?"),
        (("--templates", "BAD"), "template 2: 'no slot' has 0 {}; wanted one for the class"),
        (("--names", "TWICE"), "are both 'same', so no text can tell them apart"),
        (("--names", "LACKS"), "says nothing of 1 classes"),
        (("--candidates", "EMPTY"), "no names. Wanted"),
        (("--seen", "kinetics"), "wanted none, kinetics400, kinetics400-near, or a file"),
        (("--frames", 3), "X-CLIP" ),
    ],
)  # fmt: skip
def test_what_cannot_be_asked_is_said_with_the_way_out(
    words: tuple[Any, ...], said: str, folders: dict[str, Path], data: Path, run: Any, tmp_path: Path
):
    files = {
        "BAD": "a {}\nno slot\n",
        "TWICE": "RidingHorse\tsame\nPlayingGuitar\tsame\n",
        "LACKS": "RidingHorse\tx\n",
        "EMPTY": "\n",
    }
    chosen = []
    for word in words:
        if word in files:
            (tmp_path / str(word)).write_text(files[str(word)])
            word = tmp_path / str(word)
        chosen.append(word)
    kind = "xclip" if "--frames" in words else "clip"
    code, _, errors = run(
        "zeroshot", "--model", f"hf:{folders[kind]}", "--data", data, *chosen, "--out", tmp_path / "out"
    )
    assert code == 2
    assert (said if kind == "clip" else "takes 4 only") in errors


def test_a_model_without_words_says_which_stage_fits(data: Path, run: Any, tmp_path: Path):
    code, _, errors = run("zeroshot", "--model", "torchvision:r3d_18", "--data", data, "--out", tmp_path)
    assert code == 2
    assert "has no text tower. Give --words" in errors
    assert "muybridge probe" in errors


def test_a_pretraining_run_that_knows_no_words_says_which_stage_fits(data: Path, run: Any, tmp_path: Path):
    small = ("--backbone", "shufflenet-tiny", "--budget", 2, "--budget-unit", "steps", "--batch", 4)
    assert run("pretrain", "--objective", "rotnet", "--data", data, *small, "--out", tmp_path)[0] == 0
    code, _, errors = run(
        "zeroshot", "--model", only(tmp_path, "pretrain").path, "--data", data, "--out", tmp_path
    )
    assert code == 2
    assert "pretrained by rotnet, which knows no words" in errors


def test_a_video_text_run_learns_from_a_list_and_is_asked_in_its_words(data: Path, run: Any, tmp_path: Path):
    paths = sorted(data.rglob("*.mp4"))
    lines = ["path,label,split,caption"]
    for i, path in enumerate(paths):
        motion = "riding horse" if "Riding" in str(path) else "playing guitar"
        lines.append(
            f"{path},{path.parent.name},{'test' if i % 4 == 0 else 'train'},a square is {motion} now"
        )
    (tmp_path / "list.csv").write_text("\n".join(lines))
    small = (
        "--backbone",
        "shufflenet-tiny",
        "--budget",
        3,
        "--budget-unit",
        "steps",
        "--batch",
        6,
        "--frames",
        4,
        "--stride",
        1,
    )
    out = tmp_path / "out"
    code, _, errors = run(
        "pretrain", "--objective", "video-text", "--data", tmp_path / "list.csv", *small, "--out", out
    )
    assert code == 0, errors
    trained = only(out, "pretrain")
    code, _, errors = run(
        "zeroshot",
        "--model",
        trained.path,
        "--data",
        tmp_path / "list.csv",
        "--templates",
        "bare",
        "--out",
        out,
    )
    assert code == 0, errors
    found = only(out).result
    assert found["regime"] == {"name": "Z1", "labels": "the captions of its training", "seen": [0, 1]}
    assert found["data"]["videos"] == {"test": 4}
    assert found["facets"]["arm"] == "video-text"
    assert found["facets"]["backbone"] == "shufflenet-tiny"
    code, _, errors = run(
        "zeroshot",
        "--model",
        trained.path,
        "--data",
        tmp_path / "list.csv",
        "--templates",
        "video",
        "--out",
        out,
    )
    assert code == 2
    assert "does not know 2 words (of, video)" in errors
    code, _, errors = run("pretrain", "--objective", "video-text", "--data", data, *small, "--out", out)
    assert code == 2
    assert "no list, so there are no sentences" in errors
    assert json.dumps(found)
