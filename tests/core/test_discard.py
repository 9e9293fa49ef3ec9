"""Deleting runs: what must go goes, and nothing else ever does."""

from pathlib import Path

import pytest
from run_folders import finished, unfinished

from muybridge.core.errors import UsageError
from muybridge.runs.discard import discard
from muybridge.runs.query import find
from muybridge.runs.records import Run
from muybridge.runs.run_index import Index
from muybridge.runs.run_row import RunRow
from muybridge.store.lease import BusyError, hold
from muybridge.store.place import Folder


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


@pytest.fixture
def index(out: Path, tmp_path: Path) -> Index:
    return Index(out, tmp_path / "index.sqlite")


def remove(index: Index, *runs: Run, force: bool = False) -> int:
    rows = index.rows()
    return discard(index, [find(rows, run.signature) for run in runs], force)


def listing(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


def test_a_run_goes_and_its_neighbours_stay(out: Path, index: Index):
    stays = finished(out, "probe", seed=1)
    before = listing(out)
    goes = finished(out, "probe", seed=2)
    (goes.path / "state").mkdir()
    (goes.path / "state" / "last.pt").write_bytes(b"x" * 1000)
    size = sum(path.stat().st_size for path in goes.path.rglob("*") if path.is_file())
    assert remove(index, goes) >= size
    assert listing(out) == before
    assert [row.signature for row in index.rows()] == [stays.signature]


def test_runs_on_which_others_rest_stay(out: Path, index: Index):
    base = finished(out, "pretrain")
    top = finished(out, "probe", {"init": base})
    waiting = unfinished(out, "finetune", "d" * 16, init=base.path)
    before = listing(out)
    with pytest.raises(UsageError, match="2 runs rest on it"):
        remove(index, base)
    with pytest.raises(UsageError, match=f"1 runs rest on it: finetune/{waiting.signature}"):
        remove(index, base, top)
    assert listing(out) == before
    remove(index, base, top, waiting)
    assert index.rows() == []


def test_force_deletes_them_too(out: Path, index: Index):
    base = finished(out, "pretrain")
    finished(out, "probe", {"init": base})
    remove(index, base, force=True)
    assert [row.stage for row in index.rows()] == ["probe"]


def test_links_inside_are_cut_and_never_followed(out: Path, index: Index, tmp_path: Path):
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "thesis.tex").write_text("years")
    run = finished(out, "probe")
    (run.path / "state").symlink_to(precious)
    (run.path / "strips.npz").symlink_to(precious / "thesis.tex")
    remove(index, run)
    assert (precious / "thesis.tex").read_text() == "years"
    assert not run.path.exists()


@pytest.mark.parametrize("which", ["run", "stage", "runs"])
def test_links_on_the_way_are_refused(out: Path, index: Index, tmp_path: Path, which: str):
    run = finished(out, "probe")
    row = index.rows()[0]
    link = {"run": run.path, "stage": run.path.parent, "runs": out / "runs"}[which]
    link.rename(tmp_path / "elsewhere")
    link.symlink_to(tmp_path / "elsewhere")
    before = listing(tmp_path)
    with pytest.raises(UsageError, match="link"):
        discard(index, [row], force=True)
    assert listing(tmp_path) == before


@pytest.mark.parametrize("name", ["notes", "A" * 16, "0" * 15])
def test_what_is_no_run_folder_is_refused(out: Path, index: Index, name: str):
    folder = out / "runs" / "probe" / name
    folder.mkdir(parents=True)
    (folder / "config.yaml").write_text("mine")
    with pytest.raises(UsageError, match="no run folder"):
        discard(index, [RunRow("probe", name, "unfinished")])
    assert (folder / "config.yaml").exists()


def test_a_folder_with_nothing_of_ours_is_refused(out: Path, index: Index):
    folder = out / "runs" / "probe" / ("a" * 16)
    folder.mkdir(parents=True)
    (folder / "holiday.jpg").touch()
    with pytest.raises(UsageError, match="no run folder"):
        discard(index, [RunRow("probe", "a" * 16, "unfinished")])
    assert (folder / "holiday.jpg").exists()


def test_one_that_may_not_go_keeps_all(out: Path, index: Index):
    free, base = finished(out, "probe", seed=5), finished(out, "pretrain")
    finished(out, "probe", {"init": base})
    with pytest.raises(UsageError, match="rest on it"):
        remove(index, free, base)
    assert free.done


def test_a_run_at_work_is_refused(out: Path, index: Index):
    run = finished(out, "probe")
    with hold(run.path, Folder(run.path)), pytest.raises(BusyError, match="Stop that first"):
        remove(index, run)
    assert run.done
    remove(index, run)
    assert not run.path.exists()
