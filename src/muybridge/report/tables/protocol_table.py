"""The transfer protocols of a report: what each hash stands for, and what tells it from the others of its stage."""

from collections import defaultdict
from collections.abc import Collection, Mapping

from muybridge.core.text.plurals import listed
from muybridge.report.gather.collect import Gathered
from muybridge.report.gather.same_protocol import protocol_of
from muybridge.report.tables.table import Cell, Column, Table, count, text

UNSAID = ("hash", "name", "kind", "selection")


def protocol_table(all_of: Gathered, stages: Collection[str]) -> Table | None:
    """One row per protocol of some stages; None where no run says its own."""
    told: dict[tuple[str, str], dict[str, object]] = {}
    runs: dict[tuple[str, str], int] = defaultdict(int)
    for run in all_of.runs:
        facts = protocol_of(run)
        if run.stage in stages and facts.get("hash"):
            key = (run.stage, str(facts["hash"]))
            told[key], runs[key] = facts, runs[key] + 1
    if not told:
        return None
    columns = [
        Column("stage"),
        Column("protocol"),
        Column("clips"),
        Column("chosen by"),
        Column("differs in"),
        Column("runs", True),
    ]
    rows = [
        [
            text(stage), Cell(code[:6], sort=code, kind="code", title=code), text(clip_words(told[stage, code].get("clips"))),
            text(str(told[stage, code].get("selection", "not told"))), text(_difference(stage, code, told)), count(runs[stage, code]),
        ]
        for stage, code in sorted(told)
    ]  # fmt: skip
    notes = [
        "Equal in protocol: everything but data, labels' names, seed, fold and what training starts from."
    ]
    legend = "How clips are cut (frames x stride, views in time x space, side of the crop in pixels) and what chose the settings."
    return Table("protocols", "Transfer protocols", columns, rows, notes, legend=legend)


def clip_words(clips: object) -> str:
    """``"8 x3, 10x1 views, 32 px"``: frames and stride, temporal and spatial views, crop."""
    if not isinstance(clips, Mapping):
        return "not told"
    one = defaultdict(lambda: "?", clips)
    how = f"x{one['stride']}" if clips.get("sampling", "dense") == "dense" else clips["sampling"]
    rate = f" at {one['fps']:g} fps" if clips.get("fps") else ""
    return f"{one['frames']} {how}{rate}, {one['temporal']}x{one['spatial']} views, {one['crop']} px"


def _difference(stage: str, code: str, told: Mapping[tuple[str, str], Mapping[str, object]]) -> str:
    """Values of the fields in which the protocols of a stage differ."""
    flat = {other: flattened(facts) for (kind, other), facts in told.items() if kind == stage}
    names = list(dict.fromkeys(name for facts in flat.values() for name in facts))
    differ = [name for name in names if len({str(facts.get(name)) for facts in flat.values()}) > 1]
    return (
        ", ".join(f"{name} {_shown(flat[code].get(name))}" for name in differ) or "the only one of its stage"
    )


def flattened(facts: Mapping[str, object]) -> dict[str, object]:
    """Fields of a protocol by name, nested ones beside the others; without those that only name it."""
    flat: dict[str, object] = {}
    for name, value in facts.items():
        if isinstance(value, Mapping):
            flat |= flattened(value)
        elif name not in UNSAID:
            flat[name] = value
    return flat


def _shown(value: object) -> str:
    if isinstance(value, list):
        return listed([str(one) for one in value]) or "none"
    return "none" if value is None else str(value)
