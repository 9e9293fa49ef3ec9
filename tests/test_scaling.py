"""What every verb does grows with the videos, and what a study does with its cells, and no faster: lines are counted, never seconds.

A square hides well: rebuilding a list of all videos for every clip took 26 s of a verb at 20,000 videos and would have taken an hour at
240,000, while no test of 16 videos saw it. So each verb runs on some videos and on four times as many, and every line of the package
that ran more than seven times as often is named. What a C function does inside is not seen.
"""

from collections import Counter
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path

import numpy as np
import pytest

from line_counts import Line, counted, squares
from muybridge.cli.main import main
from muybridge.core import seeding
from muybridge.data import file_hashes
from muybridge.data.decode.video import write
from tiny_pairs import make as make_pair

FEW, TIMES = 12, 4
LEAST = 3 * FEW * TIMES
Counts = Counter[Line]
CLIP = ("--frames", 4, "--stride", 1, "--size", 20, "--crop", 16)
SMALL = (*CLIP, "--batch", 4)


def command(*words: object) -> None:
    """A command of the command line, its words kept from the screen."""
    said = StringIO()
    with redirect_stdout(said), redirect_stderr(said):
        try:
            code = main([str(word) for word in words])
        except SystemExit as stopped:
            code = int(stopped.code or 0)
    assert code == 0, said.getvalue()


def make_list(folder: Path, number: int) -> Path:
    """Videos of noise, and a list of them with labels, groups, a split and captions."""
    folder.mkdir(parents=True)
    rows = ["path,label,group,split,caption"]
    for place in range(number):
        # Two of each scene, so that the doctor has look-alikes to compare, as many as there are videos.
        block = seeding.rng(0, "scaling", place // 2).integers(0, 256, (6, 10, 10, 3), dtype=np.uint8)
        pixels = np.kron(block, np.ones((1, 2, 2, 1), np.uint8)) // (1 + place % 2)
        write(folder / f"{place:04d}.mp4", pixels, 12.0, crf=4)
        split, label = ("train", "test")[place // 2 % 2], ("riding horse", "playing guitar")[place % 2]
        rows.append(f"{place:04d}.mp4,{label},g{place // 2},{split},a video of {label}")
    path = folder / "list.csv"
    path.write_text("\n".join(rows) + "\n")
    return path


def run_of(out: Path, stage: str) -> Path:
    """The only run of a stage."""
    (path,) = (out / "runs" / stage).iterdir()
    return path


def stage(name: str, *words: object, out: str = "out") -> Callable[[Path], None]:
    """A verb of one stage on the list."""
    return lambda place: command(name, "--data", place / "list.csv", "--out", place / out, *words)


def on_list(*words: object) -> Callable[[Path], None]:
    """A command with the list behind its words."""
    return lambda place: command(*words, place / "list.csv")


def robustness(place: Path) -> None:
    model = run_of(place / "out", "finetune")
    types = ("gaussian_noise", "reversal", "jpeg")
    command("robustness", "--model", model, "--out", place / "out", "--types", *types, "--severities", 1, 2)


def zeroshot(place: Path) -> None:
    model = make_pair(place / "pair", "clip")
    command("zeroshot", "--model", f"hf:{model}", "--data", place / "list.csv", "--out", place / "out")


def similarity(place: Path) -> None:
    pair = ("--a", run_of(place / "out", "pretrain"), "--b", "r2plus1d-tiny")
    words = ("--videos", 10**6, "--batch", 4, "--permutations", 4, "--replicates", 4)
    command("similarity", *pair, "--data", place / "list.csv", "--out", place / "out", *words)


def export(place: Path) -> None:
    command(
        "runs",
        "export",
        place / "run.zip",
        "--run",
        run_of(place / "out", "robustness").name,
        "--out",
        place / "out",
    )


VERBS: dict[str, Callable[[Path], None]] = {
    "data doctor": on_list("data", "doctor"),
    "data subset": lambda place: command(
        "data", "subset", place / "list.csv", "--out", place / "some.csv", "--number", 0.5
    ),
    "data preview": lambda place: command(
        "data", "preview", place / "list.csv", "--out", place / "sheet.png"
    ),
    "data prepare": on_list("data", "prepare"),
    "pretrain": stage("pretrain", "--objective", "rotnet", "--budget", 32, *CLIP, "--batch", 16),
    "pretrain on captions": stage(
        "pretrain",
        "--objective",
        "video-text",
        "--budget",
        16,
        *SMALL,
        "--caption",
        "caption",
        out="captions",
    ),
    "finetune": stage("finetune", "--epochs", 1, *SMALL),
    "finetune by validation": stage("finetune", "--epochs", 2, *SMALL, "--validation", 0.3, out="validation"),
    "probe": stage("probe", *SMALL),
    "probe of all folds": stage("probe", *SMALL, "--fold", "all", "--folds", 2, out="folds"),
    "knn": stage("knn", *SMALL, "--k", 4, "--ks", 1, 4),
    "retrieval": stage("retrieval", *SMALL, "--views", 2, "--ks", 1, 4),
    "neighbours": stage("neighbours", *SMALL, "--queries", 10**6),
    "robustness": robustness,
    "zeroshot": zeroshot,
    "similarity": similarity,
    "diversity": stage(
        "diversity",
        "--epochs",
        1,
        *SMALL,
        "--auxiliary",
        "rotnet",
        "--gradient-batch",
        4,
        "--gradient-batches",
        2,
    ),
    "report": lambda place: command("report", place / "out"),
    "runs ls": lambda place: command("runs", "ls", "--out", place / "out"),
    "runs show": lambda place: command(
        "runs", "show", run_of(place / "out", "robustness").name, "--out", place / "out"
    ),
    "runs export": export,
}
"""Commands, by what they do."""
NEEDS = {
    "robustness": ["finetune"],
    "similarity": ["pretrain"],
    **{name: ["finetune", "robustness"] for name in ("report", "runs ls", "runs show", "runs export")},
}
"""What must have run before."""
DEAR = {
    "pretrain", "probe",
    "pretrain on captions", "finetune by validation", "probe of all folds", "zeroshot", "similarity", "diversity", "report",
}  # fmt: skip
"""That take seconds and share most of their way with others."""


@pytest.fixture(scope="module")
def counts(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], tuple[Counts, Counts]]:
    """Counts of a verb on few videos and on more; what it starts from has run."""
    places, found = [], dict[str, list[Counts]]()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(file_hashes, "YOUNG", 0)  # whether a hash is kept is to hang on no clock
        patch.setattr(file_hashes, "TICK", 0)
    warm = tmp_path_factory.mktemp("scaling") / "data"
    make_list(warm, 8)
    VERBS["pretrain"](warm)  # what is imported is slow to count
    for number in (FEW, FEW * TIMES):
        place = tmp_path_factory.mktemp(f"scaling-{number}") / "data"
        make_list(place, number)
        places.append(place)

    def of(verb: str) -> tuple[Counts, Counts]:
        for name in [*NEEDS.get(verb, ()), verb]:
            if name not in found:
                found[name] = [counted(lambda place=place, do=VERBS[name]: do(place)) for place in places]
        few, many = found[verb]
        return few, many

    return of


@pytest.mark.parametrize(
    "verb", [pytest.param(verb, marks=[pytest.mark.slow] * (verb in DEAR)) for verb in VERBS]
)
def test_four_times_the_videos_are_four_times_the_work(
    verb: str, counts: Callable[[str], tuple[Counts, Counts]]
):
    few, many = counts(verb)
    assert few
    assert "\n".join(squares(few, many, TIMES, LEAST)) == ""
