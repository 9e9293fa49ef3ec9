"""Who may import whom: read from the source, functions included, so that a new import cannot open a door unseen."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import muybridge
from muybridge.runs.stages import STAGES

PACKAGE = Path(muybridge.__file__).parent
FILES = sorted(PACKAGE.rglob("*.py"))
ROOMS = ("data", "augment", "backbones", "objectives", "weighting", "perturb", "measure", "train")
RANK = {
    "core": 0,
    "sampling": 1,
    "store": 1,
    "runs": 2,
    "config": 3,
    **dict.fromkeys(ROOMS, 3),
    "stages": 4,
    "studies": 5,
    "embeddings": 5,
    "export": 5,
    "audit": 5,
    "api": 6,
    "cli": 7,
}
READERS = ("measure", "train", "config")
"""Rooms of their rank that may know what a run is; the others work without any."""
INSIDE = {("objectives", "augment")}
TORCH_FREE = {
    f"muybridge.measure.{name}"
    for name in (
        "accuracy",
        "robustness.altered",
        "robustness.answer_columns",
        "counts",
        "diversity.association",
        "diversity.loss_diversity",
        "diversity.mixed_model",
        "diversity.verdict",
        "ensemble",
        "estimate",
        "intervals",
        "label_hints",
        "robustness.model_units",
        "results_doctor",
        "robustness.robustness_scores",
        "zeroshot_scores",
    )
}
HEAVY = ("torch", "sklearn", "scipy", "matplotlib", "pyarrow")


def name_of(path: Path) -> str:
    """Dotted name of a source file."""
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def room_of(module: str) -> str:
    """First part of a module's name below the package; the package itself and everything of the command line count as such."""
    parts = module.split(".")
    if len(parts) == 1:
        return "root"
    return "cli" if parts[1].startswith("cli") or parts[1] == "__main__" else parts[1]


MODULES = {name_of(path) for path in FILES}


def imports(path: Path) -> Iterator[str]:
    """Every module that a file imports, at its top or inside a function; ``from package import module`` names the module.

    What the front door imports for type checkers alone is left out: at run time it is the functions' first use that brings them.
    """
    tree = ast.parse(path.read_text(encoding="utf-8"))
    if path == PACKAGE / "__init__.py":
        tree.body = [
            node
            for node in tree.body
            if not isinstance(node, ast.If) or ast.unparse(node.test) != "TYPE_CHECKING"
        ]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: relative import"
            for alias in node.names:
                longer = f"{node.module}.{alias.name}"
                yield longer if longer in MODULES else str(node.module)


def doors(path: Path) -> Iterator[tuple[str, str]]:
    """Pairs of rooms that an import of a file joins, and the module at the far end."""
    for module in imports(path):
        if module.split(".")[0] == "muybridge":
            yield room_of(module), module


@pytest.fixture(params=FILES, ids=name_of)
def path(request: pytest.FixtureRequest) -> Path:
    return request.param


def may_import(room: str, other: str, module: str) -> bool:
    """The rules of the house."""
    if room == other or other == "root":
        return room != "core" or other == "core"
    if room == "claims":
        return other in ("core", "runs", "report") or module in TORCH_FREE
    if room == "report":
        return other in ("core", "runs") or module in TORCH_FREE
    if other in ("claims", "report"):
        return room in ("export", "api", "cli")
    if other in ("runs", "store") and room in ROOMS:
        return room in READERS
    return RANK[other] < RANK[room] or (room, other) in INSIDE


def test_imports_go_through_doors_only(path: Path):
    room = room_of(name_of(path))
    if room == "root":
        assert not list(doors(path)), "`import muybridge` must stay light"
    forbidden = [module for other, module in doors(path) if not may_import(room, other, module)]
    assert not forbidden, f"{name_of(path)} must not import {forbidden}"


@pytest.mark.parametrize(
    ("room", "module", "allowed"),
    [
        ("train", "muybridge.data.loader", False),
        ("perturb", "muybridge.augment.chain", False),
        ("objectives", "muybridge.augment.chain", True),
        ("augment", "muybridge.objectives.pretext.rotnet", False),
        ("data", "muybridge.perturb.apply", False),
        ("data", "muybridge.stages.job.job", False),
        ("report", "muybridge.runs.stages", True),
        ("studies", "muybridge.data.cache", True),
        ("audit", "muybridge.stages.robustness", True),
        ("audit", "muybridge.studies.plan", False),
        ("audit", "muybridge.report", False),
        ("api", "muybridge.audit.card", True),
        ("stages", "muybridge.studies.plan", False),
        ("stages", "muybridge.report", False),
        ("export", "muybridge.stages.job.job", True),
        ("export", "muybridge.report.scores.shares", True),
        ("stages", "muybridge.export.write_export", False),
        ("api", "muybridge.report", True),
        ("report", "muybridge.measure.intervals", True),
        ("report", "muybridge.measure.features.linear", False),
        ("report", "muybridge.config.stage_configs", False),
        ("claims", "muybridge.report.claims.verdicts", True),
        ("claims", "muybridge.studies.plan", False),
        ("report", "muybridge.claims.ledger.lines", False),
        ("studies", "muybridge.claims.ledger.lines", False),
        ("core", "muybridge", False),
        ("core", "muybridge.data.index", False),
        ("cli", "muybridge.core.errors", True),
    ],
)
def test_the_rules_say_what_the_architecture_says(room: str, module: str, allowed: bool):
    assert may_import(room, room_of(module), module) is allowed


def test_imports_inside_functions_are_seen(tmp_path: Path):
    source = tmp_path / "a.py"
    source.write_text(
        "def f():\n    if f:\n        from muybridge.data import cache\n    import muybridge.perturb.apply\n"
    )
    assert set(imports(source)) == {"muybridge.data.cache", "muybridge.perturb.apply"}


def test_no_stage_imports_a_stage():
    stages = {entry.code.partition(":")[0] for entry in STAGES.values()}
    assert stages <= MODULES
    for stage in stages:
        other = set(imports(PACKAGE.parent / (stage.replace(".", "/") + ".py"))) & stages
        assert not other, f"{stage} imports {other}: move what they share into a module of its own"


def test_catalogues_name_objects_of_their_own_folder():
    """But for the table of stages, which is read where neither their configs nor their code may be imported."""
    for path in FILES:
        if name_of(path) == "muybridge.runs.stages":
            continue
        for target in re.findall(r'"(muybridge\.[\w.]+):\w+"', path.read_text(encoding="utf-8")):
            assert target in MODULES
            assert room_of(target) == room_of(name_of(path)), f"{name_of(path)} lists {target}"


def outside(module: str) -> set[str]:
    """Files that import an outside package."""
    return {name_of(path) for path in FILES if module in {name.split(".")[0] for name in imports(path)}}


def test_only_the_video_reader_and_the_codec_perturbations_import_av():
    importers = outside("av")
    assert importers
    assert all(
        name.startswith(("muybridge.data.decode.video", "muybridge.perturb.codec")) for name in importers
    ), importers


def test_nothing_imports_torchvision():
    assert not outside("torchvision")


COMMANDS = {"study", "compare", "export"}
MOST_ANY = 6.5
"""Times that a thousand lines say it, imports included."""
"""Files of ``cli/`` that bear the name of their command as well as a file elsewhere does."""


def test_names_of_files_are_unique():
    names = [path.stem for path in FILES if path.stem != "__init__"]
    assert {name for name in names if names.count(name) > 1} <= COMMANDS


def test_folders_stay_small():
    for folder in {path.parent for path in FILES} - {PACKAGE}:
        held = [one for one in folder.iterdir() if one.name not in ("__init__.py", "__pycache__")]
        assert len(held) <= 15, f"{folder} holds {len(held)}"


def test_files_stay_short(path: Path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 400


def test_any_stays_rare():
    """``Any`` is for what has no type: objects of untyped libraries, values on their way into a config, rows of a curve.

    Fields that are read have types (``config_fields``, ``result_fields``, ``study_file``, ``prereg_file``), and what is only carried is an
    ``object``. Fewer is better: whoever brings it down puts the new number here.
    """
    texts = [path.read_text(encoding="utf-8") for path in FILES]
    said = sum(len(re.findall(r"\bAny\b", text)) for text in texts)
    assert said / sum(map(len, map(str.splitlines, texts))) <= MOST_ANY / 1000


@pytest.mark.parametrize(
    "module",
    [
        "muybridge",
        "muybridge.cli.main",
        "muybridge.report",
        "muybridge.config.stage_configs",
        *sorted(TORCH_FREE),
    ],
)
def test_light_modules_leave_heavy_packages_out(module: str):
    code = f"import sys, {module}; print(*[name for name in {HEAVY} if name in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True
    )
    assert done.stdout.split() == []


def test_files_import_each_other_in_no_circle():
    """At their top or inside a function."""
    edges = {name_of(path): {one for one in imports(path) if one in MODULES} for path in FILES}

    def reached(start: str) -> set[str]:
        found, waiting = set[str](), [start]
        while waiting:
            for one in edges[waiting.pop()] - found:
                found.add(one)
                waiting.append(one)
        return found

    far = {name: reached(name) for name in edges}
    assert not [name for name in far if name in far[name]]
