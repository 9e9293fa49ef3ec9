"""Tables of an experiment's accuracy: arms, single seeds, comparisons, classes, confusion."""

import re
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from muybridge.core.plain_names import short_name
from muybridge.core.text.plurals import counted, listed, some
from muybridge.measure.accuracy import confusion
from muybridge.measure.estimate import Interval
from muybridge.report.gather.collect import BASELINE, Gathered
from muybridge.report.scores.score import Arm, Comparison, Scored
from muybridge.report.tables.table import (
    Bar,
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
from muybridge.runs.records import Run

MOST_CLASSES = 24
MOST_PAIRS = 15
NUMBER = re.compile(r"(?<![\w.,:/#+-])\d+(?:,\d{3})*(?:\.\d+)?%?(?!\w)")
"""A number in a note that is part of no name, path or hash."""
ONE_SEED = "one training seed: of these networks only, the interval does not hold what another training run would change"


def accuracy_table(scored: Scored, all_of: Gathered) -> Table:
    """One row per arm: mean over seeds with interval, gain over the baseline, balanced and top-5 accuracy."""
    experiment = scored.experiment
    against = BASELINE if BASELINE in scored.arms else scored.ranked()[-1]
    deep = len(experiment.classes) >= 10 or width_of(scored) >= 10
    columns = [
        Column("arm"),
        Column("accuracy, %", True, "top-1, views averaged, mean over seeds"),
        Column("95 % interval", True, "Student's t over source groups and seeds"),
        Column(f"0{' ' * 3}50{' ' * 3}100 %", drawn=True),
        Column(f"above {against}, points", True, "paired on the same videos"),
        Column("class mean, %", True, "mean class accuracy: mean of the per-class accuracies"),
        *([Column("top\N{NON-BREAKING HYPHEN}5, %", True)] if deep else []),
        Column("by\N{NO-BREAK SPACE}seed, %", title="accuracy of each seed"),
        Column("videos", True),
        Column("groups", True, "source groups: what is redrawn"),
        Column("runs"),
    ]
    rows = []
    for name in experiment.arms:
        if name in scored.arms:
            rows.append(_arm_row(scored, scored.arms[name], against, deep, all_of))
        else:
            rows.append(_missing_row(name, len(columns), all_of))
    slug = f"accuracy-{slugged(experiment.stage, experiment.protocol, experiment.data, experiment.details)}"
    return Table(
        slug, f"{experiment.name}: accuracy", columns, rows, _accuracy_notes(scored), legend=legend_of(scored)
    )


def legend_of(scored: Scored, measure: str = "Top-1 accuracy", compared: bool = True) -> str:
    """What a caption needs to stand alone: measure and unit, data, intervals, seeds and groups, what differences are.

    Args:
        scored: what the table is of.
        measure: what stands in its cells, in front of "in percent of".
        compared: whether arms are compared.
    """
    arms = list(scored.arms.values())
    if not arms:
        return f"{measure} in percent, on {scored.experiment.data}; nothing is measured yet."
    differences = (
        "; differences in percentage points, paired on the same videos, verdicts corrected by Holm over all comparisons of the report"
        if compared
        else ""
    )
    return f"{measure} in percent of {data_words(arms, scored.experiment.data)}; {intervals_of(arms)}{differences}."


def data_words(arms: Sequence[Arm], data: str, pooled: bool = False) -> str:
    """For captions: ``"240 test videos of daily, views averaged, mean over 3 training seeds"``; or their answers pooled."""
    videos, seeds = (sorted({many(arm) for arm in arms}) for many in (_videos, _seeds))
    seeds_ = ranged(seeds, "training seed")
    return (
        f"{ranged(videos, 'test video')} of {data}, views averaged, "
        f"{f'answers of {seeds_} pooled' if pooled else f'mean over {seeds_}'}"
    )


def intervals_of(arms: Sequence[Arm]) -> str:
    """For captions: ``"95 % intervals of Student's t over 20 source groups and training seeds"``."""
    return interval_words({arm.groups for arm in arms}, max(map(_seeds, arms)))


def interval_words(groups: Iterable[int], seeds: int) -> str:
    """The same of numbers of source groups, and of the most training seeds of an arm."""
    reach = " and training seeds" if seeds > 1 else ", of these networks only"
    return f"95 % intervals of Student's t over {ranged(sorted(groups), 'source group')}{reach}"


def _videos(arm: Arm) -> int:
    return arm.videos


def _seeds(arm: Arm) -> int:
    return len(arm.rows)


def ranged(numbers: Sequence[int], noun: str) -> str:
    """``"240 test videos"``, or of several numbers ``"38 to 40 test videos"``."""
    first, last = numbers[0], numbers[-1]
    return counted(last, noun) if first == last else f"{first:,} to {counted(last, noun)}"


def _arm_row(scored: Scored, arm: Arm, against: str, deep: bool, all_of: Gathered) -> list[Cell]:
    shown = arm.accuracy()
    bar = Bar(shown.value, shown.low, shown.high, scored.experiment.chance)
    seeds = " \N{MIDDLE DOT} ".join(points(arm.accuracy(seed=seed).value) for seed in arm.rows)
    gain = scored.between(arm.name, against)
    return [
        arm_cell(arm.name, all_of, any(run.result.get("limited") for run in arm.runs)),
        percent(shown.value),
        interval_cell(shown),
        Cell("", bar=bar),
        gain_cell(gain, arm.name == against),
        spanned(arm.classes.balanced()),
        *([spanned(arm.classes.top())] if deep else []),
        Cell(seeds, sort=shown.value, title=f"seeds {', '.join(map(str, arm.rows))}"),
        count(arm.videos),
        count(arm.groups),
        runs_cell(arm.runs),
    ]


def _missing_row(name: str, width: int, all_of: Gathered) -> list[Cell]:
    return [arm_cell(name, all_of), missing(), *[missing("")] * (width - 2)]


def arm_cell(name: str, all_of: Gathered, limited: bool = False) -> Cell:
    """Name of an arm with its colour."""
    words = "limited run" if limited else ""
    return Cell(name, sort=name, small=words, arm=arm_index(name, all_of))


def arm_index(name: str, all_of: Gathered) -> int:
    """Colour of an arm: 0 for the untrained baseline, else its place in the study."""
    return 0 if name == BASELINE else 1 + all_of.trained[name] % 7


def interval_cell(one: Interval, sign: bool = False) -> Cell:
    """Bounds of an interval; its words of caution on hover and as a mark."""
    return Cell(span(one, sign), sort=100 * one.low, title=one.caution, mark="*" if one.caution else "")


def spanned(one: Interval, digits: int = 1) -> Cell:
    """A share in percent with its interval below; its words of caution on hover."""
    if np.isnan(one.value):
        return missing("none")
    return Cell(points(one.value, digits), sort=100 * one.value, small=span(one), title=one.caution)


def gain_cell(gain: Comparison | None, is_baseline: bool) -> Cell:
    """Difference to the baseline with its interval, or that the two cannot be separated."""
    if is_baseline:
        return Cell("baseline", sort=0.0)
    if gain is None:
        return missing("not comparable", "tested on different videos")
    one = gain.difference.interval
    words = span(one, sign=True) if gain.stands else f"{span(one, sign=True)}: cannot be separated"
    return Cell(points(one.value, sign=True), sort=100 * one.value, small=words + gain.correction)


def runs_cell(runs: list[Run]) -> Cell:
    """Links to the rows of the provenance table."""
    links = tuple((run.signature[:6], f"run-{run.signature}") for run in runs)
    return Cell(" ".join(run.signature[:6] for run in runs), kind="code", links=links)


def _accuracy_notes(scored: Scored) -> list[str]:
    chance = scored.experiment.chance
    notes = (
        [] if np.isnan(chance) else [f"Chance is {points(chance)} %, the thin line in the drawn intervals."]
    )
    notes += cautions({name: arm.accuracy() for name, arm in scored.arms.items()})
    alone = [name for name, arm in scored.arms.items() if arm.one_network]
    if alone:
        notes.append(f"{'' if len(alone) == len(scored.arms) else listed(alone) + ': '}{capital(ONE_SEED)}.")
    broken = {arm.name: arm.undecoded for arm in scored.arms.values() if arm.undecoded}
    if broken:
        told = ", ".join(f"{name} {number}" for name, number in broken.items())
        notes.append(f"Videos that could not be decoded count as wrong, over all seeds: {told}.")
    for name, lacking in scored.experiment.holes.items():
        notes.append(f"{name} lacks {', '.join(lacking)}: its mean is over what is there.")
    return notes + scored.problems + run_notes(scored) + _split_notes(scored)


def _split_notes(scored: Scored) -> list[str]:
    """Which official split this is, where there are several."""
    told = [run.result.get("data", {}).get("split") for arm in scored.arms.values() for run in arm.runs]
    said = next((one for one in told if isinstance(one, dict)), None)
    return [f"This is official split {said['number']} of {said['of']} of {said['family']}."] if said else []


def caution(one: Interval, *arms: Arm) -> str:
    """Everything a reader must know beside a number of some arms; empty if nothing."""
    said = [ONE_SEED] if any(arm.one_network for arm in arms) else []
    return "; ".join([*said, *([one.caution] if one.caution else [])])


def cautions(shown: Mapping[str, Interval]) -> list[str]:
    """One marked sentence per caution, with the arms it is for unless it is for all."""
    told: dict[str, list[str]] = {}
    for name, one in shown.items():
        told.setdefault(one.caution, []).append(name)
    whose = {
        words: "" if len(names) == len(shown) else f"{listed(names)}: "
        for words, names in told.items()
        if words
    }
    return [f"* {who}{words}." for words, who in whose.items()]


def run_notes(scored: Scored) -> list[str]:
    """What the runs themselves want a reader to see, with the arms it is said of unless it is all."""
    told: dict[str, list[str]] = {}
    for name, arm in scored.arms.items():
        for run in arm.runs:
            for note in run.result.get("notes", []):
                told.setdefault(str(note).rstrip("."), []).append(name)
    everyone = set(scored.arms)
    whose = [(note, list(dict.fromkeys(names))) for note, names in _alike(told).items()]
    return [
        f"{note}." if set(names) == everyone else f"{some(names, 'arm')}: {note}." for note, names in whose
    ]


def _alike(told: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """Notes that say the same of several runs but for their numbers as one, with the lowest and the highest of each."""
    same: dict[str, list[str]] = {}
    for note in told:
        is_command = "--" in note or "`" in note  # what is typed keeps its numbers
        same.setdefault(note if is_command else NUMBER.sub("#", note), []).append(note)
    return {_spanned(notes): [name for note in notes for name in told[note]] for notes in same.values()}


def _spanned(notes: Sequence[str]) -> str:
    """One note for several; ``13.9% to 35.4%`` where they differ."""
    columns = zip(*(NUMBER.findall(note) for note in notes), strict=True)
    spans = [
        column[0] if len(set(column)) == 1 else f"{min(column, key=_value)} to {max(column, key=_value)}"
        for column in columns
    ]
    words = iter(spans)
    return NUMBER.sub(lambda _: next(words), notes[0])


def _value(word: str) -> float:
    return float(word.rstrip("%").replace(",", ""))


def confusion_table(scored: Scored, name: str) -> Table:
    """True by predicted class in percent of the true one, seeds and folds pooled; pairs if many classes."""
    counts = np.sum([confusion(rows) for rows in scored.arms[name].clean()], axis=0)
    experiment = scored.experiment
    slug = f"confusion-{slugged(experiment.stage, experiment.protocol, experiment.data, experiment.details, name)}"
    caption = f"{name}: confusion, {experiment.name}"
    on = data_words([scored.arms[name]], experiment.data, pooled=True)
    if len(counts) > MOST_CLASSES:
        return _confused_pairs(scored, counts, slug, caption, on)
    total = counts.sum(axis=1, keepdims=True)
    shares = np.divide(counts, total, out=np.full(counts.shape, np.nan), where=total > 0)
    classes = [class_name(scored, index) for index in range(len(counts))]
    none = [Column("not decoded", True)] if counts[:, -1].any() else []
    columns = [
        Column("true class \N{RIGHTWARDS ARROW} predicted"),
        *(Column(one, True) for one in classes),
        *none,
    ]
    width = len(classes) + len(none)
    rows = [
        [text(classes[i]), *(_confusion_cell(shares[i, j], int(counts[i, j])) for j in range(width))]
        for i in range(len(classes))
    ]
    return Table(
        slug, caption, columns, rows, ["Percent of the videos of the true class (row)."], "heat",
        f"Answers (columns) in percent of the videos of the true class (rows), on {on}.",
    )  # fmt: skip


def _confusion_cell(share: float, number: int) -> Cell:
    if np.isnan(share):
        return missing("")
    shown = points(share, 0) if number else "\N{MIDDLE DOT}"
    return Cell(shown, sort=100 * share, title=counted(number, "video"), heat=share)


def _confused_pairs(scored: Scored, counts: np.ndarray, slug: str, caption: str, on: str) -> Table:
    wrong = counts[:, :-1].copy()
    np.fill_diagonal(wrong, 0)
    order = np.argsort(-wrong, axis=None, kind="stable")[:MOST_PAIRS]
    pairs = [divmod(int(place), wrong.shape[1]) for place in order if wrong.flat[place]]
    columns = [
        Column("true class"),
        Column("taken for"),
        Column("videos", True),
        Column("of the class, %", True),
    ]
    rows = [
        [
            text(class_name(scored, i)),
            text(class_name(scored, j)),
            count(int(wrong[i, j])),
            percent(wrong[i, j] / counts[i].sum()),
        ]
        for i, j in pairs
    ]
    legend = f"Wrong answers, in number and in percent of the videos of the true class, on {on}."
    return Table(slug, f"{caption}, the {len(rows)} most confused pairs", columns, rows, legend=legend)


def class_name(scored: Scored, index: int) -> str:
    """Name of a class, or its number when the runs do not say."""
    classes = scored.experiment.classes
    return classes[index] if index < len(classes) else f"class {index}"


def slugged(*words: str) -> str:
    """Words as an anchor and as the name of a file."""
    return short_name(" ".join(words))


def width_of(scored: Scored) -> int:
    """Number of classes that were answered."""
    return int(next(iter(scored.arms.values())).clean()[0].scores.shape[1])
