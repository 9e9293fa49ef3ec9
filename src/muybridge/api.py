"""The verbs as Python functions: ``muybridge.pretrain(data=[...], objective="vcop", out="runs")`` and so on."""

import dataclasses
import inspect
import os
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Any, TypeVar
from weakref import finalize

from muybridge.claims.verbs import claims as claims
from muybridge.claims.verbs import review as review
from muybridge.config import stage_configs as configs
from muybridge.config.stage_configs import (
    Control,
    DiversityConfig,
    FinetuneConfig,
    KnnConfig,
    NeighboursConfig,
    PretrainConfig,
    ProbeConfig,
    RetrievalConfig,
    RobustnessConfig,
    SimilarityConfig,
    ZeroshotConfig,
)
from muybridge.core.errors import MuybridgeError, UsageError
from muybridge.core.text.screen import Screen, screen
from muybridge.runs import out as folder
from muybridge.runs.mirror import publish_pages, working_copy
from muybridge.runs.records import Run
from muybridge.stages.job import base
from muybridge.studies.study_configs import QuickstartConfig, StudyConfig

if TYPE_CHECKING:
    from muybridge.stages.job.measured import RobustnessRun, ZeroshotRun
    from muybridge.stages.testing.models import Subject
    from muybridge.studies.files.find import Recipe
    from muybridge.studies.study import Finished

R = TypeVar("R")
Announce = Callable[[Any, Callable[[str], None]], None]


def run_stage(
    config: Control,
    show: Screen | None = None,
    announce: Announce | None = None,
    subject: "Subject | None" = None,
) -> Run:
    """Run one stage under ``config.out``: claims the folder, decodes with all workers, trains or measures, returns the run.

    Args:
        config: what to do; with ``dry_run`` nothing is written.
        show: where progress goes.
        announce: told the resolved config before work starts.
        subject: a model under test that was handed over as an object.
    """
    from muybridge.data.index import check_there
    from muybridge.stages.job.check import check_numbers
    from muybridge.stages.job.job import resolve
    from muybridge.stages.job.resolve_cache import Memory
    from muybridge.stages.training.training import idle
    from muybridge.studies.study import decode, render, worker_count

    check_numbers(config)
    if config.dry_run:
        job = resolve(config, subject=subject)
        check_there(job.dataset, config.allow_broken)
        return job.run
    _claim(config)
    workers = worker_count(config.workers)
    with show or screen() as bars:
        job = resolve(config, subject=subject, memory=Memory(lambda: render(workers, bars)))
        if announce:
            announce(job.config, bars.say)
        size = getattr(config, "size", None)
        if size and config.limit is None and not job.run.done:
            decode(job.dataset.records, size, workers, bars, config.allow_broken)
        if job.run.done:
            bars.say(
                f"{job.run.path}: finished before, not computed again; another --out or --overwrite does"
            )
        elif hint := idle(job.config):
            bars.say(hint)
        for name, part in job.parts.items():
            _execute(part, f"{job.stage} {name}", bars)
        return _execute(config, job.stage, bars, subject)


def _execute(config: Control, task: str, bars: Screen, subject: "Subject | None" = None) -> Run:
    """Run one job with a bar."""
    from muybridge.stages.job.execute import execute

    run = execute(
        config,
        lambda done, total, values: bars.update(task, done, total, _detail(values)),
        subject,
        bars.say,
    )
    bars.finish(task)
    return run


def run_similarity(config: SimilarityConfig, announce: Announce | None = None) -> Run:
    """Run the stage ``similarity`` and draw its maps into ``OUT/figures`` as PNG, PDF and SVG."""
    run = run_stage(config, announce=announce)
    if run.done and os.environ.get("RANK", "0") == "0":
        from muybridge.report.figures.map_figures import write_map

        write_map(working_copy(config.out), run)
    return run


def run_study(
    recipe: "Recipe",
    config: StudyConfig,
    show: Screen | None = None,
    announce: Announce | None = None,
    retry: bool = False,
) -> "Finished":
    """Run a study under ``config.out`` and write its report; with ``dry_run`` only plan it.

    Args:
        recipe: what ``studies.files.find.find`` makes of a name or a file.
        config: its options.
        show: where progress goes.
        announce: told the config before work starts.
        retry: run failed cells, and those that hang on them, alone.

    Raises:
        MuybridgeError: some cells failed; the others are finished and in the report.
    """
    from muybridge.report import write_report
    from muybridge.stages.job.check import check_numbers
    from muybridge.stages.job.settled import absolute
    from muybridge.studies.cell_runner import Outcome
    from muybridge.studies.files.find import make_plan
    from muybridge.studies.study import Finished, run

    check_numbers(config)
    config = absolute(config)
    if config.dry_run:
        return Finished(make_plan(recipe, config), Outcome())
    _claim(config)
    with show or screen() as bars:
        if announce:
            announce(config, bars.say)
        finished = run(recipe, config, bars, retry)
    failed = finished.outcome.failed
    if finished.outcome.done:
        write_report(config.out)
    publish_pages(config.out)
    if failed:
        first = next(cell for cell in finished.cells if cell.job.signature in failed)
        raise MuybridgeError(
            f"{len(failed)} of {len(finished.cells)} runs failed; the first, {first.name}: {failed[first.job.signature]} "
            f"The other runs are kept in {config.out}; the same command tries the failed ones again."
        )
    return finished


def _claim(config: Control) -> None:
    """Claim the folder, once: of several processes under torchrun the first does it and the others wait."""
    if os.environ.get("RANK", "0") == "0":
        folder.claim(config.out, resume=config.resume, overwrite=config.overwrite)
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        from muybridge.train import distributed, precision

        distributed.start(precision.choose(config.device, config.precision).device)
        distributed.meet()


def _detail(values: dict[str, float]) -> str:
    shown = {"loss": ".3f", "accuracy": ".3f", "effective_rank": ".1f", "knn": ".3f"}
    return " ".join(f"{name} {values[name]:{form}}" for name, form in shown.items() if name in values)


def _verb(name: str, kind: type[Control], run: Callable[[Any], Any]) -> Callable[..., Any]:
    """A function whose keyword arguments are the fields of a config."""

    def verb(*, preset: str = "tiny", config: str | Path | None = None, **values: Any) -> Any:
        fields = {} if config is None else base.read_fields(Path(config))
        begun = base.preset(kind, preset, fields | values)
        said = configs.change(
            configs.change(begun, fields, f"--config {config}"), values, f"muybridge.{name}"
        )
        return run(base.give_way(said, preset))

    parameters = [
        inspect.Parameter(
            field.name, inspect.Parameter.KEYWORD_ONLY, default=field.default, annotation=field.type
        )
        for field in dataclasses.fields(kind)
    ]
    verb.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    verb.__name__ = verb.__qualname__ = name
    verb.__doc__ = f"{kind.__doc__}\n\nThe arguments are those of `muybridge {name} --help`."
    return verb


pretrain = _verb("pretrain", PretrainConfig, run_stage)
finetune = _verb("finetune", FinetuneConfig, run_stage)
probe = _verb("probe", ProbeConfig, run_stage)
knn = _verb("knn", KnnConfig, run_stage)
retrieval = _verb("retrieval", RetrievalConfig, run_stage)
_robustness = _verb("robustness", RobustnessConfig, run_stage)
_zeroshot = _verb("zeroshot", ZeroshotConfig, run_stage)
neighbours = _verb("neighbours", NeighboursConfig, run_stage)
similarity = _verb("similarity", SimilarityConfig, run_similarity)
diversity = _verb("diversity", DiversityConfig, run_stage)
quickstart = _verb("quickstart", QuickstartConfig, lambda config: run_study(_found("quickstart"), config))


def distill(
    teachers: Sequence[str | Path] = (),
    student: str | None = None,
    *,
    weighting: str = "ae-kd",
    **values: Any,
) -> Run:
    """Train a student on labels and on the softened answers of one or more teachers.

    Args:
        teachers: folders of finetune or probe runs.
        student: its backbone, one of `muybridge list backbones`.
        weighting: how teachers are weighed.
        values: the other arguments are those of ``finetune``.

    Raises:
        UsageError: no teachers.
    """
    if not teachers:
        raise UsageError(
            "muybridge.distill: wanted teachers, one or more folders OUT/runs/finetune|probe/SIGNATURE."
        )
    given = {} if student is None else {"backbone": student}
    run: Run = finetune(teachers=tuple(map(str, teachers)), weighting=weighting, **given, **values)
    return run


def robustness(
    model: Any = "",
    data: Any = (),
    *,
    name: str | None = None,
    class_names: Sequence[str] | None = None,
    out: str | Path | None = None,
    **values: Any,
) -> "RobustnessRun":
    """Measure a classifier on perturbed clips.

    Args:
        model: what `muybridge robustness --model` takes; or an ``nn.Module`` or callable that turns frames (float, 0 to 1, ``b 3 t h w``)
            into logits ``b k`` and owns its normalisation. ``layout``, ``range``, ``mean``, ``std`` and ``channels`` feed it otherwise.
        data: folders, lists or names of data sets.
        name: of a model that is an object, in tables; names its results too, and is needed for those of a callable without weights.
        class_names: classes of such a model in the order of its scores; those of the data set when not given.
        out: folder of the results; those of an object lie in a temporary folder, and go with what is returned, when not given.
        values: the other arguments are those of `muybridge robustness --help`.

    Returns:
        The finished run with its ``rows`` and ``scores()``.

    Raises:
        UsageError: a callable without weights and name cannot have its results kept in ``out``.
    """
    from muybridge.stages.job.measured import RobustnessRun
    from muybridge.stages.testing.models import given

    if isinstance(model, str | os.PathLike):
        values |= {} if out is None else {"out": out}
        return RobustnessRun(_robustness(model=model, data=data, **values).path)
    subject = given(model, name, tuple(class_names) if class_names else None, kept=out is not None)
    return _of_object("robustness", RobustnessConfig, RobustnessRun, subject, data, out, values)


def zeroshot(
    model: Any = "",
    data: Any = (),
    *,
    name: str | None = None,
    out: str | Path | None = None,
    **values: Any,
) -> "ZeroshotRun":
    """Classify videos by the names of classes, said in words.

    Args:
        model: what `muybridge zeroshot --model` takes; or an object with ``video(frames) -> b d`` (float, 0 to 1, ``b 3 t h w``) and
            ``text(list of strings) -> n d``, which owns its normalisation; its ``logit_scale``, ``clip_frames`` and ``clip_size`` count.
        data: folders, lists or names of data sets.
        name: of a model that is an object, in tables; names its results too.
        out: folder of the results; those of an object lie in a temporary folder, and go with what is returned, when not given.
        values: the other arguments are those of `muybridge zeroshot --help`.

    Returns:
        The finished run with its ``rows`` and ``scores()``.

    Raises:
        UsageError: an object without both methods, or without weights and name whose results are to be kept in ``out``.
    """
    from muybridge.stages.job.measured import ZeroshotRun
    from muybridge.stages.texts.text_scored import given

    if isinstance(model, str | os.PathLike):
        values |= {} if out is None else {"out": out}
        return ZeroshotRun(_zeroshot(model=model, data=data, **values).path)
    subject = given(model, name, kept=out is not None)
    return _of_object("zeroshot", ZeroshotConfig, ZeroshotRun, subject, data, out, values)


def _of_object(
    verb: str,
    kind: type[Control],
    made: Callable[[Path], R],
    subject: "Subject",
    data: Any,
    out: str | Path | None,
    values: dict[str, Any],
) -> R:
    """Run a stage on a model that is an object; without ``out`` its results go with what is returned."""
    place = Path(mkdtemp(prefix="muybridge-") if out is None else out)
    try:
        ask = _verb(verb, kind, partial(run_stage, subject=subject))
        run = made(ask(**values | {"model": subject.name, "data": data, "out": place}).path)
    except BaseException:
        if out is None:
            rmtree(place, ignore_errors=True)
        raise
    if out is None:
        finalize(run, rmtree, place, ignore_errors=True)
    return run


def study(name: str | Path, **values: Any) -> Any:
    """Run a study: a shipped one by its name, or a Python or YAML file; the arguments are those of `muybridge study run NAME --help`."""
    recipe = _found(name)
    return run_study(recipe, configs.change(recipe.config(), values, f"muybridge.study({str(name)!r})"))


def _found(name: str | Path) -> "Recipe":
    from muybridge.studies.files.find import find

    return find(str(name))


def report(out: str | Path = "muybridge-out") -> Any:
    """Write ``report.html``, ``report.md`` and ``tables/*.csv`` from the runs below ``out``."""
    from muybridge.report import write_report

    folder = working_copy(out)
    pages = write_report(folder)
    publish_pages(folder)
    return pages


def runs(
    out: str | Path = "muybridge-out",
    *,
    stage: str | None = None,
    where: str | Sequence[str] = (),
    sort: str | None = None,
    reverse: bool = False,
) -> list[dict[str, Any]]:
    """The runs below ``out``, one dictionary each: its facts by name, its headline ``numbers`` and its ``path``.

    Args:
        out: folder or URL of the results.
        stage: runs of this stage only.
        where: conditions as of `muybridge runs ls --where`; all must hold.
        sort: a fact or number to sort by, accuracies from the highest.
        reverse: the other way round.

    Raises:
        UsageError: no such stage, name or value.
    """
    from muybridge.measure.headline import headline
    from muybridge.runs import query
    from muybridge.runs.run_index import Index

    index = Index(working_copy(out))
    rows = index.measured(index.rows(), headline)
    kept = query.chosen(rows, stage, [where] if isinstance(where, str) else where)
    return [row.flat() | {"path": index.run(row).path} for row in query.ordered(kept, sort, reverse)]


def compare(a: str | Path, b: str | Path) -> Any:
    """Compare two robustness runs: folders of runs, or ``out`` folders with one each; returns lines with intervals and verdicts."""
    from muybridge.report.compare.compare import compare

    return compare(a, b)
