"""Code that data name is not called: every field of a run folder, ``study.json``, folders of transformers; and the places in the source.

A canary module lies on the path. It leaves a mark when it is imported, so that no test has to know how it came to that.
"""

import ast
import copy
import json
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml

import muybridge
from muybridge import api
from muybridge.config.stage_configs import FinetuneConfig, ProbeConfig, RobustnessConfig
from muybridge.core.catalogue import imported, names_code
from muybridge.core.errors import MuybridgeError, UsageError
from muybridge.core.plain_data import read_json, write_json
from muybridge.runs.records import Run
from muybridge.runs.seal import seal
from muybridge.runs.stages import STAGES
from muybridge.stages.job import consent
from muybridge.studies.plan import plan
from muybridge.studies.study_configs import CONFIGS

TINY = {"frames": 4, "stride": 1, "size": 20, "crop": 16, "batch": 6, "fold": 0}
CODE = "canary_of_mine:make"
PACKAGE = Path(muybridge.__file__).parent


@pytest.fixture
def mark(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """What the canary leaves when it is imported; its network has four features."""
    found = tmp_path / "IMPORTED"
    (tmp_path / "canary_of_mine.py").write_text(
        f"import pathlib, torch\npathlib.Path({str(found)!r}).touch()\n"
        "class make(torch.nn.Module):\n    dim = 3\n"
        "    def __init__(self):\n        super().__init__(); self.scale = torch.nn.Parameter(torch.ones(3))\n"
        "    def forward(self, x):\n        return x.mean((2, 3, 4)) * self.scale\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    yield found
    sys.modules.pop("canary_of_mine", None)


@pytest.fixture(scope="module")
def sound(videos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pretraining run, a fine-tuning and a probe of it."""
    out = tmp_path_factory.mktemp("sound") / "out"
    rest = {name: value for name, value in TINY.items() if name != "fold"}
    init = muybridge.pretrain(data=videos, objective="rotnet", budget=12, out=out, **rest).path
    muybridge.finetune(data=videos, init=init, epochs=1, out=out, **TINY)
    muybridge.probe(data=videos, init=init, out=out, **TINY)
    return out


def copied(sound: Path, target: Path) -> dict[str, Run]:
    """The runs by stage, in a folder where they may be changed."""
    shutil.copytree(sound, target)
    return {path.parent.parent.name: Run(path.parent) for path in target.glob("runs/*/*/result.json")}


def tampered(run: Run, change: Callable[[dict[str, Any]], None], files: tuple[str, ...]) -> None:
    """Change ``config.yaml``, the ``result.json`` or both, and seal the run again as its maker could."""
    path = run.path / "config.yaml"
    if "config.yaml" in files:
        content = {"config": yaml.safe_load(path.read_text())}
        change(content)
        path.write_text(yaml.safe_dump(content["config"]))
    told = copy.deepcopy(read_json(run.path / "result.json"))
    if "result.json" in files:
        change(told)
    for name in ("files", "sha256"):
        told.pop(name)
    write_json(run.path / "result.json", seal(run.path, told))


def use(stage: str, run: Run, videos: Path, out: Path) -> None:
    """What starts from a run of a stage."""
    if stage == "pretrain":
        muybridge.knn(data=videos, init=run.path, out=out, **TINY)
    else:
        muybridge.robustness(run.path, data=videos, types=("jumbling",), severities=(1,), out=out)


def texts(content: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where strings stand in parsed JSON, lists of them included; those that name and locate the data aside."""
    pairs = content.items() if isinstance(content, dict) else enumerate(content)
    for key, value in pairs:
        if isinstance(value, dict | list):
            yield from texts(value, (*place, key))
        elif isinstance(value, str) or value is None:
            yield *place, key


def put(content: Any, place: tuple[Any, ...], value: str) -> None:
    for key in place[:-1]:
        content = content[key]
    content[place[-1]] = value


@pytest.mark.parametrize(
    "files", [("config.yaml",), ("result.json",), ("config.yaml", "result.json")], ids=str
)
@pytest.mark.parametrize("stage", ["pretrain", "finetune", "probe"])
def test_a_backbone_that_a_run_names_is_not_called(stage, files, sound, videos, tmp_path, mark):
    run = copied(sound, tmp_path / "theirs")[stage]
    tampered(run, lambda content: put(content, ("config", "backbone"), CODE), files)
    with pytest.raises(
        UsageError, match=r"backbone is canary_of_mine:make.*make called.*--trust-code canary_of_mine:make"
    ) as caught:
        use(stage, run, videos, tmp_path / "mine")
    assert str(run.path / files[0]) in str(caught.value)
    assert not mark.exists()
    assert not list((tmp_path / "mine").glob("runs/*/*"))


@pytest.mark.slow
@pytest.mark.parametrize("stage", ["pretrain", "finetune", "probe"])
def test_no_text_of_a_run_is_called(stage, sound, videos, tmp_path, mark):
    """The canary is put in the place of every string of its ``result.json`` and config, one after the other, and the run is used."""
    whole = read_json(copied(sound, tmp_path / "look")[stage].path / "result.json")
    places = [place for place in texts(whole) if place[0] not in ("files", "sha256", "version")]
    assert len(places) > 40
    for number, place in enumerate(places):
        theirs = tmp_path / f"theirs{number}"
        run = copied(sound, theirs)[stage]
        files = ("config.yaml", "result.json") if place[0] == "config" else ("result.json",)
        tampered(run, lambda content, place=place: put(content, place, CODE), files)
        for reader in (
            partial(use, stage, run, videos, tmp_path / "mine"),
            partial(api.report, theirs),
            partial(api.runs, theirs),
        ):
            with suppress(
                Exception
            ):  # how a reader refuses it is tested elsewhere; here it counts what was called
                reader()
        assert not mark.exists(), place
        shutil.rmtree(theirs)


def test_a_run_that_a_run_starts_from_is_data_too(sound, videos, tmp_path, mark):
    """A probe whose input run names code, and a probe of an honest run that says it started from such a one."""
    runs = copied(sound, tmp_path / "theirs")
    tampered(
        runs["pretrain"],
        lambda content: put(content, ("config", "backbone"), CODE),
        ("config.yaml", "result.json"),
    )
    use("finetune", runs["finetune"], videos, tmp_path / "mine")
    assert not mark.exists()


def test_the_user_allows_it_by_naming_it(sound, videos, tmp_path, mark):
    out, rest = tmp_path / "mine", {name: value for name, value in TINY.items() if name != "fold"}
    init = muybridge.pretrain(data=videos, backbone=CODE, objective="rotnet", budget=12, out=out, **rest)
    assert mark.exists(), "typed by the user: consent"
    model = muybridge.probe(data=videos, init=init.path, backbone=CODE, out=out, **TINY)
    mark.unlink()
    sys.modules.pop("canary_of_mine")
    common = {"data": videos, "types": ("jumbling",), "severities": (1,), "out": out}
    with pytest.raises(UsageError, match="--trust-code"):
        muybridge.robustness(model.path, **common)
    with pytest.raises(UsageError, match="--trust-code"):
        muybridge.robustness(model.path, trust_code="canary_of_mine:other", **common)
    assert not mark.exists()
    run = muybridge.robustness(model.path, trust_code=CODE, **common)
    assert mark.exists()
    assert f"--trust-code {CODE}" in run.result["command"]
    again = muybridge.robustness(model.path, trust_code=(CODE, "a:b"), **common)
    assert again.path == run.path, "what is allowed decides no result"


def test_trust_that_stands_in_a_run_is_none(sound, videos, tmp_path, mark):
    def change(content: dict[str, Any]) -> None:
        content["config"] |= {"backbone": CODE, "trust_code": [CODE]}

    run = copied(sound, tmp_path / "theirs")["finetune"]
    tampered(run, change, ("config.yaml", "result.json"))
    with pytest.raises(UsageError, match="--trust-code"):
        use("finetune", run, videos, tmp_path / "mine")
    assert not mark.exists()


def test_a_study_trusts_what_it_plans_and_nothing_else(videos, tmp_path, mark):
    def cells(backbone: str, init: str = "random") -> Iterator[Any]:
        common = {"data": (str(videos),), "out": tmp_path / "mine", **TINY}
        model = yield FinetuneConfig(**common, backbone=backbone, init=init)
        yield RobustnessConfig(model=model, out=tmp_path / "mine", types=("jumbling",))

    planned = plan(cells(CODE))
    assert [cell.job.config.trust_code for cell in planned] == [(), (CODE,)], "so that its worker may call it"


@pytest.mark.parametrize("action", ["status", "retry", "report"])
@pytest.mark.parametrize(
    "value", [{"backbones": [CODE]}, {"backbones": [CODE], "trust_code": [CODE]}], ids=["named", "trusted"]
)
def test_a_plan_that_somebody_left_is_data(action, value, run, tmp_path, mark):
    out = tmp_path / "theirs"
    out.mkdir()
    write_json(out / "muybridge.json", {"made by": "muybridge", "layout": 1})
    write_json(out / "study.json", {"name": "noise", "config": value})
    code, _, err = run("study", action, "noise", "--out", out)
    assert code == 2
    assert f"{out / 'study.json'}: its backbones is {CODE}" in err
    assert not mark.exists()


def test_where_runs_are_sent_is_not_for_a_plan_to_say(run, tmp_path):
    out = tmp_path / "theirs"
    out.mkdir()
    write_json(out / "muybridge.json", {"made by": "muybridge", "layout": 1})
    write_json(
        out / "study.json",
        {"name": "noise", "config": {"executor": "slurm", "address": "cluster=local,setup=touch x"}},
    )
    code, _, err = run("study", "retry", "noise", "--out", out)
    assert code == 2
    assert "--address" in err


@pytest.mark.parametrize(
    ("word", "code"),
    [
        ("os:abort", True), ("package.module:make", True), ("package.module:Class.make", True), ("hf:name", False),
        ("torchvision:r3d_18", False), ("hf:a/b", False), ("/data/a:b", False), ("s3://bucket", False), ("C:\\x", False),
        ("a-b:c", False), ("a:", False), (":b", False), ("i3d", False), ("", False), ("a:b()", False), ("a..b:c", False),
    ],
)  # fmt: skip
def test_words_that_name_code(word, code):
    assert names_code(word) is code
    if not code:
        with pytest.raises(UsageError, match="wanted module:function"):
            imported(word)


def test_every_field_that_can_name_code_is_known(videos, tmp_path):
    """Fields whose help speaks of backbones, models or module:function."""
    speaking = {
        field.name
        for kind in (*(facts.kind() for facts in STAGES.values()), *CONFIGS.values())
        for field in fields(kind)
        if field.type in (str, tuple[str, ...])
        and field.name.rstrip("s") in ("backbone", "model", "objective", "network")
    }
    assert speaking - {"objective"} <= {*consent.FIELDS}
    with pytest.raises(UsageError, match="objectives has no"):
        muybridge.pretrain(data=videos, objective=CODE, out=tmp_path / "out", dry_run=True)


CALLERS = {
    ("core/catalogue.py", "import_module"): 2,
    ("backbones/outside/wrapped.py", "import_module"): 1,
    ("data/sources.py", "import_module"): 1,
    ("weighting/torchjd_methods.py", "import_module"): 1,
    ("__init__.py", "import_module"): 1,
    ("studies/files/python_file.py", "exec"): 1,
}
"""Everything that follows a name to code: entries of our tables and entry points of installed packages, ``imported`` (core/catalogue); a
package by our own name (wrapped.library, sources, TorchJD's); our own verbs; a study file, which is executed because the user says so."""


def test_names_are_followed_to_code_in_known_places_only():
    found: dict[tuple[str, str], int] = {}
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            called = node.func if isinstance(node, ast.Call) else None
            name = getattr(called, "id", getattr(called, "attr", ""))
            if name in (
                "exec",
                "import_module",
                "__import__",
                "spec_from_file_location",
                "run_path",
                "run_module",
            ) or (name == "eval" and isinstance(called, ast.Name)):
                key = (path.relative_to(PACKAGE).as_posix(), name)
                found[key] = found.get(key, 0) + 1
    assert found == CALLERS


@pytest.fixture
def evil(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of transformers with Python of its own, and nobody who may be asked."""
    pytest.importorskip("transformers")
    folder = tmp_path / "theirs"
    folder.mkdir()
    monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))
    monkeypatch.setattr("builtins.input", lambda *_: pytest.fail("it asks"))
    (folder / "evil.py").write_text(
        f"import pathlib\npathlib.Path({str(tmp_path / 'RAN')!r}).touch()\n"
        "from transformers import PreTrainedModel, PretrainedConfig\n"
        "class EvilConfig(PretrainedConfig):\n    model_type = 'evil'\n"
        "class EvilModel(PreTrainedModel):\n    config_class = EvilConfig\n"
    )
    return folder


MAP = {
    "AutoConfig": "evil.EvilConfig",
    "AutoModel": "evil.EvilModel",
    "AutoModelForVideoClassification": "evil.EvilModel",
}


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"model_type": "evil", "auto_map": MAP}, r"auto_map wants Python of its own.*never run here"),
        ({"model_type": "videomae", "auto_map": MAP}, r"auto_map wants Python of its own"),
        ({"model_type": "videomae", "auto_map": {"AutoModel": "other/place--evil.EvilModel"}}, r"auto_map wants"),
        ({"model_type": "evil"}, r"model type 'evil' is not known here"),
        ({"model_type": ["videomae"]}, r"model type \['videomae'\] is not known here"),
        ({"model_type": "videomae", "attn_implementation": "somebody/kernel"}, r"may be fetched and run"),
        ({"model_type": "videomae", "quantization_config": {"quant_method": "x"}}, r"asks for quantised weights"),
        ({"model_type": "videomae", "transformers_weights": "../other.safetensors"}, r"a file of weights by name"),
    ],
    ids=["own type", "known type", "another repository", "unknown type", "no text", "kernel", "quantised", "other file"],
)  # fmt: skip
def test_python_in_a_folder_of_weights_is_never_run(config, said, evil, tmp_path):
    from muybridge.backbones.outside.zoo import backbone, classifier

    (evil / "config.json").write_text(json.dumps(config))
    for build in (backbone, classifier):
        with pytest.raises(UsageError, match=said):
            build(f"hf:{evil}")
    assert not (tmp_path / "RAN").exists()


def test_a_folder_in_the_hub_cache_is_read_by_the_same_rules(evil, tmp_path, monkeypatch):
    from huggingface_hub import constants

    from muybridge.backbones.outside.zoo import backbone

    snapshot = tmp_path / "hub" / "models--some--body" / "snapshots" / "abc"
    shutil.copytree(evil, snapshot)
    (snapshot / "config.json").write_text(json.dumps({"model_type": "evil", "auto_map": MAP}))
    (snapshot.parents[1] / "refs").mkdir()
    (snapshot.parents[1] / "refs" / "main").write_text("abc")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    with pytest.raises(UsageError, match="auto_map wants"):
        backbone("hf:some/body")
    assert not (tmp_path / "RAN").exists()


def test_the_config_of_a_run_of_any_shape_is_refused_in_words(sound, videos, tmp_path):
    for number, broken in enumerate(
        ("[]", "a: b", "backbone: [1]", "backbone: 3\n", "{", "data: {}", "\x00")
    ):
        run = copied(sound, tmp_path / f"theirs{number}")["pretrain"]
        (run.path / "config.yaml").write_text(broken)
        with pytest.raises(MuybridgeError, match=r"damaged|changed|config\.yaml|length"):
            use("pretrain", run, videos, tmp_path / "mine")
        assert ProbeConfig  # the module stays as it was
