"""Commands that look things up: help, lists, info."""

import json
import subprocess
import sys

import pytest

KINDS = (
    *("stages", "studies", "backbones", "objectives", "weightings", "datasets"),
    *("augmentations", "perturbations", "profiles", "protocols", "presets", "sections"),
)
VERBS = (
    "quickstart",
    "pretrain",
    "finetune",
    "probe",
    "robustness",
    "neighbours",
    "study",
    "report",
    "runs",
    "list",
    "info",
)
HEAVY = {"torch", "sklearn", "scipy", "skimage", "matplotlib", "pyarrow", "av"}


@pytest.mark.parametrize("kind", KINDS)
def test_list_json_has_name_and_summary(run, kind):
    code, out, _ = run("list", kind, "--json")
    rows = json.loads(out)
    assert code == 0
    assert rows
    assert all(row["name"] and row["summary"] for row in rows)


def test_list_names_what_the_issue_promises(run):
    names = {kind: {row["name"] for row in json.loads(run("list", kind, "--json")[1])} for kind in KINDS}
    assert {"r2plus1d", "r2plus1d-tiny"} <= names["backbones"]
    assert {"rotnet", "vcop", "supervised"} <= names["objectives"]
    assert {"gaussian_noise", "jumbling", "freezing", "reversal"} <= names["perturbations"]
    assert {"builtin-objects", "builtin-motions"} <= names["datasets"]
    assert {"fixed"} <= names["weightings"]
    assert {"pretrain", "robustness", "similarity"} <= names["stages"]
    assert {"quickstart", "noise"} <= names["studies"]


def test_list_names_just_what_the_words_of_flags_may_be(run):
    from typing import get_args

    from muybridge.augment.chain import CHAINS, STEPS
    from muybridge.config.presets import PRESETS
    from muybridge.config.stage_configs import Step
    from muybridge.perturb.profiles import PROFILES
    from muybridge.runs.stages import STAGES
    from muybridge.stages.testing.clip_protocol import PROTOCOLS

    names = {kind: [row["name"] for row in json.loads(run("list", kind, "--json")[1])] for kind in KINDS}
    assert names["augmentations"] == list(get_args(Step))
    assert set(names["augmentations"]) == set(STEPS) | set(CHAINS)
    assert names["profiles"] == list(PROFILES)
    assert names["protocols"] == list(PROTOCOLS)
    assert names["presets"] == list(PRESETS)
    assert set(names["stages"]) == set(STAGES)


def test_the_shown_list_has_a_line_for_each(run):
    for kind in KINDS:
        rows = json.loads(run("list", kind, "--json")[1])
        code, out, _ = run("list", kind)
        assert code == 0
        assert [line.split()[0] for line in out.splitlines()] == [row["name"] for row in rows]


def test_list_without_a_kind_names_the_kinds(run):
    code, out, _ = run("list")
    assert code == 0
    assert all(kind in out for kind in KINDS)


def test_help_lists_every_verb(run):
    code, out, _ = run("--help")
    assert code == 0
    assert all(f"\n  {verb} " in out for verb in VERBS)


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help(run, verb):
    code, out, _ = run(verb, "--help")
    assert code == 0
    assert "usage: muybridge " in out


@pytest.mark.parametrize(
    "words",
    [
        *(
            ["--help"],
            ["pretrain", "--help"],
            ["study", "run", "--help"],
            ["study", "run", "noise", "--help"],
            ["runs", "ls", "--help"],
        ),
        *(["list", kind] for kind in KINDS),
        *(["list", "objectives", "--json"], ["info"]),
    ],
)
def test_looking_up_imports_nothing_heavy(words):
    code = f"""
import sys
from muybridge.cli.main import main
try:
    main({words!r})
except SystemExit:
    pass
heavy = {HEAVY!r} & set(sys.modules)
sys.exit(f"imported {{heavy}}" if heavy else 0)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_first_help_does_without_the_parser():
    code = "import sys; from muybridge.cli.main import main; main(['--help']); print({'tyro', 'numpy', 'rich', 'yaml'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "set()"


@pytest.mark.parametrize("columns", [80, 120])
@pytest.mark.parametrize(
    "words",
    [
        *(["--help"], ["pretrain", "--help"], ["distill", "--help"], ["study"], ["study", "run", "--help"]),
        *(["study", "status", "noise", "--help"],),
        *(["prereg", "--help"], ["runs"], ["runs", "ls", "--help"], ["data"], ["data", "subset", "--help"], ["perturb", "--help"]),
        *(["list"],),
        *(["compare", "--help"], ["claims"], ["claims", "verify", "--help"], ["review"], ["published"], ["weights", "convert", "--help"]),
        *(["report", "--help"], ["info", "--help"], ["completion", "--help"], ["quickstart", "--help"]),
    ],
)  # fmt: skip
def test_help_fits_the_terminal(run, monkeypatch, words, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    code, out, _ = run(*words)
    assert code == 0
    assert out.startswith("usage: muybridge ")
    assert max(map(len, out.partition("\n\n")[2].splitlines())) <= columns
    assert "{ABOUT}" not in out


def test_a_study_command_has_help_without_a_name(run):
    for action in ("plan", "run", "status", "retry", "report"):
        code, out, _ = run("study", action, "--help")
        assert code == 0
        assert "quickstart " in out
        assert "--executor" in out
    assert "--watch" in run("study", "status", "--help")[1]
    assert run("study", "run", "--seeds", "1")[0] == 2


@pytest.mark.parametrize(
    ("words", "nearest"),
    [
        (["quikstart"], "'quickstart'"),
        (["list", "backbone"], "'backbones'"),
        (["study", "run", "quickstrt"], "'quickstart'"),
        (["pretrain", "--objectiv", "vcop"], "--objective"),
        (["info", "--jsn"], "'--json'"),
        (["info", "recpes"], "'recipes'"),
        (["info", "recipes", "--remove-cache"], "takes one task and --json, got '--remove-cache'"),
        (["pretrain", "--preset", "tinny"], "'tiny'"),
        (["pretrain", "--optimiser", "sdg"], "wanted one of adamw, sgd. Did you mean 'sgd'?"),
        (["pretrain", "--frames", "many"], "pretrain: --frames many: wanted a whole number."),
        (["probe", "--fold", "each"], "probe: --fold each: wanted a whole number or all."),
        (["pretrain", "--lr=fast"], "pretrain: --lr fast: wanted a number."),
        (["pretrain", "--limit", "many"], "pretrain: --limit many: wanted a whole number."),
        (["robustness", "--severities", "1", "two"], "robustness: --severities 1 two: wanted whole numbers."),
        (["pretrain", "--frames"], "pretrain: --frames wants a value."),
        (["pretrain", "vcop"], "pretrain has one word too many: 'vcop'."),
        (["completion", "bsh"], "'bash'"),
        (["report", "a", "--out", "b"], "report takes one folder"),
        (["distill", "--data", "x"], "wanted --teachers"),
    ],
)
def test_unknown_names_get_the_nearest_suggestion(run, words, nearest):
    code, _, err = run(*words)
    assert code == 2
    assert nearest in err
    assert err.startswith("muybridge: ")
    assert err.count("\n") == 1, "one paragraph"


def test_info_as_json_names_versions_and_cache(run):
    facts = json.loads(run("info", "--json")[1])
    assert facts["torch"]
    assert facts["cache"]


@pytest.mark.parametrize(
    "words", [["pretrain"], ["robustness"], ["perturb"], ["data", "doctor"], ["study", "run"], ["runs", "ls"]]
)
def test_the_help_of_a_command_imports_no_numpy(words):
    code = (
        f"import sys\nfrom muybridge.cli.main import main\nmain({[*words, '--help']!r})\n"
        "sys.exit(' '.join({'numpy', 'torch', 'av'} & set(sys.modules)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "usage: muybridge" in done.stdout
