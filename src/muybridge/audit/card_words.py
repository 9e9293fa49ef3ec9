"""The sentences of a card, one function for each verdict. None says more than its rows: what does not stand "cannot be separated"."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from muybridge.audit.data_look import DataLook
from muybridge.audit.family import Compared, alone, ends, percent, point_ends, points
from muybridge.audit.readings import Cell, Readings
from muybridge.data.doctor.examine import SPOIL
from muybridge.data.doctor.summary import meaning

TELLING = 3
"""Videos of the smallest group from which on accuracies by group are said."""
Mark = Literal["good", "bad", "open", "note"]
"""Whether a verdict speaks for trust, against it, leaves it open, or only tells."""


@dataclass(frozen=True)
class Verdict:
    """One line of the card.

    Attributes:
        key: name in JSON.
        title: the question, in a few words.
        mark: see ``Mark``.
        short: the answer, in a few words.
        words: the answer in sentences, with intervals.
    """

    key: str
    title: str
    mark: Mark
    short: str
    words: str


def named(cell: Cell) -> str:
    """Its conditions: ``gaussian_noise 3``; types with the span of their severities where there are many."""
    types: dict[str, list[int]] = {}
    for name, severity in cell.conditions:
        types.setdefault(name, []).append(severity)
    parts = [f"{name} {_span(has)}".strip() for name, has in types.items()]
    return ", ".join(parts)


def _span(severities: Sequence[int]) -> str:
    if severities == [0]:
        return ""
    whole = list(range(min(severities), max(severities) + 1))
    return (
        f"{whole[0]} to {whole[-1]}"
        if severities == whole and len(whole) > 1
        else " ".join(map(str, severities))
    )


def fall(one: Compared) -> str:
    """A fall as a clause: by how much, or that it cannot be told from none."""
    if one.is_open:
        return f"is {points(-one.interval.value)} points from the clean one, without an interval"
    if one.stands:
        way = "falls" if one.interval.value > 0 else "rises"
        return f"{way} by {abs(100 * one.interval.value):.1f} points {point_ends(one.interval)}"
    return f"cannot be separated from the clean one (fall {points(one.interval.value)} points {point_ends(one.interval)}{alone(one)})"


def accuracy(found: Readings, compared: Mapping[str, Compared]) -> Verdict:
    """How often it is right, and whether that is more than guessing."""
    told, beyond = found.clean.interval(of_accuracy=True), compared["above chance"]
    chance = f"chance {percent(found.chance)}"
    words = f"Right in {percent(told.value)} of {found.videos:,} videos {ends(told)}, {chance}."
    if found.nans:
        words += f" {found.nans:,} of them have no scores that are numbers and count as wrong."
    if found.by_group and min(total for _, total in found.by_group.values()) >= TELLING:
        shares = {name: right / total for name, (right, total) in found.by_group.items()}
        low, high = min(shares, key=lambda g: shares[g]), max(shares, key=lambda g: shares[g])
        if low != high:
            sizes = {name: found.by_group[name][1] for name in (low, high)}
            least, most = (f"{percent(shares[one])} ({one}, {sizes[one]} videos)" for one in (low, high))
            words += f" By group from {least} to {most}."
    if beyond.above:
        return Verdict(
            "accuracy", "Is it right?", "note", percent(told.value), f"{words} That is above chance."
        )
    if beyond.below:
        words += " That is below chance: see whether classes and labels are matched as they should be."
        return Verdict("accuracy", "Is it right?", "bad", f"{percent(told.value)}, below chance", words)
    if beyond.is_open:
        words += " Without an interval, nothing tells it from chance."
        return Verdict("accuracy", "Is it right?", "open", f"{percent(told.value)}, no interval", words)
    words += f" It cannot be separated from chance{alone(beyond)}."
    return Verdict("accuracy", "Is it right?", "open", f"{percent(told.value)}, not told from chance", words)


def calibration(found: Readings, compared: Mapping[str, Compared]) -> Verdict:
    """Whether its confidence can be taken at its word."""
    title, one = "Is it as sure as it is right?", found.calibration
    if one is None:
        return Verdict(
            "calibration",
            title,
            "open",
            "no scores",
            "No video has scores that are numbers, so nothing is said of confidence.",
        )
    over, error = compared["confidence"], one.error.interval(of_accuracy=True)
    words = (
        f"Mean confidence {percent(one.confidence)} beside {percent(found.clean.value)} right; expected calibration error "
        f"{percent(error.value)} {ends(error)}, 15 bins, biased upwards with few videos."
    )
    apart = abs(100 * over.interval.value)
    if over.is_open:
        words += f" The difference, {points(over.interval.value)} points, has no interval."
        return Verdict("calibration", title, "open", "no verdict without an interval", words)
    if not over.stands:
        words += (
            f" On average, confidence and accuracy cannot be separated ({points(over.interval.value)} points "
            f"{point_ends(over.interval)}{alone(over)})."
        )
        return Verdict("calibration", title, "open", "no difference shown on average", words)
    if over.above:
        words += f" On average it is {apart:.1f} points surer than it is right {point_ends(over.interval)}."
        return Verdict("calibration", title, "bad", f"too sure, by {apart:.1f} points", words)
    words += f" On average it is {apart:.1f} points less sure than it is right {point_ends(over.interval)}."
    return Verdict("calibration", title, "note", f"less sure than right, by {apart:.1f} points", words)


def category(name: str, cell: Cell, one: Compared) -> Verdict:
    """What a category of perturbations does."""
    now, changed = cell.accuracy.interval(of_accuracy=True), cell.changed.interval(of_accuracy=True)
    words = (
        f"{named(cell)}: right in {percent(now.value)} {ends(now)}: accuracy {fall(one)}. "
        f"{percent(changed.value)} of the answers change {ends(changed)}."
    )
    if one.is_open:
        short, mark = "no verdict without an interval", "open"
    elif one.above:
        short, mark = f"falls by {100 * one.interval.value:.0f} points", "bad"
    elif one.below:
        short, mark = f"rises by {abs(100 * one.interval.value):.0f} points", "note"
    else:
        short, mark = "no fall shown", "open"
    title = f"Under {name}" + ("" if name in ("noise", "blur") else " perturbations")
    return Verdict(f"perturbation {name}", title, _mark(mark), short, words)


def time(found: Readings, compared: Mapping[str, Compared], seen: DataLook) -> Verdict:
    """Whether motion and the order of frames matter to it."""
    title = "Does it use time?"
    if not found.time:
        return Verdict(
            "time",
            title,
            "open",
            "clips of one frame",
            "Its clips hold one frame: there is no time in them to use.",
        )
    parts = [
        f"{name.capitalize()}: accuracy {fall(compared[name])}." for name in found.time if name in compared
    ]
    if relabelled := [name for name, cell in found.time.items() if cell.relabelled]:
        parts.insert(0, _relabelled(found, relabelled))
    beside = compared.get("reversed beside mirrored")
    if beside is not None and not beside.is_open:
        costs = f"({points(beside.interval.value)} points {point_ends(beside.interval)}{alone(beside)})"
        way = (
            f"costs {'more' if beside.above else 'less'} than"
            if beside.stands
            else "cannot be separated from"
        )
        parts.append(f"Reversal {way} a mirror, which changes every frame and no order {costs}.")
    order = [name for name in ("shuffled",) if name in compared and compared[name].above]
    if beside is not None and beside.above and compared["reversed"].above:
        order.append("reversed")
    if found.partner is not None and found.partner.low > 0.5:
        order.append("called by its reverse")
    motion = "single frame" in compared and compared["single frame"].above
    if not compared["above chance"].above:
        short, mark = _unasked(compared), "open"
    elif order:
        short, mark = "yes, the order of frames", "note"
    elif motion:
        short, mark = "more than one frame; use of order not shown", "note"
    else:
        short, mark = "no use of time shown", "open"
        parts.append(f"That does not show that it uses none: {_within(found, compared)}.")
    parts.append(_reader(found, compared, seen))
    return Verdict("time", title, _mark(mark), short, " ".join(parts))


def _relabelled(found: Readings, names: Sequence[str]) -> str:
    """Where clips show another class, or none, there is no fall to be told."""
    words = f"{', '.join(names).capitalize()}: clips of some classes show another class then, or none, so that no fall is told"
    if found.partner is None:
        return words + "."
    share = f"{percent(found.partner.value)} of the reversed clips that show another class are called by it"
    return f"{words}. {share} {ends(found.partner)}."


def _within(found: Readings, compared: Mapping[str, Compared]) -> str:
    """The largest fall that the interval of the single frame, or of the shuffle, leaves open."""
    name = next((one for one in ("single frame", "shuffled") if one in compared), None)
    high = compared[name].interval.high if name else float("nan")
    if name is None or high != high:
        return "no interval says how large a fall could be"
    return f"the interval of {name} leaves a fall of {100 * max(high, 0):.1f} points open"


def _reader(found: Readings, compared: Mapping[str, Compared], seen: DataLook) -> str:
    if found.reader is None:
        why = seen.reader if isinstance(seen.reader, str) else "none of the tested videos was looked at"
        return f"What can be told of these labels without any order of frames was not measured: {why}."
    one, beyond = found.reader[0].interval(of_accuracy=True), compared["above the order-free reader"]
    words = (
        f"A simple reader that cannot see order (mean and spread over time of 8x8 grey pictures, {seen.learnt:,} training videos) is "
        f"right in {percent(one.value)} of {found.read:,} videos {ends(one)}"
    )
    gap = f"{abs(100 * beyond.interval.value):.1f} points"
    if beyond.is_open:
        return f"{words}."
    if beyond.above:
        return f"{words}; the model is {gap} above it {point_ends(beyond.interval)}."
    if beyond.below:
        return f"{words}; the model is {gap} below it {point_ends(beyond.interval)}: these labels ask for less than the model was given."
    gap = f"{points(beyond.interval.value)} points {point_ends(beyond.interval)}{alone(beyond)}"
    return f"{words}; the model cannot be separated from it ({gap})."


def background(found: Readings, compared: Mapping[str, Compared]) -> Verdict:
    """Whether it answers from what lies around the middle."""
    title = "Does it use the background?"
    if not found.place:
        return Verdict(
            "background",
            title,
            "open",
            "not asked",
            "There was no time for the masks; more --minutes ask them.",
        )
    centre, border = compared["centre masked"], compared["border masked"]
    left = found.place["centre masked"].accuracy.interval(of_accuracy=True)
    still = compared["centre masked above chance"]
    parts = [
        f"Without the middle half of the picture it is right in {percent(left.value)} {ends(left)}: accuracy {fall(centre)}.",
        f"Without the outer half accuracy {fall(border)}.",
        "The middle is not the actor and the border not the background: actions reach the border, and grey is new to the model.",
    ]
    if still.above:
        parts.insert(1, "That is above chance: the surroundings alone tell it some classes.")
    if not compared["above chance"].above:
        short, mark = _unasked(compared), "open"
    elif still.above and border.above:
        short, mark = "the surroundings tell it classes, and it needs them", "note"
    elif still.above:
        short, mark = "the surroundings alone tell it some classes", "note"
    elif border.above:
        short, mark = "it needs what lies around the middle", "note"
    else:
        short, mark = "not shown", "open"
    return Verdict("background", title, _mark(mark), short, " ".join(parts))


def shortcuts(seen: DataLook, compared: Mapping[str, Compared]) -> Verdict:
    """Whether properties of the files tell the label."""
    title = "Do the files give the labels away?"
    if isinstance(seen.hints, str):
        return Verdict("shortcuts", title, "open", "cannot be said", f"Too little to say it: {seen.hints}.")
    usual = next(iter(seen.hints.values())).usual
    telling = [name for name in seen.hints if compared[f"label from {name}"].above]
    said = [
        f"{name} {percent(one.accuracy.value)} {ends(one.accuracy.interval(of_accuracy=True))}"
        for name, one in seen.hints.items()
    ]
    words = (
        f"The label of {seen.hinted:,} videos, told from a property of the file by videos of other groups: {'; '.join(said)}. "
        f"Always saying the most frequent class: {percent(usual)}."
    )
    if telling:
        return Verdict(
            "shortcuts",
            title,
            "bad",
            f"yes: {', '.join(telling)}",
            f"{words} A network may learn these instead of the action.",
        )
    return Verdict("shortcuts", title, "open", "none shown", f"{words} None can be separated from that.")


def data(seen: DataLook, has_training: bool) -> Verdict:
    """What the doctor found."""
    kinds = seen.kinds
    spoilt = {name: kinds[name] for name in SPOIL if kinds[name]}
    found = ", ".join(
        f"{name} {number:,} ({meaning(name).removeprefix(': ')})" for name, number in kinds.items()
    )
    some = "all" if len(seen.looked) == seen.of else f"{len(seen.looked):,} of"
    words = f"The doctor looked at {some} {seen.of:,} videos: {found or 'nothing found'}. Verdict: {seen.survey.verdict}."
    if not has_training:
        words += " Leaks from the model's training cannot be seen: no training videos are among these data."
    if "leak" in spoilt:
        return Verdict(
            "data", "Are the data sound?", "bad", f"{spoilt['leak']} leaks across the split", words
        )
    if spoilt:
        return Verdict(
            "data",
            "Are the data sound?",
            "bad",
            ", ".join(f"{number} {name}" for name, number in spoilt.items()),
            words,
        )
    return Verdict("data", "Are the data sound?", "note" if kinds else "good", seen.survey.verdict, words)


def _unasked(compared: Mapping[str, Compared]) -> str:
    """Why nothing can rest on the clean accuracy."""
    return f"cannot be asked: {'no interval' if compared['above chance'].is_open else 'not told from chance'}"


def _mark(word: str) -> Mark:
    marks: dict[str, Mark] = {"good": "good", "bad": "bad", "open": "open", "note": "note"}
    return marks[word]
