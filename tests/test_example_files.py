"""Scripts and notebooks of ``examples/``, run on a few videos."""

import json
import runpy
import shutil
import sys
import tomllib
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parent.parent / "examples"
NOTEBOOKS = sorted(EXAMPLES.glob("*.ipynb"))
PARAMETERS = {
    "first_look": {"DATA": "videos", "OUT": "first-look"},
    "perturbations_by_hand": {"SIZE": 48, "FRAMES": 8},
}


@pytest.fixture(scope="module")
def folder(videos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("example-files")
    shutil.copytree(videos, root / "videos")
    return root


def fields_of_the_page() -> set[str]:
    """Fields of ``result.json`` that docs/results-format.md lists."""
    page = (EXAMPLES.parent / "docs" / "results-format.md").read_text("utf-8")
    part = page.partition("## result.json")[2].partition("\n## ")[0]
    names = {
        name
        for line in part.splitlines()
        if line.startswith("| `")
        for name in line.split("|")[1].split(", ")
    }
    assert len(names) > 10
    return {name.strip(" `") for name in names}


def run_script(name: str, *words: str) -> None:
    sys.argv = [name, "--data", "videos", *words]
    runpy.run_path(str(EXAMPLES / f"{name}.py"), run_name="__main__")


@pytest.fixture
def here(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "argv", [])
    return folder


def test_there_are_four_scripts_and_two_notebooks():
    assert len(list(EXAMPLES.glob("*.py"))) == 4
    assert [path.stem for path in NOTEBOOKS] == sorted(PARAMETERS)


def test_robustness_of_your_module(here: Path, capsys: pytest.CaptureFixture[str]):
    run_script("robustness_of_your_module", "--classes", "2", "--out", "robust")
    said = capsys.readouterr().out
    run = Path(said.splitlines()[0])
    assert (run / "result.json").is_file()
    assert {"gaussian_noise", "motion_blur", "reversal"} <= set(said.split())


def test_pretrain_and_probe(here: Path, capsys: pytest.CaptureFixture[str]):
    run_script("pretrain_and_probe", "--budget", "48", "--out", "runs")
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[:2]] == ["random", "vcop"]
    assert Path(lines[-1]).is_file()
    for result in (here / "runs" / "runs").glob("*/*/result.json"):
        told = json.loads(result.read_text("utf-8"))
        assert fields_of_the_page() - set(told) == set(), "docs/results-format.md names what no result has"


def test_own_task_and_perturbation(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """The package is put on the path with the entry points that its pyproject.toml says, as an installed one would be."""
    told = tomllib.loads((EXAMPLES / "own_package" / "pyproject.toml").read_text("utf-8"))["project"]
    site = here / "site"
    facts = site / f"{told['name']}-{told['version']}.dist-info"
    facts.mkdir(parents=True)
    shutil.copy(EXAMPLES / "own_package" / "flicker.py", site)
    (facts / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {told['name']}\nVersion: {told['version']}\n"
    )
    groups = [
        f"[{group}]\n" + "".join(f"{a} = {b}\n" for a, b in one.items())
        for group, one in told["entry-points"].items()
    ]
    (facts / "entry_points.txt").write_text("".join(groups))
    monkeypatch.syspath_prepend(site)
    run_script("own_task_and_perturbation", "--budget", "48", "--epochs", "1", "--out", "own")
    said = capsys.readouterr().out
    assert said.startswith("brighter-half on videos")
    assert {"flicker", "gaussian_noise"} <= set(said.split())
    sys.modules.pop("flicker", None)


def test_claims_and_report(here: Path, capsys: pytest.CaptureFixture[str]):
    run_script("claims_and_report", "--budget", "24", "--seeds", "1", "--out", "claimed")
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["undetermined", "order:", "one", "seed"]
    assert lines[1].startswith("supported")
    assert Path(lines[-1]).is_file()


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebooks_run_from_top_to_bottom(path: Path, here: Path):
    book = json.loads(path.read_text("utf-8"))
    assert (book["nbformat"], book["nbformat_minor"]) >= (4, 5)
    cells = [cell for cell in book["cells"] if cell["cell_type"] == "code"]
    assert len({cell["id"] for cell in book["cells"]}) == len(book["cells"])
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in cells), (
        "strip its outputs"
    )
    names: dict[str, object] = {"__name__": "__main__"}
    for number, cell in enumerate(cells):
        exec(compile("".join(cell["source"]), f"{path.name}[{number}]", "exec"), names)
        if "parameters" in cell["metadata"].get("tags", []):
            assert set(PARAMETERS[path.stem]) <= set(names)
            names |= PARAMETERS[path.stem]
    assert "page" in names
