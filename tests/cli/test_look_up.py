"""Commands that look things up: help, lists, info."""

import json
import subprocess
import sys

import pytest

KINDS = ("backbones", "objectives", "perturbations", "datasets", "weightings")
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
    [["--help"], ["pretrain", "--help"], ["list", "backbones"], ["list", "objectives", "--json"], ["info"]],
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


@pytest.mark.parametrize(
    ("words", "nearest"),
    [
        (["quikstart"], "'quickstart'"),
        (["list", "backbone"], "'backbones'"),
        (["study", "run", "quickstrt"], "'quickstart'"),
        (["pretrain", "--objectiv", "vcop"], "--objective"),
        (["info", "--jsn"], "'--json'"),
        (["pretrain", "--preset", "tinny"], "'tiny'"),
    ],
)
def test_unknown_names_get_the_nearest_suggestion(run, words, nearest):
    code, _, err = run(*words)
    assert code == 2
    assert nearest in err


def test_info_as_json_names_versions_and_cache(run):
    facts = json.loads(run("info", "--json")[1])
    assert facts["torch"]
    assert facts["cache"]
