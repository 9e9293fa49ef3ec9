"""What the missing cells of a study will cost: measured on past cells of like kind, else on the network alone."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from math import prod
from pathlib import Path
from statistics import median
from typing import cast

from muybridge.backbones import BACKBONES
from muybridge.config.config_fields import ConfigFields, split_of
from muybridge.config.control import Control
from muybridge.core.errors import MuybridgeError
from muybridge.core.text.forecast import WORTH, duration
from muybridge.core.text.plurals import counted
from muybridge.data.index import divide
from muybridge.runs.contents.result_fields import ResultFields
from muybridge.runs.records import Run, folders
from muybridge.stages.job.job import stage_of
from muybridge.store.storage import store_of
from muybridge.studies.measured_pass import Pass, measure_pass
from muybridge.studies.plan import Cell, shared

EXAMPLES = 40
"""Past runs of a stage that are read."""
LEARNING = 3
"""Forward passes that a clip is worth that is learnt from."""
OPERATIONS = 1e11
"""Floating-point operations that a core does in a second, at most: what has more to do is worth the moment that measuring takes."""
MANY = 1000
"""Passes of a network beside which those that measure it, a dozen or two, are few."""
Kind = tuple[str, ...]


@dataclass(frozen=True)
class Cost:
    """What a cell has to do.

    Attributes:
        passes: forward passes of one clip; a clip that is learnt from counts as three.
        flops: floating-point operations; None for networks whose cost is not known.
        kinds: what it is like, the most alike first.
        backbone: name of its network.
        frames: of a clip.
        crop: height and width of a clip, pixels.
        batch: clips of a step, all that are encoded for one video counted.
        learns: whether it trains the network.
    """

    passes: float
    flops: float | None
    kinds: tuple[Kind, Kind]
    backbone: str = ""
    frames: int = 0
    crop: int = 0
    batch: int = 0
    learns: bool = False


@dataclass(frozen=True)
class Estimate:
    """What cells are expected to cost.

    Attributes:
        seconds: of one worker, for those that can be told from past ones.
        told: how many these are.
        flops: of those that cannot, but whose network is known.
        unknown: how many remain.
        measured: seconds of one worker for those counted in ``flops``, by passes of the network alone, where these were measured.
        memory: bytes of the largest training step among them, network and activations alone.
    """

    seconds: float
    told: int
    flops: float
    unknown: int
    measured: float | None = None
    memory: int = 0

    def words(self, missing: int, workers: int, shorter: str = "") -> str:
        """What it says: by past runs of like kind, by the networks alone, or not at all.

        Args:
            missing: cells that it is about.
            workers: at work at a time.
            shorter: flags that make it less, in words.
        """
        parts = []
        spread = f" ({{}} with {workers})" if workers > 1 and missing > 1 else ""
        if self.told:
            of = f" for {self.told:,} of {missing:,} runs" if missing > 1 else ""
            many = spread.format(duration(self.seconds / workers))
            parts.append(f"{duration(self.seconds)} of one worker{of}, by past runs of like kind{many}")
        if self.flops:
            rest = "" if missing == 1 else " for runs without a past one of like kind" if self.told else ""
            if self.measured is None:
                parts.append(f"{self.flops:.2g} floating-point operations{rest}")
            else:
                memory = f", {self.memory / 1e6:,.0f} MB for a training step" if self.memory else ""
                many = spread.format(duration(self.measured / workers))
                parts.append(
                    f"at least {duration(self.measured)} of one worker{rest}{many}{memory}, measured on the network alone: frames, views,"
                    " perturbations and several losses come on top"
                )
        if self.unknown:
            parts.append(f"{counted(self.unknown, 'run')} of networks whose cost is not known")
        return "cost: " + "; ".join(parts) + (f". Shorter: {shorter}" if shorter else "")


def estimate(cells: Sequence[Cell], done: set[str], measure: bool = False) -> Estimate:
    """The cost of the cells of a plan that are not done.

    Args:
        cells: of the plan.
        done: signatures of those that are.
        measure: measure passes of the networks of cells without a past one of like kind, a moment for each network and size of clip.
    """
    missing = [cell for cell in cells if cell.job.signature not in done]
    works, prices = _Works(cells), _prices(cells[0].job.config.out)
    seconds, told, flops, unknown, measured, memory = 0.0, 0, 0.0, 0, 0.0, 0
    for cell in missing:
        work = works.of(cell)
        price = next((prices[kind] for kind in work.kinds if kind in prices), None)
        if price is not None:
            seconds, told = seconds + price * work.passes, told + 1
        elif work.flops is not None:
            flops += work.flops
            one = _passed(cell, work) if measure else None
            if one is None:
                measure = False
            else:
                measured += one.seconds * work.passes
                memory = max(memory, one.memory(work.batch) if work.learns else 0)
        else:
            unknown += 1
    return Estimate(seconds, told, flops, unknown, measured if measure else None, memory)


def ahead(cells: Sequence[Cell], done: set[str], measure: bool) -> Estimate | None:
    """The cost of cells that are about to be run; None where that is soon over, or would take long to find out compared with them.

    Args:
        cells: of the plan.
        done: signatures of those that are.
        measure: whether networks may be measured here: where they will run.
    """
    found = estimate(cells, done)
    if measure and found.flops > OPERATIONS * WORTH and _is_measured_soon(cells, done):
        found = estimate(cells, done, measure=True)
    return found if found.seconds + (found.measured or 0.0) >= WORTH else None


def _is_measured_soon(cells: Sequence[Cell], done: set[str]) -> bool:
    """Whether every network has so much to do that its measured passes are few among them."""
    works, passes = _Works(cells), Counter[tuple[str, int, int]]()
    for cell in cells:
        if cell.job.signature not in done:
            work = works.of(cell)
            passes[work.backbone, work.frames, work.crop] += int(work.passes)
    return min(passes.values(), default=0) > MANY


def _passed(cell: Cell, work: Cost) -> Pass | None:
    """What a clip costs the network of a cell; None for one that cannot be built without its weights."""
    config = cell.job.config
    try:
        return measure_pass(work.backbone, work.frames, work.crop, config.device, config.precision)
    except MuybridgeError:
        return None


def work_of(stage: str, config: ConfigFields, backbone: str, train: int, test: int) -> Cost:
    """The work of a run.

    Args:
        stage: of the run.
        config: its fields; for robustness also ``frames``, ``crop`` and ``views`` of the model's.
        backbone: name of the network.
        train: training videos.
        test: test videos.
    """
    work = stage_of(stage).work(config, backbone, train, test)
    passes = LEARNING * work.learnt + work.seen
    flops: float | None = (
        config["budget"] if config.get("budget_unit") == "flops" else flops_of(backbone, config)
    )
    if flops is not None and config.get("budget_unit") != "flops":
        flops *= passes
    kinds = ((stage, work.like, backbone), (stage, backbone))
    frames, crop, batch = config.get("frames") or 0, config.get("crop") or 0, config.get("batch") or 0
    return Cost(passes, flops, kinds, backbone, frames, crop, batch, work.learnt > 0)


def flops_of(backbone: str, config: ConfigFields) -> float | None:
    """Operations of one forward pass, scaled from the clip that the catalogue gives them for."""
    facts = BACKBONES[backbone].facts if backbone in BACKBONES else {}
    frames, crop = config.get("frames"), config.get("crop")
    if "gflops" not in facts or not frames or not crop:
        return None
    measured = prod(int(number) for number in str(facts.get("clip", "16x112x112")).split("x"))
    return 1e9 * float(facts["gflops"]) * frames * crop**2 / measured


def _given(config: Control) -> ConfigFields:
    """The fields of a config that are not left open."""
    return cast(ConfigFields, {name: value for name, value in vars(config).items() if value is not None})


class _Works:
    """Work of planned cells; videos are counted once for each data set and fold, cells that share all but their seed once."""

    def __init__(self, cells: Sequence[Cell]) -> None:
        self.cells = {cell.job.signature: cell for cell in cells}
        self._counts: dict[tuple[int, int | None, int | None], tuple[int, int]] = {}
        self._known: dict[tuple[object, ...], Cost] = {}

    def of(self, cell: Cell) -> Cost:
        """Work of one cell; a robustness or zero-shot run is cut as its model was."""
        job, key = cell.job, self._key(cell)
        if key not in self._known:
            config: ConfigFields = {**self._model(cell), **_given(job.config)}
            train, test = self._videos(cell, config)
            self._known[key] = work_of(job.stage, config, job.facets["backbone"], train, test)
        return self._known[key]

    def _key(self, cell: Cell) -> tuple[object, ...]:
        """Everything that decides the work of a cell: its fields, those of its model, whether a backbone is random."""
        job, model = cell.job, self._model_of(cell)
        rest = (vars(job.config).get("init") == "random", model and self._key(model))
        return job.stage, job.facets["backbone"], id(job.dataset), shared(job.config), rest

    def _model_of(self, cell: Cell) -> Cell | None:
        """The cell of this plan that makes the model that is tested."""
        model = cell.job.inputs.get("model")
        return self.cells.get(model.signature) if model else None

    def _model(self, cell: Cell) -> ConfigFields:
        known = self._model_of(cell)
        return {**self._model(known), **_given(known.job.config)} if known else {}

    def _videos(self, cell: Cell, config: ConfigFields) -> tuple[int, int]:
        """Training and test videos of a cell."""
        dataset, (fold, folds) = cell.job.dataset, split_of(config)
        key = (id(dataset), fold, folds)
        if key not in self._counts:
            try:
                train, test = divide(dataset, fold, folds)
                self._counts[key] = (len(train), len(test))
            except MuybridgeError:  # nothing to divide: all of it is used
                self._counts[key] = (0, len(dataset))
        few, limit = config.get("labels_per_class"), config.get("limit")
        train_, test_ = self._counts[key]
        train_ = min(train_, few * len(dataset.classes)) if few else train_
        return (min(train_, limit), min(test_, limit)) if limit else (train_, test_)


def _prices(out: Path) -> dict[Kind, float]:
    """Seconds per pass by kind: the median over past runs below a folder."""
    found: dict[Kind, list[float]] = defaultdict(list)
    for run in _examples(out):
        try:
            result = run.result
            videos = result["data"]["videos"]
            work = work_of(
                run.stage, cast(ConfigFields, result["config"]), result["facets"]["backbone"], videos.get("train", 0), videos.get("test", 0)
            )  # fmt: skip
            seconds = _seconds(run, result)
        except (
            Exception
        ):  # of another version, damaged, or with a config that nothing can be reckoned from: no example
            continue
        if seconds and work.passes:
            for kind in work.kinds:
                found[kind].append(seconds / work.passes)
    return {kind: median(values) for kind, values in found.items()}


def _examples(out: Path) -> Iterator[Run]:
    """Some finished runs of every stage, spread evenly."""
    by_stage: dict[str, list[Run]] = defaultdict(list)
    for run in folders(out):
        by_stage[run.stage].append(run)
    for stage in sorted(by_stage):
        runs = sorted(by_stage[stage], key=lambda run: run.signature)
        step = max(1, len(runs) // EXAMPLES)
        yield from islice((run for run in runs[::step] if run.done), EXAMPLES)


def _seconds(run: Run, result: ResultFields) -> float | None:
    """Wall time of a run: as it says, else from its first file to its last; not told by copies from a store."""
    if "seconds" in result.get("budget", {}):
        return float(result["budget"]["seconds"])
    if store_of(run.path) is not None:
        return None
    first, last = ((run.path / name).stat().st_mtime for name in ("env.json", "result.json"))
    return last - first
