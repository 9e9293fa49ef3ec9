"""Groups by what names say, and what --group could be."""

import csv
import re
from pathlib import Path

import pytest

from muybridge.cli.main import main
from muybridge.core.errors import UsageError
from muybridge.data import sources
from muybridge.data.index import Dataset, assign_folds
from muybridge.data.lists.name_groups import Suggestion, suggestions


def folder(root: Path, *names: str) -> Dataset:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(name.encode())
    return sources.load([str(root)])


def none(name: str) -> dict[str, str]:
    raise UsageError("no columns")


def listed(path: Path, rows: list[dict[str, object]]) -> Path:
    with path.open("w", newline="") as file:
        table = csv.DictWriter(file, list(rows[0]))
        table.writeheader()
        table.writerows(rows)
    return path


UCF = [
    f"{name}/v_{name}_g{group:02}_c{clip:02}.avi"
    for name in ("Archery", "Biking")
    for group in (1, 2, 3)
    for clip in (1, 2)
]
NTU = [f"{a}/S001C001P{p:03}R{r:03}A{a:03}.mp4" for a in (1, 2) for p in (1, 2, 3) for r in (1, 2)]
ADL = [f"{name}/s{who}_{name}_{i}.mp4" for name in ("run", "walk") for who in (1, 2, 12) for i in (0, 1)]
SCENES = [f"{name}/x-scene_{who}-{i}.mp4" for name in ("run", "walk") for who in (1, 2, 3) for i in (0, 1)]
YOUTUBE = [f"{name}/{who}abcdefghi-_{i:06}_{i + 10:06}.mp4" for name in "ab" for who in "ABC" for i in (1, 2)]
FILMS = [f"{name}/{film} {i}.mp4" for name in ("run", "walk") for film in ("Alien", "Brazil") for i in (1, 2)]


@pytest.mark.parametrize(
    ("names", "groups", "of"),
    [
        (UCF, 6, lambda name: name[:-8]),
        (NTU, 3, lambda name: re.findall(r"P\d+", name)[0]),
        (ADL, 3, lambda name: re.findall(r"s\d+", name)[0]),
        (SCENES, 3, lambda name: re.findall(r"scene_\d", name)[0]),
        (YOUTUBE, 6, lambda name: name.split("_")[0]),
        (FILMS, 4, lambda name: name.split()[0]),
    ],
)
def test_the_suggested_pattern_divides_as_the_names_do(names, groups, of, tmp_path: Path):
    found = suggestions(folder(tmp_path, *names), none)
    assert found[0].groups in (groups, len({of(name.split("/")[-1]) for name in names}))
    divided = sources.load([str(tmp_path)], group=found[0].group)
    same: dict[str, set[str]] = {}
    for record in divided.records:
        same.setdefault(record.group, set()).add(of(record.id.split("/")[-1]))
    assert all(len(known) == 1 for known in same.values())
    assert len(same) == found[0].groups == 1 + max(assign_folds(divided).values())


@pytest.mark.parametrize(
    "names",
    [
        [f"{name}/{name}_{i:03}.mp4" for name in ("run", "walk") for i in range(8)],  # the class, not a group
        [f"{name}/{i}.mp4" for name in "ab" for i in range(8)],
        [f"{name}/s{i}.mp4" for name in "ab" for i in range(8)],  # one video each, but for two of one number
        [f"{i}{name}.mp4" for name in "ab" for i in range(3)],
    ],
)
def test_classes_and_single_videos_are_no_groups(names: list[str], tmp_path: Path):
    found = suggestions(folder(tmp_path, *names), none)
    assert all(one.groups < len(names) and "run" not in one.example for one in found)
    assert not [one for one in found if one.groups == 2]


def test_columns_are_suggested_by_name_and_by_how_they_divide(tmp_path: Path):
    rows = [
        {
            "path": f"{i}.mp4",
            "label": "ab"[i % 2],
            "kind": "AB"[i % 2],
            "Subject": "uvw"[i // 2 % 3],
            "weather": "12"[i // 4 % 2],
            "frames": 20 + i // 4,
            "note": f"n{i}",
        }
        for i in range(12)
    ]
    folder(tmp_path / "videos", *(str(row["path"]) for row in rows))
    path = listed(tmp_path / "videos.csv", rows)
    dataset = sources.load([str(path)])
    found = suggestions(
        dataset, lambda name: {one.id: one.group for one in sources.load([str(path)], group=name).records}
    )
    assert [one.group for one in found] == ["Subject", "weather"]
    assert found[0] == Suggestion("Subject", 3, "w")
    known = sources.load([str(path)], group="Subject")
    assert suggestions(known, none) == []


def test_a_pattern_joins_its_brackets_and_says_what_it_does_not_fit(tmp_path: Path):
    folder(tmp_path, *ADL, "walk/other.mp4")
    found = sources.load([str(tmp_path)], group=r"/(run|walk)/s(\d+)_/")
    assert {one.group for one in found.records} == {
        "run/1", "run/2", "run/12", "walk/1", "walk/2", "walk/12", "walk/other.mp4",
    }  # fmt: skip
    assert [note for note in found.notes if "does not fit 1 videos" in note]
    assert {one.group for one in sources.load([str(tmp_path)], group=r"/s\d+_/").records} >= {"s1_", "s12_"}


@pytest.mark.parametrize(("group", "words"), [("/(/", "no regular expression"), ("/x{3}/", "fits no video")])
def test_impossible_patterns_are_refused(group: str, words: str, tmp_path: Path):
    folder(tmp_path, *ADL)
    with pytest.raises(UsageError, match=re.escape(f"--group {group}: {words}")):
        sources.load([str(tmp_path)], group=group)


def test_a_run_is_tested_by_patterns_as_it_was_trained(videos: Path, tmp_path: Path):
    import muybridge

    small = {"frames": 4, "stride": 1, "size": 20, "crop": 16, "batch": 12, "precision": "fp32"}
    run = muybridge.probe(data=videos, out=tmp_path, group=r"/([0-3]|[4-7])\.mp4/", fold=0, **small)
    again = muybridge.robustness(str(run.path), out=tmp_path, types=("gaussian_noise",), severities=(1,))
    assert again.result["facets"]["data"] == "videos0" or "trained on" not in again.result["facets"]["data"]
    assert again.result["facets"]["fold"] == 0


def test_the_doctor_suggests_what_its_option_takes(tmp_path: Path, capsys):
    folder(tmp_path / "set", *ADL)
    main(["data", "doctor", str(tmp_path / "set"), "--workers", "1"])
    assert r"--group '/(?:^|[/_. -])(s[_-]?\d+)/' makes 3" in capsys.readouterr().out
