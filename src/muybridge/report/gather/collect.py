"""What a folder holds: its runs sorted into experiments, and what was planned but is missing."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from muybridge.core.errors import MuybridgeError, UsageError
from muybridge.core.text.plurals import counted
from muybridge.measure.robustness.answer_columns import Tested
from muybridge.report.gather.damage import read_others, read_run
from muybridge.report.gather.same_protocol import Variant, name_variants, repeats, variant
from muybridge.runs.contents.result_fields import DataFields
from muybridge.runs.contents.study_file import StudyFields, read_study
from muybridge.runs.records import Run
from muybridge.runs.run_index import Index
from muybridge.runs.run_row import RunRow
from muybridge.runs.stages import of_runs

BASELINE = "random"
T = TypeVar("T")
Facets = tuple[str, str, str]
Place = tuple[str, str, str, Variant]
Seeds = dict[int, list[Run]]


@dataclass(frozen=True)
class Experiment:
    """Runs that may be compared: one stage, protocol, data set and profile of perturbations, several arms.

    Attributes:
        arms: arm -> seed -> runs, one per fold; arms in the order of the study.
        profile: name of the profile of perturbations; empty where there is none.
        details: words that tell it from its neighbours of the same protocol and data; empty if it has none.
        repeats: signature -> runs that differ from that run only in the seed of the perturbations' noise.
        labels_by_seed: whether a seed draws which training videos have labels, the same ones for every arm.
    """

    stage: str
    protocol: str
    data: str
    arms: dict[str, Seeds]
    profile: str = ""
    details: str = ""
    repeats: dict[str, list[Run]] = field(default_factory=dict)
    labels_by_seed: bool = False

    @property
    def name(self) -> str:
        """How people call it: ``"linear probe on builtin-motions"``, with its profile if it has one."""
        return f"{self.protocol} on {self.data}" + (f", {self.details}" if self.details else "")

    @cached_property
    def runs(self) -> list[Run]:
        """All of its runs."""
        return [run for seeds in self.arms.values() for runs in seeds.values() for run in runs]

    @cached_property
    def chance(self) -> float:
        """Accuracy of guessing; NaN when the runs do not say."""
        said = [run.result.get("chance") for run in self.runs]
        return next((float(value) for value in said if value is not None), float("nan"))

    @cached_property
    def classes(self) -> list[str]:
        """Class names by index; empty when the runs do not say."""
        return next((list(data_of(run)["classes"]) for run in self.runs if data_of(run).get("classes")), [])

    @cached_property
    def holes(self) -> dict[str, list[str]]:
        """Arm -> seeds and folds that other arms have and this one lacks."""
        wanted = {(seed, fold) for seeds in self.arms.values() for seed, fold in _seeds_and_folds(seeds)}
        lacking: dict[str, list[str]] = {}
        for arm, seeds in self.arms.items():
            absent = sorted(wanted - set(_seeds_and_folds(seeds)), key=str) if seeds else []
            if absent:
                lacking[arm] = [_place(seed, fold) for seed, fold in absent]
        return lacking


@dataclass(frozen=True)
class Missing:
    """A planned cell without a finished run."""

    summary: str
    reason: str
    log: str = ""


@dataclass(frozen=True)
class Damaged:
    """A finished run that cannot be read, or is not what was written."""

    run: Run
    reason: str


@dataclass(frozen=True, eq=False)
class Gathered:
    """Everything a report is made from, read once.

    Attributes:
        rows: answers by video and condition, by signature.
        damaged: finished runs that cannot be read or were changed, and are in nothing else.
        others: answers of the weights that a fine-tuning run does not hand on, by signature and name of the weights.
    """

    folder: Path
    study: StudyFields
    runs: list[Run]
    rows: dict[str, Tested]
    damaged: list[Damaged]
    arms: list[str]
    experiments: list[Experiment]
    missing: list[Missing]
    notes: list[str] = field(default_factory=list)
    others: dict[str, dict[str, Tested]] = field(default_factory=dict)
    _made: dict[Callable[["Gathered"], Any], Any] = field(default_factory=dict, repr=False)

    def of(self, *stages: str) -> list[Experiment]:
        """The experiments of some stages, in the order in which the stages are asked for."""
        return [one for stage in stages for one in self.experiments if one.stage == stage]

    def once(self, make: Callable[["Gathered"], T]) -> T:
        """What ``make`` makes of these runs, made at the first call: sections share scores, which take long."""
        if make not in self._made:
            self._made[make] = make(self)
        made: T = self._made[make]
        return made

    @cached_property
    def by_name(self) -> dict[tuple[str, str], Run]:
        """Every run by its stage and signature."""
        return {(run.stage, run.signature): run for run in self.runs}

    @cached_property
    def trained(self) -> dict[str, int]:
        """Every arm but the untrained baseline, and its place among them."""
        return {arm: place for place, arm in enumerate(arm for arm in self.arms if arm != BASELINE)}

    @property
    def title(self) -> str:
        """Title of the report."""
        return str(self.study.get("title") or self.study.get("name") or "Muybridge report")


def collect(folder: Path) -> Gathered:
    """Read the results of every finished run below ``folder/runs`` that is what was written, and the plan in ``folder/study.json``.

    Args:
        folder: what a study or a stage wrote to.

    Raises:
        UsageError: there is no finished run.
        MuybridgeError: every run is damaged.
    """
    index = Index(folder)
    rows_ = [row for row in index.rows() if row.status in ("done", "damaged")]
    if not rows_:
        raise UsageError(
            f"{folder}: nothing to report. Looked for finished runs as "
            f"{folder / 'runs'}/STAGE/SIGNATURE/result.json; give "
            "the folder that a study or a stage wrote to (its --out)."
        )
    runs, rows, others, damaged = _read([(row, index.run(row)) for row in rows_])
    runs = tested_once(runs)
    study = read_study(folder)
    shown, again = repeats([run for run in runs if of_runs(run.stage).runs != "apart"])
    planned = [
        cell["facets"]
        for cell in study.get("cells", [])
        if "facets" in cell and of_runs(cell["stage"]).runs != "apart"
    ]
    told: list[Mapping[str, object]] = [*map(facets, shown), *planned]
    named = named_arms(told)
    names, notes = _arm_names(shown, named)
    arms = _arm_order(study, planned, list(names.values()), named)
    experiments = _experiments(shown, names, arms, _planned_arms(study, named), again)
    missing = _missing(study, [(row.stage, row.signature) for row in rows_])
    return Gathered(folder, study, runs, rows, damaged, arms, experiments, missing, notes, others)


Others = dict[str, dict[str, Tested]]


def _read(
    found: list[tuple[RunRow, Run]],
) -> tuple[list[Run], dict[str, Tested], Others, list[Damaged]]:
    """The runs that are sound, their rows and those of their other weights, and the runs that are not."""
    runs: list[Run] = []
    rows: dict[str, Tested] = {}
    others: Others = {}
    damaged: list[Damaged] = []
    for row, run in found:
        if row.status == "damaged":
            damaged.append(Damaged(run, row.reason))
            continue
        try:
            kept, more = read_run(run), read_others(run)
        except MuybridgeError as error:
            damaged.append(Damaged(run, str(error)))
            continue
        runs.append(run)
        if kept is not None:
            rows[run.signature] = kept
        if more:
            others[run.signature] = more
    if not runs:
        raise MuybridgeError(f"every finished run is damaged; the first: {damaged[0].reason}")
    return runs, rows, others, damaged


def tested_once(runs: list[Run]) -> list[Run]:
    """Runs of which no video was tested by two that are the same: of ``--fold all`` its folds where all are there, else it alone."""
    there = {(run.stage, run.signature) for run in runs}
    left_out: set[tuple[str, str]] = set()
    for run in runs:
        parts = {(run.stage, str(one["signature"])) for one in run.result.get("folds", [])}
        if parts:
            left_out |= {(run.stage, run.signature)} if parts <= there else parts
    return [run for run in runs if (run.stage, run.signature) not in left_out]


def facets(run: Run) -> dict[str, Any]:
    """How a run is to be sorted: arm, data, protocol, seed, fold; with defaults for what it does not say."""
    said = run.result.get("facets", {})
    data = said.get("data") or data_of(run).get("name") or "unnamed data"
    filled = {"arm": BASELINE, "protocol": run.stage, "seed": 0, "fold": None, "source": ""}
    filled |= {key: value for key, value in said.items() if value is not None}
    if run.stage == "pretrain" and not filled["source"]:
        filled["source"] = "+".join(Path(str(one)).name for one in data_of(run).get("source") or [])
    if run.stage == "pretrain" and filled["fold"] is None:
        filled["fold"] = run.result.get("config", {}).get("held_out_fold")
    return {**filled, "data": str(data), "arm": str(filled["arm"]), "protocol": str(filled["protocol"])}


def data_of(run: Run) -> DataFields:
    """What a run says about its data."""
    return run.result.get("data", {})


Named = Callable[[Mapping[str, object]], str]


def named_arms(told: Sequence[Mapping[str, object]]) -> Named:
    """How arms are called: by their task, and by its level, its clips and the data it was learnt on where there are several."""
    several: dict[tuple[str, str], set[str]] = defaultdict(set)
    for one in told:
        for what in ("level", "frames", "source"):
            if one.get(what):
                several[str(one["arm"]), what].add(str(one[what]))

    def name(one: Mapping[str, object]) -> str:
        arm = str(one["arm"])
        level, frames, source = (
            one.get(what) if len(several[arm, what]) > 1 else "" for what in ("level", "frames", "source")
        )
        clips = f", {frames} frames" if frames else ""
        return arm + (f", level {level}" if level else "") + clips + (f" from {source}" if source else "")

    return name


def _arm_names(runs: list[Run], named: Named) -> tuple[dict[str, str], list[str]]:
    """Signature -> arm; runs that facets cannot tell apart get their signature in the name, and a note."""
    same: dict[tuple[Any, ...], list[Run]] = defaultdict(list)
    for run in runs:
        one = facets(run)
        key = (one["protocol"], one["data"], named(one), one["seed"], str(one["fold"]), variant(run))
        same[run.stage, *key].append(run)
    names, notes = {}, []
    for (stage, protocol, data, arm, seed, *_), twins in same.items():
        for run in twins:
            names[run.signature] = arm if len(twins) == 1 else f"{arm} ({run.signature[:6]})"
        if len(twins) > 1:
            what = protocol if protocol == stage else f"{stage}, {protocol}"
            notes.append(
                f"{counted(len(twins), 'run')} of {arm} ({what}, {data}, seed {seed}) differ only in their "
                "configuration; each is shown on its own, named by its signature."
            )
    return names, notes


def _arm_order(
    study: StudyFields, cells: Sequence[Mapping[str, object]], found: list[str], named: Named
) -> list[str]:
    """Arms of the plan first, in its order, then the others: the untrained baseline, then by name."""
    planned: dict[str, None] = {}
    for arm in map(str, study.get("arms", [])):
        own = {named(one): None for one in cells if str(one["arm"]) == arm and one.get("source")}
        planned |= own or {arm: None}
    rest = sorted(set(found) - set(planned), key=lambda arm: (arm != BASELINE, arm))
    return [*planned, *rest]


def _planned_arms(study: StudyFields, named: Named) -> Callable[[Facets], set[str]]:
    """Which arms a study has planned for an experiment; where its cells do not say, all of them in all but pretraining."""
    told: dict[Facets, set[str]] = defaultdict(set)
    for cell in study.get("cells", []):
        if "facets" in cell:
            one = cell["facets"]
            told[cell["stage"], one["protocol"], one["data"]].add(named(one))
    if told:
        return lambda key: told.get(key, set())
    everyone = {str(arm) for arm in study.get("arms", [])}
    return lambda key: set() if key[0] == "pretrain" else everyone


def _experiments(
    runs: list[Run],
    names: dict[str, str],
    arms: list[str],
    planned: Callable[[Facets], set[str]],
    again: dict[str, list[Run]],
) -> list[Experiment]:
    cells: dict[Place, dict[str, Seeds]] = defaultdict(lambda: defaultdict(lambda: defaultdict(list)))
    for run in runs:
        one = facets(run)
        place = (run.stage, one["protocol"], one["data"], variant(run))
        cells[place][names[run.signature]][int(one["seed"])].append(run)
    details = name_variants(list(cells))
    by_signature = {run.signature: run for run in runs}
    found = []
    for place in sorted(cells):
        cell, key = cells[place], place[:3]
        expected = planned(key)
        shown = [arm for arm in arms if arm in cell or arm in expected]
        by_arm = {arm: _sorted(cell.get(arm, {})) for arm in shown}
        inside = [run for seeds in cell.values() for kept in seeds.values() for run in kept]
        repeated = {run.signature: again[run.signature] for run in inside if run.signature in again}
        drawn = {_few_labels(run, by_signature) for run in inside} - {None} == {True}
        found.append(Experiment(*key, by_arm, place[3].profile, details[place], repeated, drawn))
    return found


def _few_labels(run: Run, by_signature: dict[str, Run]) -> bool | None:
    """Whether a network, or the one that was perturbed, learnt from a few labels, which its seed drew; None where that run is gone."""
    model = run.result.get("inputs", {}).get("model")
    trained = by_signature.get(model["signature"]) if model else run
    return None if trained is None else bool(trained.result.get("config", {}).get("labels_per_class"))


def _sorted(seeds: Seeds) -> Seeds:
    return {seed: sorted(seeds[seed], key=lambda run: str(facets(run)["fold"])) for seed in sorted(seeds)}


def _seeds_and_folds(seeds: Seeds) -> Iterator[tuple[int, int | None]]:
    for seed, runs in seeds.items():
        for run in runs:
            yield seed, facets(run)["fold"]


def _place(seed: int, fold: int | None) -> str:
    return f"seed {seed}" if fold is None else f"seed {seed} fold {fold}"


def _missing(study: StudyFields, ended: list[tuple[str, str]]) -> list[Missing]:
    """Failures first, then planned cells that neither finished nor failed."""
    done = set(ended)
    failed = [
        Missing(str(one.get("summary", "")), str(one.get("error", "failed")), str(one.get("log", "")))
        for one in study.get("failed", [])
    ]
    told = {one.summary for one in failed}
    waiting = [
        Missing(str(cell.get("summary", cell["signature"])), "planned, not finished")
        for cell in study.get("cells", [])
        if (cell["stage"], cell["signature"]) not in done and cell.get("summary") not in told
    ]
    return failed + waiting
