"""The documentation site, without its generator: its menu, where its links lead, and that what its pages quote and list is so."""

import ast
import re
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image

from muybridge.objectives import OBJECTIVES
from muybridge.perturb import PERTURBATIONS
from muybridge.runs.contents import predictions

ROOT = Path(__file__).parent.parent
DOCS, SOURCE = ROOT / "docs", ROOT / "src" / "muybridge"
PAGES = sorted(path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md"))
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)\s]+)\)")
MOST = 600_000
"""Bytes of all pictures of perturbations and tasks."""

sys.path.insert(0, str(ROOT))
from docs.tools import pictures  # noqa: E402


class Loader(yaml.SafeLoader):
    """Reads mkdocs.yml; objects of Python stay names."""


Loader.add_multi_constructor("tag:yaml.org,2002:python/name:", lambda loader, suffix, node: suffix)


@pytest.fixture(scope="module")
def site() -> dict:
    return yaml.load((ROOT / "mkdocs.yml").read_text("utf-8"), Loader)


def pages_of(menu: object) -> list[str]:
    if isinstance(menu, str):
        return [menu]
    entries = menu.values() if isinstance(menu, dict) else menu
    return [page for entry in entries for page in pages_of(entry)]


def test_the_menu_holds_every_page_once(site: dict):
    assert sorted(pages_of(site["nav"])) == PAGES
    assert pages_of(site["nav"])[0] == "index.md"


def test_pages_fetch_nothing_and_links_are_looked_at(site: dict):
    assert site["theme"]["font"] is False
    assert set(site["validation"]["links"].values()) == {"warn"}, "the strict build stops at warnings"
    assert not {"extra_javascript", "extra_css"} & set(site)


@pytest.mark.parametrize("page", PAGES)
def test_no_link_leads_out_of_the_site(page: str):
    text = FENCE.sub("", (DOCS / page).read_text("utf-8"))
    for link in LINK.findall(text):
        if not re.match(r"[a-z]+:", link):
            target = ((DOCS / page).parent / link.partition("#")[0]).resolve()
            assert target.is_relative_to(DOCS), f"{link} is there on GitHub and not on the site"


@pytest.mark.parametrize("page", PAGES)
def test_every_page_has_one_title(page: str):
    text = FENCE.sub("", (DOCS / page).read_text("utf-8"))
    assert len(re.findall(r"^# ", text, re.MULTILINE)) == 1
    assert text.startswith("# ")


def test_the_fence_of_equations_is_a_function_of_ours(site: dict):
    [fences] = [
        one["pymdownx.superfences"]
        for one in site["markdown_extensions"]
        if isinstance(one, dict) and "pymdownx.superfences" in one
    ]
    [fence] = fences["custom_fences"]
    module, _, name = fence["format"].rpartition(".")
    tree = ast.parse((ROOT / f"{module.replace('.', '/')}.py").read_text("utf-8"))
    assert name in {one.name for one in tree.body if isinstance(one, ast.FunctionDef)}
    assert fence["name"] == "math"


def test_the_page_of_perturbations_is_what_the_profiles_say():
    assert pictures.PAGE.read_text("utf-8") == pictures.page(), "run docs/tools/pictures.py perturbations"


def test_numbers_of_a_page_follow_the_profile():
    rows = list(pictures._table("gaussian_noise"))
    assert rows[2].startswith("| sigma | 0.08; 0.12; 0.18; 0.26; 0.38 | `muybridge-1`, ")
    assert any(
        row.startswith("| photons | 250; 100; 50; 30; 15 | `release-2023`, `ssl-noise`")
        for row in pictures._table("shot_noise")
    )


def test_every_type_has_its_picture_and_all_are_small():
    folder = pictures.PICTURES / "perturbations"
    assert {path.stem for path in folder.iterdir()} == set(PERTURBATIONS)
    assert sum(path.stat().st_size for path in pictures.PICTURES.rglob("*.webp")) < MOST


@pytest.mark.parametrize(
    ("type", "other"),
    [
        ("defocus_blur", "imagenet-c"),
        ("reversal", "samples-2022"),
        ("static_rotation", "samples-2022"),
        ("contrast", "mini-kinetics-c"),
    ],
)
def test_pictures_show_what_is_perturbed_today(type: str, other: str):
    """Types without random bits, whose pixels no build of a codec decides; WebP loses a little, another profile is further off."""
    kept = np.asarray(
        Image.open(pictures.PICTURES / "perturbations" / f"{type}.webp").convert("RGB"), np.float64
    )
    own, far = (
        np.abs(kept - np.asarray(pictures.row(pictures.clip(), profile, type), np.float64)).mean()
        for profile in (next(iter(pictures.holders(type))), other)
    )
    assert own < 5
    assert far > 1.5 * own


def test_every_pretext_task_has_its_equation_and_picture():
    text = (DOCS / "task-equations.md").read_text("utf-8")
    parts = dict(re.findall(r"^## `(.*?)`\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL))
    tasks = {name for name, entry in OBJECTIVES.items() if entry.facts["pretext"]}
    told = tasks & set(re.findall(r"`([\w-]+)`", text))
    assert told == tasks
    assert set(parts) <= tasks
    for name, part in parts.items():
        assert "```math\n" in part, name
        assert name == "video-text" or f"(pictures/tasks/{name}.webp)" in part
    assert {path.stem for path in (pictures.PICTURES / "tasks").iterdir()} == set(pictures.TASKS)


def said() -> set[str]:
    """Every text of source files that know an error, with ``…`` for what is put in."""
    texts = set()
    for source in (path.read_text("utf-8") for path in SOURCE.rglob("*.py")):
        for node in ast.walk(ast.parse(source)) if "Error" in source else ():
            if isinstance(node, ast.JoinedStr):
                texts.add("".join(one.value if isinstance(one, ast.Constant) else "…" for one in node.values))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                texts.add(node.value)
    return texts


def test_messages_that_are_quoted_are_said():
    quoted = re.findall(r"^\*\*`(.*)`\*\*$", (DOCS / "questions.md").read_text("utf-8"), re.MULTILINE)
    assert len(quoted) > 25
    texts = said()
    unknown = [one for one in quoted if not any(one.removesuffix("…") in text for text in texts)]
    assert unknown == []


def test_columns_of_predictions_are_those_that_are_written():
    text = (DOCS / "results-format.md").read_text("utf-8")
    part = text.partition("## predictions.parquet")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `(\w+)` \| ([\w ,]+) \|", part, re.MULTILINE)
    assert [name for name, _ in rows] == predictions.COLUMNS
    kinds = {"label": "int64", "view": "int64", "severity": "int64"}
    assert all(kind == kinds.get(name, "string") for name, kind in rows if name != "scores")


def test_the_extras_are_those_of_the_package():
    text = (DOCS / "install.md").read_text("utf-8").partition("## Extras")[2]
    told = [name for line in re.findall(r"^\| (`.*?`) \|", text, re.MULTILINE) for name in line.split(", ")]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert sorted(name.strip("`") for name in told if "[" not in name) == sorted(
        project["optional-dependencies"]
    )


def test_the_python_pages_name_what_is_there():
    import importlib

    import muybridge

    names = re.findall(
        r"^::: (\S+)$", "".join((DOCS / page).read_text("utf-8") for page in PAGES), re.MULTILINE
    )
    assert {name.rpartition(".")[2] for name in names} >= set(muybridge.__all__)
    for name in names:
        place = SOURCE.parent / name.replace(".", "/")
        if not place.with_suffix(".py").exists() and not place.is_dir():
            module, _, last = name.rpartition(".")
            assert hasattr(importlib.import_module(module), last), name
