"""Run folders: names that hash what decides a result, files that appear whole or not at all."""

import json
import os
import stat
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from muybridge.core import files, plain_data
from muybridge.core.errors import MuybridgeError
from muybridge.runs import metrics, records, signing
from muybridge.runs.contents import result, strips

CONFIG: dict[str, Any] = {"b": 1, "a": [1, 2], "x": None, "out": "/q"}


def _sign(**changes: Any) -> str:
    return signing.signature("probe", CONFIG | changes, {"init": "abc"})


def _listing(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_golden_signature_that_stored_runs_rest_on() -> None:
    assert _sign() == "2f25f49c07d6367a"


@pytest.mark.parametrize("name", sorted(signing.NOT_SIGNED))
def test_fields_that_cannot_change_a_result_do_not_change_the_name(name: str) -> None:
    assert _sign(**{name: "other"}) == _sign()


@pytest.mark.parametrize("change", [{"b": 2}, {"a": [2, 1]}, {"x": 0}, {"new": None}, {"b": 1.5}])
def test_every_other_field_changes_the_name(change: dict[str, Any]) -> None:
    assert _sign(**change) != _sign()


def test_stage_and_inputs_change_the_name() -> None:
    others = [
        signing.signature("finetune", CONFIG, {"init": "abc"}),
        signing.signature("probe", CONFIG, {"init": "abd"}),
        signing.signature("probe", CONFIG, {"model": "abc"}),
        signing.signature("probe", CONFIG, {}),
    ]
    assert len({_sign(), *others}) == 5


def test_record_version_changes_the_name(monkeypatch: pytest.MonkeyPatch) -> None:
    before = _sign()
    monkeypatch.setattr(signing, "RECORD_VERSION", result.RECORD_VERSION + 1)
    assert _sign() != before


def test_order_of_fields_and_kind_of_sequence_do_not_matter() -> None:
    turned = dict(reversed(CONFIG.items())) | {"a": (1, 2)}
    assert (
        plain_data.canonical(turned)
        == plain_data.canonical(CONFIG)
        == '{"a":[1,2],"b":1,"out":"/q","x":null}'
    )
    assert signing.signature("probe", turned, {"init": "abc"}) == _sign()


def test_atomic_replaces_the_file_and_makes_its_folder(tmp_path: Path) -> None:
    path = tmp_path / "new" / "é.txt"
    for text in ("old", "größer"):
        with files.atomic(path) as file:
            file.write(text)
    assert path.read_text(encoding="utf-8") == "größer"
    assert _listing(path.parent) == ["é.txt"]


def test_readers_see_the_old_file_until_the_new_one_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(b"old")
    with files.atomic(path, "wb") as file:
        file.write(b"new")
        file.flush()
        assert path.read_bytes() == b"old"
    assert path.read_bytes() == b"new"


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_a_writer_that_fails_leaves_the_old_file_and_no_rubbish(
    tmp_path: Path, error: type[BaseException]
) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(error), files.atomic(path) as file:  # noqa: PT012 - the block is what fails
        file.write("half of the n")
        raise error
    assert path.read_text() == "old"
    assert _listing(tmp_path) == ["a.txt"]


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_full_disk_leaves_the_old_file_and_no_rubbish(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    path = tmp_path / "a.json"
    plain_data.write_json(path, {"old": 1})
    with monkeypatch.context() as patch:
        patch.setattr(os, call, full)
        with pytest.raises(OSError, match="No space left"):
            plain_data.write_json(path, {"new": 2})
    assert plain_data.read_json(path) == {"old": 1}
    assert _listing(tmp_path) == ["a.json"]


def test_a_folder_that_cannot_be_written_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patch:
        patch.setattr(os, "open", denied)
        with pytest.raises(PermissionError):
            plain_data.write_json(tmp_path / "a.json", {})
    assert _listing(tmp_path) == []


def test_files_get_the_rights_that_the_user_gives_to_new_files(tmp_path: Path) -> None:
    (tmp_path / "plain").touch()
    plain_data.write_json(tmp_path / "a.json", {})
    assert stat.S_IMODE((tmp_path / "a.json").stat().st_mode) == stat.S_IMODE(
        (tmp_path / "plain").stat().st_mode
    )


def test_json_and_yaml_come_back(tmp_path: Path) -> None:
    content = {"z": 1, "a": [None, 0.1, "né\u2028"], "deep": {"k": True}}
    plain_data.write_json(tmp_path / "a.json", content)
    assert plain_data.read_json(tmp_path / "a.json") == content
    plain_data.write_yaml(tmp_path / "a.yaml", {"z": 1, "a": ("é", None)})
    assert (tmp_path / "a.yaml").read_text(encoding="utf-8") == "z: 1\na:\n- é\n- null\n"


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_a_number_that_json_does_not_know_is_refused(tmp_path: Path, value: float) -> None:
    plain_data.write_json(tmp_path / "a.json", {"x": None})
    with pytest.raises(ValueError, match="JSON"):
        plain_data.write_json(tmp_path / "a.json", {"x": value})
    assert plain_data.read_json(tmp_path / "a.json") == {"x": None}


@pytest.mark.parametrize("content", [b'{"a": 1', b"", b"\xff\xfe", b"\0" * 8])
def test_a_damaged_file_is_named_with_the_way_out(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "result.json"
    path.write_bytes(content)
    with pytest.raises(MuybridgeError, match=r"result\.json: damaged .* Delete its folder and run"):
        plain_data.read_json(path)


def _metrics(path: Path, steps: range) -> None:
    for step in steps:
        metrics.append_metrics(path, {"step": step, "loss": step / 3})


def test_metrics_come_back_in_order(tmp_path: Path) -> None:
    _metrics(tmp_path / "metrics.jsonl", range(1, 4))
    assert metrics.read_metrics(tmp_path / "metrics.jsonl") == [{"step": i, "loss": i / 3} for i in (1, 2, 3)]


def test_no_metrics_yet_is_an_empty_curve(tmp_path: Path) -> None:
    assert metrics.read_metrics(tmp_path / "metrics.jsonl") == []


@pytest.mark.parametrize("cut", range(1, len('{"step": 3, "loss": 1.0}\n')))
def test_an_unfinished_last_line_is_left_out(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "metrics.jsonl"
    _metrics(path, range(1, 4))
    path.write_bytes(path.read_bytes()[:-cut])
    whole = 3 if cut == 1 else 2
    assert [row["step"] for row in metrics.read_metrics(path)] == list(range(1, whole + 1))


def test_keep_metrics_drops_what_lies_beyond_the_saved_state_and_unfinished_lines(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    _metrics(path, range(1, 6))
    with path.open("a") as file:
        file.write('{"step": 6, "lo')
    metrics.keep_metrics(path, 3)
    _metrics(path, range(4, 7))
    assert [row["step"] for row in metrics.read_metrics(path)] == [1, 2, 3, 4, 5, 6]
    assert path.read_text().count("\n") == 6


def test_find_runs_gives_the_finished_ones_in_order(tmp_path: Path) -> None:
    for name in ("probe/bb", "pretrain/cc", "probe/aa"):
        plain_data.write_json(tmp_path / "runs" / name / "result.json", {"name": name})
    (tmp_path / "runs" / "probe" / "unfinished").mkdir()
    (tmp_path / "runs" / "probe" / "unfinished" / "metrics.jsonl").touch()
    (tmp_path / "runs" / "notes.txt").touch()
    found = records.find_runs(tmp_path)
    assert [(run.stage, run.signature) for run in found] == [
        ("pretrain", "cc"),
        ("probe", "aa"),
        ("probe", "bb"),
    ]
    assert all(run.done and run.result == {"name": f"{run.stage}/{run.signature}"} for run in found)
    assert not records.Run(tmp_path / "runs" / "probe" / "unfinished").done
    assert records.find_runs(tmp_path / "nothing") == []


def test_strips_come_back_and_their_bytes_depend_on_the_pictures_only(tmp_path: Path) -> None:
    pictures = {
        "b/rot 90": np.arange(2 * 3 * 4 * 3, dtype=np.uint8).reshape(2, 3, 4, 3),
        "a": np.zeros((1, 2, 2, 3), np.uint8),
    }
    for name in ("one", "two"):
        strips.write_strips(tmp_path / name / "strips.npz", pictures)
    read = records.Run(tmp_path / "one").strips
    assert list(read) == list(pictures)
    for name, strip in pictures.items():
        np.testing.assert_array_equal(read[name], strip)
    assert (tmp_path / "one" / "strips.npz").read_bytes() == (tmp_path / "two" / "strips.npz").read_bytes()
    assert records.Run(tmp_path / "nothing").strips == {}


def test_a_run_reads_its_metrics(tmp_path: Path) -> None:
    _metrics(tmp_path / "metrics.jsonl", range(1, 3))
    assert [row["step"] for row in records.Run(tmp_path).metrics] == [1, 2]
    assert json.loads((tmp_path / "metrics.jsonl").read_text().splitlines()[0])["step"] == 1
