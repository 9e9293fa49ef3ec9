"""Zero-shot results: one table per data set and regime, a row per model with all that must stand beside its accuracy."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from muybridge.core.text.plurals import counted, listed
from muybridge.measure.estimate import Interval
from muybridge.measure.intervals import accuracy_interval
from muybridge.measure.zeroshot_scores import Zero, within, zero_of
from muybridge.report.gather.collect import Gathered, data_of
from muybridge.report.gather.damage import TEMPLATES
from muybridge.report.gather.same_protocol import protocol_of
from muybridge.report.sections.first_screen import Answer, Bar, Task
from muybridge.report.sections.page_blocks import Block, Note
from muybridge.report.sections.section import Finding, Section
from muybridge.report.tables.accuracy_tables import (
    cautions,
    interval_words,
    ranged,
    runs_cell,
    slugged,
    spanned,
)
from muybridge.report.tables.table import (
    Cell,
    Column,
    Table,
    capital,
    count,
    missing,
    percent,
    points,
    span,
    text,
)
from muybridge.runs.contents.predictions import Predictions, read_predictions
from muybridge.runs.contents.result_fields import ResultFields
from muybridge.runs.records import Run

NAMES = {"Z0": "no action labels seen", "Z1": "trained on labels or captions of actions"}
WANTS = ("zeroshot",)
NOTE = (
    "Videos classified by the names of the classes, said in words. Models that saw no action labels (Z0) and models that were trained on "
    "some (Z1) never share a table; rows whose protocol differs answer different questions."
)
UNLIKE = "protocols differ: compare models of one protocol; no order over all rows is meant."
NAMED = 2
"""Models that the first screen names."""
GIVEN = {"object": "motion, object given", "motion": "object, motion given"}


@dataclass(frozen=True)
class Asked:
    """A model under one protocol: its runs by training seed.

    Attributes:
        name: of the model, with its backbone where it is a run of ours.
        rows: by video, of each run.
    """

    name: str
    runs: list[Run]
    rows: list[Predictions]

    @property
    def result(self) -> ResultFields:
        """What its first run says; the others differ in seed alone."""
        return self.runs[0].result

    @cached_property
    def zero(self) -> Zero:
        """Its numbers."""
        single = [read_predictions(run.path / TEMPLATES) for run in self.runs]
        regime = self.result.get("regime")
        seen = regime["seen"] if regime else []
        return zero_of(self.rows, single, seen, self.name)

    @cached_property
    def parts(self) -> dict[str, tuple[Interval, float]]:
        """Of classes that are pairs: accuracy of one part where the other is given, and its chance."""
        found = {}
        for name, parts in (self.result.get("parts") or {}).items():
            if name in GIVEN and len(parts) == self.rows[0].scores.shape[1]:
                chance = len(set(parts)) / len(parts)
                found[GIVEN[name]] = (
                    accuracy_interval([within(one, parts) for one in self.rows], self.name),
                    chance,
                )
        return found

    @property
    def blind(self) -> bool:
        """Whether no order of frames can change its scores."""
        return bool((self.result.get("model") or {}).get("order_free"))

    @property
    def protocol(self) -> str:
        """Hash of what it was asked and how."""
        return str(protocol_of(self.runs[0]).get("hash", ""))


@dataclass(frozen=True)
class Regime:
    """Models that saw the same kind of labels, on one data set."""

    data: str
    regime: str
    models: list[Asked]

    @property
    def name(self) -> str:
        """``"Zero-shot on ucf101 (Z0: no action labels seen)"``."""
        return f"Zero-shot on {self.data} ({self.regime}: {NAMES.get(self.regime, 'not told')})"

    @property
    def protocols(self) -> int:
        """In how many ways they were asked."""
        return len({asked.protocol for asked in self.models})

    @property
    def chance(self) -> float:
        """Accuracy of guessing."""
        return 1 / self.models[0].zero.classes[0]


def regimes(all_of: Gathered) -> list[Regime]:
    """The zero-shot runs of a folder, by data set and regime; models by accuracy."""
    cells: dict[tuple[str, str], dict[tuple[str, str], list[Run]]] = defaultdict(lambda: defaultdict(list))
    for experiment in all_of.of(*WANTS):
        for arm, seeds in experiment.arms.items():
            for run in (run for kept in seeds.values() for run in kept):
                under = run.result.get("regime")
                regime = under["name"] if under else ""
                backbone = str(run.result.get("facets", {}).get("backbone") or "")
                name = f"{arm}, {backbone}" if backbone else arm
                code = protocol_of(run).get("hash", "")
                cells[experiment.data, regime][name, str(code)].append(run)
    found = []
    for (data, regime), models in sorted(cells.items()):
        asked = [
            Asked(name, runs, [all_of.rows[run.signature].clean for run in runs])
            for (name, _), runs in models.items()
        ]
        found.append(Regime(data, regime, sorted(asked, key=lambda one: (-one.zero.top1.value, one.name))))
    return found


def zeroshot_table(one: Regime, all_of: Gathered) -> Table:
    """A row per model; the numbers of single templates are a spread, never a choice."""
    parts = list(dict.fromkeys(name for asked in one.models for name in asked.parts))
    apart = any(asked.zero.generalised for asked in one.models)
    columns = [
        Column("model"),
        Column(
            "top\N{NON-BREAKING HYPHEN}1, %",
            True,
            "ensemble of the templates; views averaged, mean over seeds",
        ),
        *(
            [
                Column(
                    "classes not seen, %",
                    True,
                    "on, and among, classes whose names the model was not trained on",
                )
            ]
            if apart
            else []
        ),
        *(
            [Column("these among all, %", True, "the same videos, all classes to choose from")]
            if apart
            else []
        ),
        *(Column(f"{name}, %", True, "among the classes that share the other part") for name in parts),
        Column("top\N{NON-BREAKING HYPHEN}5, %", True),
        Column("class mean, %", True),
        Column(
            "single templates, %",
            True,
            "lowest and highest of the templates alone, and their standard deviation",
        ),
        Column("ensemble gain, points", True, "over the mean single template, paired"),
        Column(
            "other naming, %", True, "names as in the data set instead of cleaned, or the other way round"
        ),
        Column("calibration error, %", True, "expected calibration error of the softmax, 15 bins"),
        Column("names permuted, %", True, "names dealt out at random: must be chance"),
        Column("sees order", title="whether the order of frames can change a score"),
        Column("videos", True),
        Column("protocol"),
        Column("runs"),
    ]
    rows = [_row(asked, apart, parts) for asked in one.models]
    kept = [place for place in range(len(columns)) if any(row[place].kind != "missing" for row in rows)]
    left = [columns[place].name for place in range(len(columns)) if place not in kept]
    columns, rows = [columns[place] for place in kept], [[row[place] for place in kept] for row in rows]
    notes = [f"Chance {points(one.chance)} % of {one.models[0].zero.classes[0]} classes."]
    notes += _notes(one, parts)
    notes += [f"Not asked of any model here: {', '.join(left)}."] if left else []
    notes += cautions({asked.name: asked.zero.top1 for asked in one.models})
    return Table(
        f"zeroshot-{slugged(one.data, one.regime)}", one.name, columns, rows, notes, legend=_legend(one)
    )


def _legend(one: Regime) -> str:
    """What a caption needs to stand alone."""
    tops = [asked.zero.top1 for asked in one.models]
    videos, seeds = sorted({len(asked.rows[0]) for asked in one.models}), sorted({top.seeds for top in tops})
    return (
        f"Accuracy in percent of {ranged(videos, 'test video')} of {one.data}, classified by the names of the classes, views averaged,"
        f" mean over {ranged(seeds, 'training seed')}; {interval_words({top.groups for top in tops}, seeds[-1])};"
        " differences in percentage points, paired on the same videos."
    )


def _row(asked: Asked, apart: bool, parts: list[str]) -> list[Cell]:
    zero, told = asked.zero, asked.result
    split = [_cell(zero.unseen, f" of {zero.classes[1]}"), _cell(zero.generalised)] if apart else []
    prompts = zero.prompts
    single = missing("one template")
    if prompts:
        low, high = points(min(prompts.single)), points(max(prompts.single))
        single = Cell(
            f"{low}–{high}",
            sort=prompts.spread,
            small=f"SD {points(prompts.spread)}, {len(prompts.single)} templates",
        )
    gain = (
        Cell(
            points(prompts.gain.value, sign=True),
            sort=prompts.gain.value,
            small=span(prompts.gain, sign=True),
        )
        if prompts
        else missing("one template")
    )
    data = data_of(asked.runs[0])
    protocol, regime = protocol_of(asked.runs[0]), told.get("regime")
    clips = protocol.get("clips") or {}
    names = ("frames", "sampling", "temporal", "spatial", "crop")
    frames, sampling, temporal, spatial, crop = (clips.get(name, "?") for name in names)
    how = f"{frames} frames {sampling}, {temporal}x{spatial} views, {crop} px"
    words = protocol.get("question") or {}
    return [
        Cell(asked.name, sort=asked.name, small=f"labels: {(regime and regime['labels']) or 'none'}"),
        spanned(zero.top1),
        *split,
        *(_cell(asked.parts[name][0]) if name in asked.parts else missing() for name in parts),
        _cell(zero.top5),
        percent(zero.macro),
        single,
        gain,
        _cell(zero.other_names),
        _cell(zero.calibration),
        percent(zero.permuted),
        text("no" if asked.blind else "yes"),
        count(data.get("videos", {}).get("test")),
        Cell(
            asked.protocol[:6],
            sort=asked.protocol,
            kind="code",
            small=f"{how}; {words.get('template_set', '?')}",
            title=asked.protocol,
        ),
        runs_cell(asked.runs),
    ]


def _notes(one: Regime, parts: list[str]) -> list[str]:
    blind = [asked.name for asked in one.models if asked.blind]
    notes = []
    if blind:
        notes.append(
            f"{', '.join(blind)}: cannot see the order of frames; all that can be told here, single frames tell."
        )
    for name in parts:
        chance = next(asked.parts[name][1] for asked in one.models if name in asked.parts)
        notes.append(f"Chance of {name}: {points(chance)} %.")
    if one.protocols > 1:
        notes.append(capital(UNLIKE))
    broken = sum(len(data_of(asked.runs[0]).get("broken", [])) for asked in one.models)
    if broken:
        notes.append(
            f"{counted(broken, 'video')} could not be decoded; what cannot be decoded counts as wrong."
        )
    return notes


def zeroshot_words(one: Regime) -> str:
    """What the models reach, on classes that they did not see where there are such; and who cannot see order."""
    said = []
    for asked in one.models[:4]:
        zero = asked.zero
        words = f"{asked.name} reaches {points(zero.top1.value)} % (95 % interval {span(zero.top1)}; chance {points(one.chance)} %)"
        if zero.unseen:
            chance = 1 / zero.classes[1]
            words += (
                f", and {points(zero.unseen.value)} % ({span(zero.unseen)}; chance {points(chance)} %) among the {zero.classes[1]} classes"
                " whose names it never saw"
            )
        said.append(words + (", without seeing the order of frames" if asked.blind else ""))
    return "; ".join(said) + "."


def zeroshot_rows(all_of: Gathered) -> Iterator[dict[str, object]]:
    """One tidy row per model, data set and regime."""
    for one in all_of.once(regimes):
        for asked in one.models:
            zero = asked.zero
            bounds = {"top1": zero.top1, "top5": zero.top5, "unseen": zero.unseen, "generalised": zero.generalised, "ece": zero.calibration,
                      "other_names": zero.other_names, "gain": zero.prompts.gain if zero.prompts else None}  # fmt: skip
            yield {
                "data": one.data, "regime": one.regime, "model": asked.name, "protocol": asked.protocol, "chance": one.chance,
                **{f"{name}{end}": _bound(value, field) for name, value in bounds.items() for end, field in
                   (("", "value"), ("_low", "low"), ("_high", "high"))},
                "macro": zero.macro, "permuted": zero.permuted, "classes": zero.classes[0], "unseen_classes": zero.classes[1],
                "template_low": min(zero.prompts.single) if zero.prompts else None,
                "template_high": max(zero.prompts.single) if zero.prompts else None,
                "template_sd": zero.prompts.spread if zero.prompts else None,
                "order_free": asked.blind, "signatures": " ".join(run.signature for run in asked.runs),
            }  # fmt: skip


def _bound(one: Interval | None, field: str) -> float | None:
    return None if one is None else float(getattr(one, field))


def _cell(one: Interval | None, after: str = "") -> Cell:
    if one is None:
        return missing("not asked")
    cell = spanned(one)
    return Cell(cell.text, sort=cell.sort, small=cell.small + after, title=cell.title)


def shows(gathered: Gathered) -> Sequence[Block]:
    """One table per data set and regime."""
    return [Note(NOTE), *(zeroshot_table(one, gathered) for one in gathered.once(regimes))]


def findings(gathered: Gathered) -> list[Finding]:
    """What the models reach, by data set and regime; and where they were not asked alike, which no order of them survives."""
    found = gathered.once(regimes)
    unlike = [one.name for one in found if one.protocols > 1]
    said = [Finding(one.name, zeroshot_words(one)) for one in found]
    if unlike:
        said.append(Finding("Zero-shot protocols", f"{listed(unlike)}: {UNLIKE}", limits=True))
    return said


def answers(gathered: Gathered) -> list[Answer]:
    """What the first two models of each regime reach; no order over models is meant."""
    said = []
    for one in gathered.once(regimes):
        told = [
            f"{asked.name} reaches {points(asked.zero.top1.value)} % (95 % interval {span(asked.zero.top1)})"
            for asked in one.models[:NAMED]
        ]
        rest = len(one.models) - len(told)
        more = f" ({counted(rest, 'more model')} below)" if rest else ""
        kind = f"zero-shot, {NAMES.get(one.regime, 'not told')} ({one.regime})"
        words = f"{kind}: {listed(told)}, chance {points(one.chance)} %{more}"
        said.append(Answer(one.data, words))
    return said


def tasks(gathered: Gathered) -> list[Task]:
    """Top-1 accuracies, by data set and regime."""
    return [
        Task(one.name, one.chance, [Bar(Cell(asked.name), asked.zero.top1) for asked in one.models])
        for one in gathered.once(regimes)
    ]


ZEROSHOT = Section(
    "zero-shot",
    "Zero-shot",
    shows,
    WANTS,
    findings=findings,
    answers=answers,
    tasks=tasks,
    rows={"zeroshot": zeroshot_rows},
)
