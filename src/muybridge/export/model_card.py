"""``README.md`` of an exported folder: what the network is, what it learnt from, what is known of it and what is not."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from muybridge import __version__
from muybridge.core.errors import MuybridgeError
from muybridge.export.card_results import CardResult, card_results
from muybridge.export.export_source import Source
from muybridge.runs.contents import snapshots
from muybridge.runs.records import Run

ESCAPED = str.maketrans(
    {character: f"\\{character}" for character in "\\`*_[]|#~"} | {"<": "&lt;", ">": "&gt;", "&": "&amp;"}
)
SHOWN = 50
"""Classes that the card lists; config.json has all."""


def model_card(source: Source, licence: str, difference: float) -> str:
    """The card.

    Args:
        source: the network and its run.
        licence: identifier of the licence of the weights.
        difference: largest difference between the folder, read back, and the network.
    """
    told, facts = source.run.result, source.facts
    results = card_results(source.run)
    parts = [
        _front_matter(source, licence),
        f"# {plain(told.get('summary') or source.run.stage)}",
        plain(f"{source.title}. Exported from a run of Muybridge {__version__}; read back, it differs from the run's network by at "
              f"most {difference:.1e} in its {source.output}."),
        "## Use",
        _use(source),
        "## What goes in and what comes out",
        "\n".join(_contract(facts)),
        "## What it learnt from",
        "\n".join(f"- {plain(name)}: {plain(value)}" for name, value in _learnt(source).items()),
        "## Results",
        _results(results),
        "## Limits",
        "\n".join(f"- {plain(one)}" for one in _limits(source, results)),
        "## Licence",
        plain("unknown: nobody has said under which terms these weights may be used, nor whether those of the videos allow it."
              if licence == "unknown" else f"{licence}, as said by who exported it. The terms of the videos are not known here."),
    ]  # fmt: skip
    return "\n\n".join(parts) + "\n"


def plain(words: object) -> str:
    """Words that mean themselves in Markdown, in one line, as run folders may come from anybody."""
    return " ".join(str(words).translate(ESCAPED).split())


def _front_matter(source: Source, licence: str) -> str:
    kind = "video-classification" if source.facts["classes"] else "feature-extraction"
    library = "transformers" if str(source.facts["backbone"]).startswith("hf:") else "muybridge"
    return "\n".join(["---", f"license: {licence}", f"library_name: {library}", f"pipeline_tag: {kind}", "tags:",
                      "- video", "- muybridge", "---"])  # fmt: skip


def _use(source: Source) -> str:
    lines = ["muybridge probe --init FOLDER --data my/videos"]
    if source.facts["classes"]:
        lines.append("muybridge robustness --model FOLDER --data my/videos")
    if str(source.facts["backbone"]).startswith("hf:"):
        lines.append("muybridge probe --backbone hf:FOLDER --data my/videos")
    return "\n".join(["```", *lines, "```"])


def _contract(facts: Mapping[str, Any]) -> list[str]:
    clip, classes = facts["clip"], facts["classes"]
    inside = not str(facts["backbone"]).startswith("hf:")
    lines = [
        f"- in: float32 frames from 0 to 1, red first, `b 3 {clip['frames']} {clip['crop']} {clip['crop']}`: "
        f"{_picked(clip)}, scaled to a short side of {clip['short_side']} pixels, cut from the middle",
        "- mean and std: applied by the network itself; do not normalise before it" if inside else
        "- mean and std: applied by Muybridge from `preprocessor_config.json`; transformers wants them applied by its processor",
        f"- out: {'logits `b ' + str(len(classes)) + '`' if classes else 'features `b ' + str(facts['dim']) + '`'}",
    ]  # fmt: skip
    if classes:
        more = f" and {len(classes) - SHOWN} more (config.json)" if len(classes) > SHOWN else ""
        lines.append(f"- classes, in this order: {', '.join(map(plain, classes[:SHOWN]))}{more}")
    return lines


def _picked(clip: Mapping[str, Any]) -> str:
    stride = clip["stride"]
    if clip["sampling"] == "uniform":
        return f"the middle frame of each of {clip['frames']} equal parts of the video"
    if stride == 0:
        return "one frame repeated"
    return "consecutive frames" if stride == 1 else f"one of every {stride} frames"


def _learnt(source: Source) -> dict[str, str]:
    """Data, task and budget of the run and of the pretraining that it starts from, as far as they are told."""
    told = source.run.result
    facets = told.get("facets") or {}
    data, budget = told.get("data") or {}, told.get("budget") or {}
    counts = ", ".join(f"{number} {role}" for role, number in (data.get("videos") or {}).items())
    pretext = source.config.get("objective") if source.run.stage == "pretrain" else facets.get("arm")
    found = {
        "stage": source.run.stage,
        "pretext task": pretext,
        "pretrained on": facets.get("source"),
        "data": f"{data.get('name')} ({counts} videos)" if counts else data.get("name"),
        "fingerprint of the data": data.get("fingerprint"),
        "budget": _spent(budget),
        "budget of the pretraining": _spent(_pretraining(source)),
        "seed": source.config.get("seed"),
        "run": f"{source.run.stage}/{source.run.signature}",
    }
    return {name: str(value) for name, value in found.items() if value not in (None, "")}


def _spent(budget: Mapping[str, object]) -> str:
    told = {name: budget.get(name) for name in ("clips", "steps", "epochs")}
    return ", ".join(f"{value:,.0f} {name}" for name, value in told.items() if isinstance(value, int | float))


def _pretraining(source: Source) -> Mapping[str, object]:
    """Budget of the run that this one starts from; nothing where it starts from none, or that is not there any more."""
    begun = Run(Path(snapshots.split(str(source.config.get("init", "")))[0]))
    if begun.stage != "pretrain" or begun.path.parent.parent.name != "runs" or not begun.done:
        return {}
    try:
        budget = begun.result.get("budget")
    except (MuybridgeError, OSError):
        return {}
    return budget if isinstance(budget, dict) else {}


def _results(results: Sequence[CardResult]) -> str:
    if not results:
        return "None: nothing was measured with this network in its folder of runs."
    head = ["| run | measure | value (95 % interval) | chance | test videos |", "|---|---|---|---|--:|"]
    rows = [
        f"| {plain(one.what)} | {plain(one.measure)} | {one.value} | {one.chance or 'not told'} | {one.videos or ''} |"
        for one in results
    ]
    notes = dict.fromkeys(one.caution for one in results if one.caution)
    meaning = (
        "An interval says how far the number would move with other test videos of the same kind: whole source groups are redrawn. It is "
        "that of this network, trained with one seed, and says nothing of how others would come out that are trained alike."
    )
    return "\n".join([*head, *rows]) + "\n\n" + " ".join([meaning, *(f"{plain(note)}." for note in notes)])


def _limits(source: Source, results: Sequence[CardResult]) -> list[str]:
    told = source.run.result
    limits = [
        f"It knows clips cut as above from {(told.get('data') or {}).get('name') or 'its data'}; on other videos, rates and sizes nothing "
        "is known but what stands under Results.",
    ]
    if source.facts["classes"]:
        limits.append(
            "It answers one of its classes whatever it is shown; logits are not calibrated probabilities."
        )
    if not any("perturbation" in one.measure for one in results):
        limits.append(
            "How it stands noise, blur, compression and changes in time was not measured; muybridge robustness measures it."
        )
    if told.get("limited"):
        limits.append(
            "It was trained or tested on a part of the data (--limit); numbers are those of that part."
        )
    if told.get("transductive"):
        limits.append("Its pretraining saw test videos without their labels (transductive).")
    return limits + [str(note) for note in told.get("notes") or []]
