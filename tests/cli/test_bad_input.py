"""Bad input: one paragraph that says what, where and what to do; 2 for usage, 1 for failures; never a traceback."""

import shutil

import numpy as np
import pytest

from muybridge.data.decode.video import write

QUICK = ("--frames", 4, "--stride", 1, "--size", 20, "--crop", 16, "--batch", 4)


def paragraph(err: str) -> str:
    """The error, without the resolved config printed before it."""
    assert "Traceback" not in err
    return err[("\n" + err).rindex("\nmuybridge: ") :]


def probe(run, data, out, *words):
    return run("probe", "--data", data, "--out", out, *QUICK, *words)


def test_missing_folder(run, tmp_path):
    code, _, err = probe(run, tmp_path / "nothing", tmp_path / "out")
    assert code == 2
    assert "no such folder" in paragraph(err)


def test_empty_folder(run, tmp_path):
    (tmp_path / "empty").mkdir()
    code, _, err = probe(run, tmp_path / "empty", tmp_path / "out")
    assert code == 2
    assert "no videos" in paragraph(err)
    assert "root/<class>/*" in err


def test_unknown_data_set_gets_a_suggestion(run, tmp_path):
    code, _, err = probe(run, "builtin-motion", tmp_path / "out")
    assert code == 2
    assert "builtin-motions" in paragraph(err)


def test_class_with_one_clip(run, videos, tmp_path):
    data = tmp_path / "data"
    shutil.copytree(videos, data)
    (data / "lonely").mkdir()
    shutil.copy(videos / "left" / "0.mp4", data / "lonely" / "only.mp4")
    code, _, err = probe(run, data, tmp_path / "out")
    assert code == 2
    assert "'lonely' has one video" in paragraph(err)


@pytest.mark.parametrize("kind", ["text", "truncated", "empty"])
def test_broken_videos_stop_the_run_unless_allowed(run, videos, tmp_path, kind):
    data = tmp_path / "data"
    shutil.copytree(videos, data)
    whole = (videos / "left" / "0.mp4").read_bytes()
    content = {"text": b"not a video\n" * 50, "truncated": whole[: len(whole) // 2], "empty": b""}[kind]
    (data / "left" / "broken.mp4").write_bytes(content)
    code, _, err = probe(run, data, tmp_path / "out")
    assert code == 2
    assert "1 of 17 videos are broken" in paragraph(err)
    assert "broken.mp4" in err
    assert "--allow-broken" in err
    code, out, _ = probe(run, data, tmp_path / "out", "--allow-broken")
    assert code == 0
    assert "linear probe" in out


def test_video_shorter_than_the_clip_is_noted(run, videos, tmp_path):
    data = tmp_path / "data"
    shutil.copytree(videos, data)
    write(data / "left" / "short.mp4", np.zeros((2, 24, 24, 3), np.uint8), 12.0)
    code, out, _ = probe(run, data, tmp_path / "out")
    assert code == 0
    assert "shorter than the 4 frames" in out


def test_out_is_a_file(run, videos, tmp_path):
    (tmp_path / "file").write_text("mine")
    code, _, err = probe(run, videos, tmp_path / "file")
    assert code == 2
    assert "is a file" in paragraph(err)


def test_out_holds_foreign_files(run, videos, tmp_path):
    (tmp_path / "thesis.tex").write_text("mine")
    code, _, err = probe(run, videos, tmp_path)
    assert code == 2
    assert "did not write" in paragraph(err)
    assert (tmp_path / "thesis.tex").read_text() == "mine"


def test_out_cannot_be_written(run, videos):
    code, _, err = probe(run, videos, "/proc/muybridge")
    assert code == 2
    assert "/proc" in paragraph(err)


def test_full_disk(run, videos, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    code, _, err = probe(run, videos, tmp_path / "out")
    assert code == 1
    assert "disk is full" in paragraph(err)


def test_crop_larger_than_size(run, videos, tmp_path):
    code, _, err = probe(run, videos, tmp_path / "out", "--crop", 64)
    assert code == 2
    assert "--crop 64 is larger than --size 20" in paragraph(err)


def test_config_file_with_an_unknown_field(run, videos, tmp_path):
    (tmp_path / "c.yaml").write_text("fraems: 4\n")
    code, _, err = probe(run, videos, tmp_path / "out", "--config", tmp_path / "c.yaml")
    assert code == 2
    assert "'frames'" in paragraph(err)


def test_report_of_nothing(run, tmp_path):
    code, _, err = run("report", tmp_path)
    assert code == 2
    assert str(tmp_path) in paragraph(err)


def test_init_that_is_no_run(run, videos, tmp_path):
    code, _, err = probe(run, videos, tmp_path / "out", "--init", tmp_path)
    assert code == 2
    assert "--init" in paragraph(err)


def test_debug_shows_the_traceback(run, tmp_path):
    code, _, err = run("--debug", "probe", "--data", tmp_path / "nothing", "--out", tmp_path / "out")
    assert code == 2
    assert "Traceback" in err


def test_supervised_is_no_pretext_task(run, videos, tmp_path):
    code, _, err = run(
        "pretrain", "--data", videos, "--objective", "supervised", "--out", tmp_path / "out", *QUICK
    )
    assert code == 2
    assert "muybridge finetune" in paragraph(err)


@pytest.mark.parametrize(
    "words",
    [
        ("--workers", -1),
        ("--limit", 0),
        ("--batch", 0),
        ("--labels-per-class", 0),
        ("--lr", "nan"),
        ("--warmup", 2.0),
        ("--epochs", -1),
        ("--folds", 1),
    ],
)
def test_numbers_out_of_range(run, videos, tmp_path, words):
    code, _, err = run("finetune", "--data", videos, "--out", tmp_path / "out", *words)
    assert code == 2
    assert f"{words[0]} {words[1]}: wanted" in paragraph(err)
    assert not (tmp_path / "out").exists()


def test_a_list_with_missing_files_names_them_all_and_can_go_on(run, videos, tmp_path):
    rows = [f"{path},{path.parent.name}" for path in sorted(videos.glob("*/*.mp4"))]
    listed = tmp_path / "list.csv"
    listed.write_text("\n".join(["path,label", *rows, "gone.mp4,left", "lost.mp4,right"]))
    code, _, err = probe(run, listed, tmp_path / "out")
    assert code == 2
    assert "2 of 18 videos are broken" in paragraph(err)
    assert "gone.mp4" in err
    assert "lost.mp4" in err
    assert probe(run, listed, tmp_path / "out", "--allow-broken")[0] == 0


def test_a_study_of_broken_videos_says_so_before_it_starts(run, tmp_path):
    for label in ("a", "b"):
        (tmp_path / "data" / label).mkdir(parents=True)
        for i in range(3):
            (tmp_path / "data" / label / f"{i}.mp4").write_text("not a video")
    code, _, err = run("quickstart", "--data", tmp_path / "data", "--out", tmp_path / "out")
    assert code == 2
    assert "all 6 videos are broken" in paragraph(err)


def test_a_folder_that_was_killed_while_being_claimed_is_taken(run, videos, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / ".muybridge.json.0123.part").write_text("{")
    assert probe(run, videos, tmp_path / "out")[0] == 0
    assert not list((tmp_path / "out").glob(".*.part"))


def test_columns_without_data_are_refused(run, tmp_path):
    code, _, err = run("quickstart", "--group", "subject", "--out", tmp_path / "out")
    assert code == 2
    assert "goes with --data" in paragraph(err)


def test_a_damaged_config_of_an_input_is_named(run, videos, tmp_path):
    pretrained = tmp_path / "out" / "runs" / "pretrain" / "0123456789abcdef"
    pretrained.mkdir(parents=True)
    (pretrained / "config.yaml").write_text("{a: [")
    code, _, err = probe(run, videos, tmp_path / "other", "--init", pretrained)
    assert code == 1
    assert "config.yaml: damaged" in paragraph(err)
