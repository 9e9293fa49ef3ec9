"""``muybridge study``: the words, and the examples of docs/studies.md run as they stand there."""

import json
import re
from pathlib import Path

import pytest

from muybridge.core.plain_data import read_json
from muybridge.runs.out import claim
from muybridge.runs.records import find_runs
from muybridge.studies import STUDIES

PAGE = (Path(__file__).parents[2] / "docs" / "studies.md").read_text(encoding="utf-8")


def example(kind):
    """The first block of a language in docs/studies.md."""
    return re.search(rf"```{kind}\n(.*?)```", PAGE, re.DOTALL)[1]


@pytest.fixture(scope="module")
def files(videos, tmp_path_factory):
    """Both examples, about real videos."""
    folder = tmp_path_factory.mktemp("studies")
    for kind, name in (("yaml", "tasks.yaml"), ("python", "strides.py")):
        (folder / name).write_text(example(kind).replace("my/videos", str(videos)))
    return folder


def test_list_shows_every_study(run):
    code, out, _ = run("study", "list", "--json")
    assert code == 0
    assert [row["name"] for row in json.loads(out)] == list(STUDIES)
    assert all(name in run("study", "list")[1] for name in STUDIES)
    assert run("study", "list", "--jsom")[0] == 2


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("study", "pln"), "study has no 'pln'. Did you mean 'plan'"),
        (("study", "plan"), "study plan: wanted the name of a study or a file"),
        (("study", "run", "noize"), "no study 'noize'. Did you mean 'noise'"),
        (("study", "plan", "noise", "--seeds", "0"), "--seeds 0: wanted 1 or more"),
        (("study", "plan", "no.yaml"), "no.yaml: no such study file"),
    ],
)
def test_wrong_words_are_refused(run, words, message):
    code, _, err = run(*words)
    assert code == 2
    assert message in err


def test_a_wrong_scale_is_refused_with_the_known_ones(run):
    code, _, err = run("study", "plan", "noise", "--scale", "huge")
    assert code == 2
    assert "tiny" in err


def test_help_needs_no_study(run):
    code, out, _ = run("study", "--help")
    assert code == 0
    assert "NAME_OR_FILE" in out


@pytest.fixture(scope="module")
def ran(files, tmp_path_factory):
    """The YAML example, run once by the command line."""
    from muybridge.cli.main import main

    out = tmp_path_factory.mktemp("ran") / "out"
    assert main(["study", "run", str(files / "tasks.yaml"), "--out", str(out)]) == 0
    return out


def test_the_yaml_example_runs_and_is_reported(ran):
    study = read_json(ran / "study.json")
    assert study["title"] == "Which task, on my videos"
    assert study["failed"] == []
    assert study["arms"] == ["random", "rotnet", "vcop"]
    stages = [cell["stage"] for cell in study["cells"]]
    assert {stage: stages.count(stage) for stage in stages} == {
        "pretrain": 3,
        "probe": 5,
        "finetune": 6,
        "robustness": 6,
    }
    assert len(find_runs(ran)) == len(study["cells"])
    assert "Which task, on my videos" in (ran / "report.md").read_text()
    assert study["command"].startswith("muybridge study run ")


def test_plan_says_what_exists_and_what_the_rest_costs(run, ran, files):
    code, out, _ = run("study", "plan", files / "tasks.yaml", "--out", ran)
    assert code == 0
    assert "20 runs: 20 exist, 0 to do" in out
    assert "cost:" not in out
    wider = files / "wider.yaml"
    wider.write_text((files / "tasks.yaml").read_text().replace("seed: [0, 1]", "seed: [0, 1, 2]"))
    out = run("study", "plan", wider, "--out", ran)[1]
    assert "33 runs: 20 exist, 13 to do" in out
    assert re.search(r"cost: [\d.]+ min of one worker for 13 of 13 runs, by past runs of like kind", out)


def test_a_plan_touches_nothing(run, files, tmp_path):
    code, out, _ = run("study", "plan", files / "tasks.yaml", "--out", tmp_path / "out")
    assert code == 0
    assert "20 runs: 0 exist, 20 to do" in out
    assert re.search(
        r"cost: at least [\d.]+ min of one worker.*, [\d,]+ MB for a training step, measured on the network alone",
        out,
    )
    assert not (tmp_path / "out").exists()


def test_status_takes_the_options_of_the_run(run, ran, files):
    code, out, _ = run("study", "status", files / "tasks.yaml", "--out", ran)
    assert code == 0
    assert out.endswith("20 runs: 20 done, 0 running, 0 failed, 0 waiting\n")
    assert run("study", "status", files / "tasks.yaml", "--out", ran, "--watch")[1] == out


def test_report_is_written_anew(run, ran, files):
    (ran / "report.md").unlink()
    assert run("study", "report", files / "tasks.yaml", "--out", ran)[0] == 0
    assert (ran / "report.md").is_file()


def test_a_folder_of_another_study_is_refused(run, ran, files):
    code, _, err = run("study", "status", "noise", "--out", ran)
    assert code == 2
    assert "holds the study 'tasks', not 'noise'" in err


def test_a_report_of_a_study_that_never_ran_is_refused(run, files, tmp_path):
    code, _, err = run("study", "report", files / "tasks.yaml", "--out", tmp_path / "none")
    assert code == 1
    assert "no study was run here" in err


def test_failures_are_shown_and_tried_again_alone(run, files, tmp_path):
    out, study = tmp_path / "out", files / "strides.py"
    words = (study, "--out", out, "--strides", "1")
    plan = run("study", "plan", *words)[1]
    bad = Path(re.search(r"to do +(\S+/pretrain/\S+)", plan)[1])
    claim(out)
    (bad / "config.yaml").mkdir(parents=True)
    code, _, err = run("study", "run", *words)
    assert code == 1
    assert "2 of 2 runs failed" in err
    status = run("study", "status", study, "--out", out)[1]
    assert "2 runs: 0 done, 0 running, 2 failed, 0 waiting" in status
    assert "not run: its input" in status
    assert (bad / "error.log").is_file()
    (bad / "config.yaml").rmdir()
    assert run("study", "retry", study, "--out", out)[0] == 0
    assert "2 runs: 2 done" in run("study", "status", study, "--out", out)[1]
    assert "no run has failed" in run("study", "retry", study, "--out", out)[1]


def test_the_options_of_a_python_file_are_flags(run, files, tmp_path):
    code, out, _ = run("study", "plan", files / "strides.py", "--help")
    assert code == 0
    assert "--strides" in out
    assert "Steps between the frames of a clip in pretraining" in " ".join(out.replace("│", " ").split())
    assert (
        "6 runs: 0 exist"
        in run("study", "plan", files / "strides.py", "--strides", 1, 2, 3, "--out", tmp_path)[1]
    )


def test_a_study_is_a_function_too(files, tmp_path):
    import muybridge

    finished = muybridge.study(files / "strides.py", strides=(1,), out=tmp_path / "out", dry_run=True)
    assert [cell.job.stage for cell in finished.cells] == ["pretrain", "probe"]
