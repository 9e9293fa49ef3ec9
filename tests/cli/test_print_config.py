"""The resolved config: one line of what differs before a run, all of it with ``--print-config``, and the way back."""

import shlex
from pathlib import Path

import pytest
import yaml

from muybridge.cli.stage_verbs import parse_config
from muybridge.config import stage_configs as configs
from muybridge.runs.records import find_runs

SMALL = ("--frames", 4, "--stride", 1, "--size", 20, "--crop", 16, "--fold", 0)


def test_the_line_is_a_command_of_what_differs(run, videos: Path, tmp_path: Path):
    code, _, err = run("probe", "--data", videos, "--out", tmp_path / "out", *SMALL)
    assert code == 0
    [line] = [line for line in err.splitlines() if line.startswith("muybridge ")]
    words = shlex.split(line.partition(": ")[2])
    assert words[0] == "probe"
    made = find_runs(tmp_path / "out")[0]
    config = parse_config(configs.ProbeConfig, "muybridge probe", words[1:])
    saved = {
        name: value for name, value in made.result["config"].items() if name not in ("device", "precision")
    }
    assert {name: value for name, value in configs.as_dict(config).items() if name in saved} == saved
    assert "--batch" not in words, "as it is by default"
    assert config.device != "auto"


def test_print_config_writes_nothing_and_its_file_makes_the_same_run(run, videos: Path, tmp_path: Path):
    words = ("probe", "--data", videos, *SMALL)
    code, out, err = run(*words, "--out", tmp_path / "out", "--print-config")
    assert (code, err) == (0, "")
    assert not (tmp_path / "out").exists()
    told = yaml.safe_load(out)
    assert set(told) == set(configs.as_dict(configs.ProbeConfig()))
    assert (told["crop"], told["batch"]) == (16, configs.ProbeConfig.batch)
    assert told["device"] != "auto"
    (tmp_path / "all.yaml").write_text(out)
    assert run("probe", "--config", tmp_path / "all.yaml")[0] == 0
    assert run(*words, "--out", tmp_path / "other")[0] == 0
    signatures = [find_runs(tmp_path / name)[0].signature for name in ("out", "other")]
    assert signatures[0] == signatures[1]


def test_print_config_of_a_study(run, tmp_path: Path):
    code, out, _ = run("quickstart", "--seeds", 3, "--out", tmp_path / "out", "--print-config")
    assert code == 0
    assert yaml.safe_load(out)["seeds"] == 3
    assert not (tmp_path / "out").exists()


def test_a_password_stays_out_of_both(run, videos: Path):
    url = "memory://me:h7nter2@place/study"
    code, out, _ = run("probe", "--data", videos, *SMALL, "--out", url, "--print-config")
    assert code == 0
    assert "h7nter2" not in out


def test_flags_stand_over_the_file_and_the_file_over_the_preset(tmp_path: Path):
    (tmp_path / "c.yaml").write_text("crop: 64\nepochs: 7\n")
    words = ["--epochs", "3", "--preset", "vcop", "--config", str(tmp_path / "c.yaml")]
    config = parse_config(configs.FinetuneConfig, "muybridge finetune", words)
    assert (config.epochs, config.crop, config.batch, config.optimiser) == (3, 64, 8, "sgd")
    assert type(config) is configs.FinetuneConfig


@pytest.mark.parametrize("words", [["--student", "shufflenet-tiny"], ["--backbone=shufflenet-tiny"]])
def test_distill_has_its_own_names_and_defaults(words: list[str]):
    from muybridge.cli.stage_verbs import read_config, stage_verb

    verb = stage_verb("distill")
    config, _ = read_config(verb.kind, "muybridge distill", ["--teachers", "x", *words], verb.own)
    assert (config.backbone, config.weighting) == ("shufflenet-tiny", "ae-kd")
    config, _ = read_config(verb.kind, "muybridge distill", ["--weighting", "fixed"], verb.own)
    assert config.weighting == "fixed"
