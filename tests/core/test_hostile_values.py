"""Values that no run says, in every field of a folder of results: whatever reads them answers in words, calls no code and writes none."""

import csv
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import result_folder
from hostile_values import FOLDERS, TOLD, VALUES, changed, harm, places
from result_folder import Farm, resealed
from test_hostile_runs import check, looks, runs_of

from muybridge.core.text.terminal import STEERING

Call = Callable[..., tuple[int, str, str]]
SOME = 6
"""How many of the folders every run of the suite tries."""


@pytest.fixture(scope="session")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("sound") / "out"
    result_folder.build_more(out, result_folder.build(out))
    return out


@pytest.fixture
def farm(sound: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Farm:
    """A copy of the sound folder with a run of every stage, beside files of the user."""
    out, outside = tmp_path / "a" / "b" / "out", tmp_path / "outside"
    shutil.copytree(sound, out)
    outside.mkdir()
    (outside / ".bashrc").write_text("alias ls='ls -F'\n")
    for name, place in (
        ("HOME", "outside"),
        ("MUYBRIDGE_CACHE", "cache"),
        ("MUYBRIDGE_STORES", "stores"),
        ("MPLCONFIGDIR", "plots"),
    ):
        monkeypatch.setenv(name, str(tmp_path / place))
    runs = {f"{run.stage} {run.signature}": run for run in runs_of(out)}
    first = {run.stage: run for run in reversed(runs.values())}
    other = next(run for run in runs.values() if run.stage == "robustness" and run != first["robustness"])
    rest = {name: run for name, run in runs.items() if run not in (*first.values(), other)}
    return Farm(out, outside, first | {"other": other} | rest)


@pytest.fixture
def mark(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """What a module of somebody leaves when it is imported."""
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "canary_of_mine.py").write_text(
        f"import pathlib\npathlib.Path({str(tmp_path / 'IMPORTED')!r}).touch()\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path / "code"))
    yield tmp_path / "IMPORTED"
    sys.modules.pop("canary_of_mine", None)


def use(farm: Farm, run: Call, videos: Path, tmp_path: Path) -> dict[str, tuple[int, str, str]]:
    """Every verb that reads a folder, and those that start from a run; ``rm`` comes last."""
    mine = ("--out", tmp_path / "mine", "--dry-run")
    shutil.copytree(farm.out, tmp_path / "a" / "b" / "c" / "store")
    url = f"file://{tmp_path / 'a' / 'b' / 'c' / 'store'}"
    said = {
        "store": run("runs", "ls", "--out", url),
        "similarity": run("similarity", "--a", farm.runs["pretrain"].path, "--b", farm.runs["finetune"].path, "--data", videos, *mine),
        "distill": run("distill", "--teachers", farm.runs["finetune"].path, "--data", videos, *mine),
        "export": run("export", farm.runs["finetune"].path, "--format", "safetensors", "--to", tmp_path / "net.safetensors"),
        "fiftyone": run("export", farm.runs["probe"].path, "--format", "fiftyone", "--to", tmp_path / "fiftyone"),
    }  # fmt: skip
    return said | check(farm, run, videos, tmp_path)


def words_that_act(farm: Farm, tmp_path: Path) -> list[str]:
    """Words of a run that a browser, a spreadsheet or TeX would act on, in what was written."""
    acts = {
        ".html": r"<script>window\.evil|<img src=x",
        ".svg": r"<script>window\.evil|<img src=x",
        ".md": r"<script>|<img|(?<!\\)\]\(javascript:",
        ".tex": r"\\(?:input\{/|immediate)",
    }
    found = []
    for folder in (farm.out, tmp_path / "exported"):
        for path in (
            one for one in folder.rglob("*") if one.is_file() and one.relative_to(folder).parts[0] != "runs"
        ):
            text = path.read_text(encoding="utf-8") if path.suffix in (*acts, ".csv") else ""
            if path.suffix == ".md":
                text = re.sub("`[^`\n]*`", "", text)  # code is shown as it is
            if path.suffix in acts and re.search(acts[path.suffix], text):
                found.append(path.name)
            if path.suffix == ".csv":
                cells = {cell for row in csv.reader(text.splitlines(keepends=True)) for cell in row}
                found += [
                    f"{path.name}: {cell[:20]!r}"
                    for cell in cells
                    if re.match(r"[=@\t\r]|[+-](?![\d.einf]*$)", cell)
                ]
    return found


@pytest.mark.parametrize(
    "seed", [*range(SOME), *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(SOME, FOLDERS))]
)
@pytest.mark.timeout(300)
def test_values_of_others_stay_data(
    seed: int, farm: Farm, mark: Path, run: Call, videos: Path, tmp_path: Path
):
    done = "\n".join(harm(farm, seed))
    before = looks(farm.outside)
    said = use(farm, run, videos, tmp_path)
    assert looks(farm.outside) == before, done
    assert not mark.exists(), done
    wrong = [
        f"{verb} ({code}): {(error or text)[:1500]!r}"
        for verb, (code, text, error) in said.items()
        if code not in (0, 1, 2) or (code and verb in ("report", "ls", "store") and "study.json" not in error)
        or any(word in text + error for word in ("Traceback", "This is a bug")) or STEERING.search(text + error)
    ]  # fmt: skip
    wrong += words_that_act(farm, tmp_path)
    if wrong:
        pytest.fail("\n".join([*wrong, "", done]), pytrace=False)


FOUND = {
    "order of frames is a list": ("robustness", ("order",), {"reversal": {"1": [0, 1]}}),
    "protocol is a word": ("zeroshot", ("protocol",), "Z0"),
    "protocol has no clips": ("zeroshot", ("protocol", "clips"), None),
    "frames of a clip beyond reason": ("zeroshot", ("protocol", "clips"), {"frames": 1e308, "stride": 1}),
}
"""What stopped a report once: the stage, the field and its value."""


@pytest.mark.parametrize("name", [*FOUND, "a file that the report wants is not there"])
def test_one_run_that_cannot_be_read_stops_no_report(name: str, farm: Farm, run: Call):
    stage, place, value = FOUND.get(name, ("zeroshot", ("summary",), "x"))
    if name not in FOUND:
        (farm.runs[stage].path / "templates.parquet").unlink()
    changed(farm.runs[stage].path, "result.json", place, value)
    if name not in FOUND:
        resealed(farm.runs[stage])
    code, _, error = run("report", farm.out)
    assert code == 0, error


@pytest.mark.parametrize(
    ("stage", "place", "value"),
    [("robustness", ("config", "profile"), 0), ("finetune", ("config", "crop"), 1e200)],
)
def test_a_run_that_nothing_can_be_reckoned_from_is_no_example_of_what_runs_take(
    stage: str, place: tuple[str, ...], value: object, farm: Farm, run: Call, videos: Path
):
    changed(farm.runs[stage].path, "result.json", place, value)
    code, _, error = run("probe", "--data", videos, "--out", farm.out, "--dry-run")
    assert code == 0, error


def test_every_file_that_says_something_has_fields(farm: Farm):
    found = [(run.path, *one) for run in farm.runs.values() for one in places(run.path)]
    assert {file for _, file, _ in found} == set(TOLD)
    assert len(found) > 2000
    assert len(VALUES) == 48
