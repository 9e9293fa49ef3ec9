"""Rows in parts: joined they do not show where they were cut, or that a process was killed in between."""

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from muybridge.runs.contents.predictions import Predictions, concatenate, read_predictions
from muybridge.stages.testing import parts
from muybridge.stages.testing.parts import ResumableRows

CONTROLS = frozenset({"identity"})


def chunk(number: int, n: int = 3) -> list[Predictions]:
    """Rows of one chunk under three conditions; one score of chunk 2 is no number."""
    scores = np.random.default_rng(number).normal(size=(n, 4)).astype(np.float32)
    scores[0, 0] = np.nan if number == 2 else scores[0, 0]
    video = np.array([f"v{number}-{i}" for i in range(n)])
    return [
        Predictions(video, video, np.arange(n), np.zeros(n, int), np.full(n, name), np.full(n, s), scores + s)
        for name, s in (("clean", 0), ("identity", 0), ("jpeg", 1))
    ]


def write(folder: Path, start: int = 0, stop: int = 7) -> ResumableRows:
    made = ResumableRows(folder / "state")
    assert made.stop == start
    for number in range(start, stop):
        made.add(chunk(number), [{"path": f"{number}.mp4", "reason": "torn"}] if number % 3 == 1 else [])
    return made


def joined(made: ResumableRows, folder: Path) -> tuple[bytes, bytes, int]:
    holes = made.join({folder / "controls.parquet": CONTROLS}, folder / "rows.parquet")
    return (folder / "controls.parquet").read_bytes(), (folder / "rows.parquet").read_bytes(), holes


@pytest.mark.parametrize(("rows", "seconds"), [(1, 30.0), (10, 30.0), (10_000, 30.0), (10_000, 0.0)])
def test_joined_rows_do_not_show_where_they_were_cut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rows: int, seconds: float
) -> None:
    expected = joined(write(tmp_path / "whole"), tmp_path / "whole")
    monkeypatch.setattr(parts, "SECONDS", seconds)
    made = ResumableRows(tmp_path / "cut" / "state")
    for number in range(7):
        with monkeypatch.context() as patch:
            patch.setattr(parts, "PART", rows)
            made.add(chunk(number))
    assert joined(made, tmp_path / "cut") == expected


def test_rows_come_back_as_they_were_added_and_controls_lie_apart(tmp_path: Path) -> None:
    _, _, holes = joined(write(tmp_path), tmp_path)
    assert holes == 3
    wanted = concatenate([rows for number in range(7) for rows in chunk(number)])
    for path, control in ((tmp_path / "rows.parquet", False), (tmp_path / "controls.parquet", True)):
        found, expected = read_predictions(path), wanted.where((wanted.perturbation == "identity") == control)
        assert found.video.tolist() == expected.video.tolist()
        assert found.perturbation.tolist() == expected.perturbation.tolist()
        assert found.scores.tobytes() == expected.scores.tobytes()
    assert len(read_predictions(tmp_path / "rows.parquet", only="jpeg")) == 21


def test_a_kill_costs_what_was_in_memory_and_no_bit(tmp_path: Path) -> None:
    expected = joined(write(tmp_path / "whole"), tmp_path / "whole")
    killed = write(tmp_path / "killed", stop=3)
    killed.flush()
    killed.add(chunk(3))
    (tmp_path / "killed" / "state" / ".rows-00000003-00000004.parquet.0f.part").write_bytes(b"torn")
    again = write(tmp_path / "killed", start=3)
    assert not list((tmp_path / "killed" / "state").glob(".*"))
    assert joined(again, tmp_path / "killed") == expected
    assert [one["path"] for one in again.broken] == ["1.mp4", "4.mp4"]


def ended(folder: Path, chunks: int, error: BaseException) -> None:
    with ResumableRows(folder / "state") as made:
        for number in range(chunks):
            made.add(chunk(number), [{"path": f"{number}.mp4", "reason": "torn"}] if number % 3 == 1 else [])
        raise error


def test_what_was_done_when_asked_to_stop_is_kept(tmp_path: Path) -> None:
    expected = joined(write(tmp_path / "whole"), tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        ended(tmp_path / "asked", 4, KeyboardInterrupt())
    assert joined(write(tmp_path / "asked", start=4), tmp_path / "asked") == expected


def test_an_error_keeps_no_rows_that_were_not_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="own"):
        ended(tmp_path, 1, ValueError("own"))
    assert ResumableRows(tmp_path / "state").stop == 0


def test_parts_behind_a_gap_are_done_again(tmp_path: Path) -> None:
    for start in range(0, 6, 2):
        write(tmp_path, start, start + 2).flush()
    next((tmp_path / "state").glob("rows-00000002-00000004-*.parquet")).unlink()
    assert ResumableRows(tmp_path / "state").stop == 2


def flip(path: Path, place: float) -> None:
    content = bytearray(path.read_bytes())
    content[int(place * (len(content) - 1))] ^= 0x04
    path.write_bytes(content)


@pytest.mark.parametrize("place", [0.0, 0.2, 0.4, 0.6, 0.8, 0.95, 1.0])
def test_a_part_with_a_flipped_bit_and_all_behind_it_are_done_again(place: float, tmp_path: Path) -> None:
    expected = joined(write(tmp_path / "whole", stop=6), tmp_path / "whole")
    for start in range(0, 6, 2):
        write(tmp_path / "hurt", start, start + 2).flush()
    flip(next((tmp_path / "hurt" / "state").glob("rows-00000002-*")), place)
    assert ResumableRows(tmp_path / "hurt" / "state").stop == 2
    assert joined(write(tmp_path / "hurt", 2, 6), tmp_path / "hurt") == expected


@pytest.mark.parametrize(
    "name", ["rows-x-y-z.parquet", "rows-00000000-00000002.parquet", "rows-.parquet", "rows-0-2-3-4.parquet"]
)
def test_parts_of_an_older_version_and_stray_names_are_put_aside(name: str, tmp_path: Path) -> None:
    write(tmp_path, 0, 2).flush()
    [sound] = (tmp_path / "state").glob("rows-*")
    (tmp_path / "state" / name).write_bytes(sound.read_bytes())
    assert ResumableRows(tmp_path / "state").stop == 2
    assert list((tmp_path / "state").glob("rows-*")) == [sound]


def test_the_part_of_another_run_is_none_of_this(tmp_path: Path) -> None:
    write(tmp_path / "one", 0, 2).flush()
    [part] = (tmp_path / "one" / "state").glob("rows-*")
    (tmp_path / "two" / "state").mkdir(parents=True)
    (tmp_path / "two" / "state" / part.name).write_bytes(part.read_bytes())
    assert ResumableRows(tmp_path / "two" / "state").stop == 0


def test_row_groups_are_of_one_size_so_that_a_large_file_is_read_in_pieces(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parts, "ROWS", 5)
    joined(write(tmp_path), tmp_path)
    file = pq.ParquetFile(tmp_path / "rows.parquet").metadata
    assert [file.row_group(i).num_rows for i in range(file.num_row_groups)] == [5] * 8 + [2]
