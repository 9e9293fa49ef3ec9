"""``muybridge list``, ``info`` and ``report``: what there is, what is installed, what a folder holds. Imports no torch."""

import platform
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from importlib import metadata
from typing import Annotated, Any, Literal

import tyro

from muybridge import __version__
from muybridge.cli.flags import Options, Single, Word, Words, one_folder
from muybridge.config.recipes import FREE
from muybridge.config.recipes import rows as recipe_rows
from muybridge.core.catalogue import Entry, rows, suggestion
from muybridge.core.errors import UsageError
from muybridge.core.text.terminal import print_json

Rows = list[dict[str, Any]]
FLAGS = ("--json", "--remove-cache")
"""Of ``info``."""
PRESETS = {
    "tiny": "for a CPU: the defaults",
    "benchmark": "Kumar et al. (arXiv 2306.06010): 16 frames of 112 pixels",
    "benchmark-small": "the same for small networks",
    "vcop": "the code of VCOP (Xu et al., CVPR 2019)",
    "rspnet": "the code of RSPNet (Chen et al., AAAI 2021)",
    "severe": "the code of SEVERE (Thoker et al., ECCV 2022)",
}
"""What ``config.presets`` says of its tables, in a line each."""


def _catalogue(kind: str) -> Rows:
    """Rows of one of the catalogues, outside packages' lines included."""
    from muybridge.backbones import BACKBONES
    from muybridge.data import DATASETS
    from muybridge.objectives import OBJECTIVES
    from muybridge.perturb import PERTURBATIONS
    from muybridge.report.sections import SECTIONS
    from muybridge.runs import stages
    from muybridge.studies import STUDIES
    from muybridge.weighting import WEIGHTINGS

    tables: dict[str, Mapping[str, Entry]] = {
        "stages": stages.entries(),
        "studies": STUDIES,
        "backbones": BACKBONES,
        "objectives": OBJECTIVES,
        "weightings": WEIGHTINGS,
        "datasets": DATASETS,
        "perturbations": PERTURBATIONS,
        "sections": SECTIONS,
    }
    return rows(kind, tables[kind])


def _profiles() -> Rows:
    from muybridge.perturb.profiles import PROFILES

    return [
        {"name": one.name, "summary": one.summary, "version": one.version, "types": list(one.types)}
        for one in PROFILES.values()
    ]


def _protocols() -> Rows:
    from muybridge.stages.testing.clip_protocol import PROTOCOLS

    return [{**asdict(one), "summary": str(one).partition(": ")[2]} for one in PROTOCOLS.values()]


def _presets() -> Rows:
    from muybridge.config.presets import PRESETS as VALUES

    return [{"name": name, "summary": PRESETS[name], "stages": list(of)} for name, of in VALUES.items()]


def _augmentations() -> Rows:
    from muybridge.augment import AUGMENTATIONS

    return [{"name": name, "summary": summary} for name, summary in AUGMENTATIONS.items()]


KINDS: dict[str, Callable[[], Rows]] = {
    "stages": partial(_catalogue, "stages"),
    "studies": partial(_catalogue, "studies"),
    "backbones": partial(_catalogue, "backbones"),
    "objectives": partial(_catalogue, "objectives"),
    "weightings": partial(_catalogue, "weightings"),
    "datasets": partial(_catalogue, "datasets"),
    "augmentations": _augmentations,
    "perturbations": partial(_catalogue, "perturbations"),
    "profiles": _profiles,
    "protocols": _protocols,
    "presets": _presets,
    "sections": partial(_catalogue, "sections"),
}
"""What ``muybridge list`` knows, by the word behind it."""


def show_rows(kind: str, as_json: bool) -> int:
    """Print the rows of a kind: name and summary, or as JSON all their facts."""
    found = KINDS[kind]()
    if as_json:
        print_json(found)
        return 0
    width = max(len(row["name"]) for row in found)
    for row in found:
        print(f"{row['name']:<{width}}  {row['summary']}")
    return 0


@dataclass(frozen=True, kw_only=True)
class Listed(Options):
    """List what there is of a KIND, with a line on each.

    KIND: stages, studies, backbones, objectives, weightings, datasets, augmentations, perturbations, profiles, protocols, presets or
    sections (of reports).
    """

    kind: Annotated[Literal[tuple(KINDS)], tyro.conf.Positional]  # type: ignore[valid-type]
    """what to list"""
    json: bool = False
    """print everything as JSON"""

    def run(self) -> int:
        """Print it."""
        return show_rows(self.kind, self.json)


@dataclass(frozen=True, kw_only=True)
class ListFlags:
    """What stands behind a kind."""

    json: bool = False
    """print everything as JSON"""


@dataclass(frozen=True, kw_only=True)
class Info(Options):
    """Versions, hardware and the size of the cache; or delete the cache; or every value by which pretext tasks are trained.

      muybridge info recipes [TASK]

    prints the values of each recipe, and their source or `choice`.
    """

    words: Annotated[Words, tyro.conf.arg(metavar="recipes [TASK]")] = ()
    """how pretext tasks are trained"""
    json: bool = False
    """print everything as JSON"""
    remove_cache: bool = False
    """delete cached frames and embedded clips"""

    def run(self) -> int:
        """Print or delete; torch is asked for its version only, not imported.

        Raises:
            UsageError: a word that means nothing here, or a task without a recipe.
        """
        what, *tasks = self.words or [""]
        if what not in ("", "recipes"):
            raise UsageError(f"info has no {what!r}.{suggestion(what, ('recipes', *FLAGS))}")
        if len(tasks) > 1 or (what and self.remove_cache):
            given = " ".join([*tasks, *["--remove-cache"] * self.remove_cache])
            raise UsageError(f"info recipes takes one task and --json, got {given!r}.")
        if what:
            return _show_recipes(list(recipe_rows(*tasks)), self.json)
        if self.remove_cache:
            from muybridge.data.cache import remove

            print(f"freed {remove() / 1e6:,.0f} MB")
            return 0
        facts = _facts()
        if self.json:
            print_json(facts)
            return 0
        shown = facts | {
            "cores": f"{facts['cores']} ({facts['processors']} logical): as many threads and worker processes, where none are asked for",
            "cache_bytes": f"{facts['cache_bytes'] / 1e6:,.0f} MB",
        }
        for name, value in shown.items():
            if name != "processors":
                print(f"{name:<14}{value}")
        return 0


def _show_recipes(found: Rows, as_json: bool) -> int:
    if as_json:
        print_json(found)
        return 0
    head = ""
    for row in found:
        if head != (head := f"{row['task']}, {row['preset']} ({row['hash']})"):
            print(f"\n{head}")
        print(f"  {row['name']:<16}{_shown(row['value']):<26}  {row['source']}")
    return 0


def _shown(value: object) -> str:
    if isinstance(value, list | tuple):
        return " ".join(map(_shown, value)) or "none"
    if value == FREE:
        return "none"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _facts() -> dict[str, Any]:
    from muybridge.core.machine.cores import cores, processors
    from muybridge.core.machine.paths import cache_root

    root = cache_root()
    size = sum(path.stat().st_size for path in root.rglob("*") if path.is_file()) if root.is_dir() else 0
    names = ("torch", "numpy", "av", "scipy", "pillow", "pyarrow")
    return {
        "muybridge": __version__,
        "python": platform.python_version(),
        **{name: _version(name) for name in names},
        "platform": platform.platform(),
        "cores": cores(),
        "processors": len(processors()),
        "cache": str(root),
        "cache_bytes": size,
    }


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


@dataclass(frozen=True, kw_only=True)
class Report(Options):
    """Write DIR/report.html, DIR/report.md, DIR/tables/*.csv and *.tex, and DIR/figures from the runs of a folder."""

    dir: Word = ""
    """folder or URL of the results; that of --out when not given"""
    out: str = "muybridge-out"
    """the same, by the name that it has everywhere"""
    title: str = ""
    """another title than the study's"""
    sections: tuple[str, ...] = ()
    """sections that are wanted, of `muybridge list sections`; all when not given"""
    format: tuple[str, ...] = ()
    """html, md, latex, csv, figures: what is written; all when not given. Named, figures come as PDF too (extra `figures`)"""

    def run(self) -> int:
        """Write the report."""
        from muybridge.cli import show
        from muybridge.report import write_report
        from muybridge.runs.mirror import publish_pages, working_copy

        folder = working_copy(one_folder("report", self.dir, self.out))
        paths = write_report(folder, self.title, self.sections, self.format)
        publish_pages(folder)
        return show.study_result(folder, paths)


LIST, INFO, REPORT = (
    Single("list", Listed, dict.fromkeys(KINDS, ListFlags)),
    Single("info", Info),
    Single("report", Report),
)
