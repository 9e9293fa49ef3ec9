"""``muybridge data``: look at videos, decode them ahead, choose some, show some."""

import argparse
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from muybridge.cli.words import Words
from muybridge.core.catalogue import suggestion
from muybridge.core.errors import UsageError
from muybridge.core.text.terminal import lines, print_json, visible, width
from muybridge.data.doctor import summary

USAGE = """usage: muybridge data ACTION DATA [OPTIONS]

  doctor    decode everything once: broken, short, odd, copied, leaking, missing and extra videos; kept for the next look
  prepare   build the decoded cache now (--size), with its cost said before
  subset    write a list of some videos: --number N (balanced, smaller ones inside larger ones) or --per-class N
  preview   write a contact sheet of frames: --out sheet.png

DATA is a folder, a list or a name of `muybridge list datasets`. `muybridge data ACTION --help` shows the options.
"""
SHOWN = 20


def run(words: list[str]) -> int:
    """Run one action; returns the exit code, 1 where the doctor found broken or leaking videos."""
    if not words or words[0] in ("-h", "--help"):
        print(USAGE, end="")
        return 0
    if words[0] not in ACTIONS:
        raise UsageError(
            f"data has no {words[0]!r}.{suggestion(words[0], ACTIONS)} Known: {', '.join(ACTIONS)}."
        )
    add, act = ACTIONS[words[0]]
    parser = Words(prog=f"muybridge data {words[0]}", description=act.__doc__)
    parser.add_argument("data", nargs="+", help="a folder, a list or a name of `muybridge list datasets`")
    for name, meaning in (
        ("label", "label column of a list"),
        ("group", "group column of a list, or /PATTERN/: what it finds in a video's name is its group"),
        ("root", "folder that paths start from, or that holds the official files of a named set"),
    ):
        parser.add_argument(f"--{name}", help=meaning)
    parser.add_argument(
        "--stream",
        type=int,
        help="video stream that is read of files with several, from 0 (default FFmpeg's choice)",
    )
    parser.add_argument("--allow-links", action="store_true", help="read what links out of DATA lead to")
    add(parser)
    options = parser.parse_args(words[1:])
    return act(options, _load(options, options.group))


def _load(options: Any, group: str | None) -> Any:
    from muybridge.data import sources

    return sources.load(
        options.data,
        label=options.label,
        group=group,
        root=options.root,
        allow_links=options.allow_links,
        stream=options.stream,
    )


def _doctor_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--short", type=int, default=16, help="report videos with fewer frames (default 16)")
    parser.add_argument("--workers", type=int, default=0, help="processes; 0 means one per core")
    parser.add_argument("--json", action="store_true", help="print everything as JSON")
    parser.add_argument(
        "--html", type=Path, metavar="FILE", help="write a page with pictures of what was found"
    )


def doctor(options: Any, dataset: Any) -> int:
    """Decode every video once and report what is wrong with the set."""
    from muybridge.core.text.screen import screen
    from muybridge.data.doctor.examine import SPOIL, survey
    from muybridge.data.lists.name_groups import suggestions
    from muybridge.studies.study import worker_count

    with screen() as bars:
        found = survey(
            dataset,
            short=options.short,
            workers=worker_count(options.workers),
            progress=bars.update,
        )
    suggested = suggestions(
        dataset, lambda name: {record.id: record.group for record in _load(options, name).records}
    )
    told = summary.facts(dataset, found, suggested)
    if options.html:
        from muybridge.cli.data_page import write_page

        write_page(options.html, dataset, found, told)
    if options.json:
        rows = [vars(finding) for finding in found.findings]
        content = {
            "verdict": found.verdict,
            "videos": found.videos,
            "frames": found.frames,
            **told,
            "suggested_groups": [vars(one) for one in suggested],
            "classes": summary.counts(dataset),
            "fingerprint": found.fingerprint,
            "findings": rows,
        }
        print_json(content | {"notes": list(dataset.notes)})
    else:
        _print(dataset, found, told)
        if options.html:
            print(f"\npage: {options.html.absolute()}")
    return int(any(finding.kind in SPOIL for finding in found.findings))


def _print(dataset: Any, found: Any, told: Mapping[str, str]) -> None:
    print(f"{dataset.name}: {found.videos:,} videos, {found.frames:,} frames, {len(dataset.classes)} classes")
    print(f"verdict: {found.verdict}")
    for name, words in told.items():
        print(visible(f"{name}: {words}"))
    print(f"fingerprint: {found.fingerprint}")
    for note in dataset.notes:
        print(f"note: {note}")
    counts = Counter(finding.kind for finding in found.findings)
    print(f"found: {', '.join(f'{kind} {number:,}' for kind, number in counts.items()) or 'nothing'}")
    print("\n" + "\n".join(lines(summary.columns(dataset), width())))
    for kind in counts:
        rows = [finding for finding in found.findings if finding.kind == kind]
        print(f"\n{kind}{summary.meaning(kind)}")
        for finding in rows[:SHOWN]:
            print(f"  {visible(finding.video)}\n    {visible(finding.detail)}")
        if len(rows) > SHOWN:
            print(f"  and {len(rows) - SHOWN:,} more; --json prints all")


def _prepare_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--size", type=int, default=128, help="side of the decoded frames, pixels (default 128)"
    )
    parser.add_argument("--workers", type=int, default=0, help="processes; 0 means one per core")
    parser.add_argument(
        "--allow-broken", action="store_true", help="go on although more than 1 %% are broken"
    )


def prepare(options: Any, dataset: Any) -> int:
    """Decode every video into the cache that training reads."""
    from muybridge.core.text.screen import screen
    from muybridge.studies.study import decode, worker_count

    if options.size < 1:
        raise UsageError(f"--size {options.size}: wanted at least 1.")
    with screen() as bars:
        decode(dataset.records, options.size, worker_count(options.workers), bars, options.allow_broken)
    print(f"{dataset.name}: {len(dataset):,} videos are ready at {options.size} pixels")
    return 0


def _subset_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--number", help="videos in all, or a share such as 0.1, balanced over the classes")
    parser.add_argument("--per-class", type=int, help="videos of each class")
    parser.add_argument("--split", help="take only videos of this split")
    parser.add_argument("--seed", type=int, default=0, help="other seeds choose other videos (default 0)")
    parser.add_argument("--out", type=Path, required=True, help="list to write (csv)")


def subset(options: Any, dataset: Any) -> int:
    """Write a list of some videos; smaller subsets of one seed lie inside larger ones."""
    from muybridge.core.files import atomic
    from muybridge.core.text.csv_text import list_text
    from muybridge.data.index import TOPPED_UP, balanced, few, top_ups

    if (options.number is None) == (options.per_class is None):
        raise UsageError("muybridge data subset: wanted --number N or --per-class N.")
    records = [r for r in dataset.records if options.split in (None, r.split) and r.label >= 0] or [
        r for r in dataset.records if options.split in (None, r.split)
    ]
    extra = set()
    if options.per_class is not None:
        chosen = few(records, options.per_class, options.seed)
    else:
        chosen = balanced(records, _number(options.number, len(records)), options.seed)
        extra = set(top_ups(chosen, len({r.label for r in records}), options.seed))
    with atomic(options.out) as file:
        names = [*dataset.classes, ""]
        rows = [(str(r.video), names[r.label], r.split, r.group, "yes" if r in extra else "") for r in chosen]
        file.write(list_text(("path", "label", "split", "group", "topped_up"), rows))
    sizes = Counter(record.label for record in chosen).values()
    each = f"{min(sizes)} to {max(sizes)}" if min(sizes) < max(sizes) else f"{min(sizes)}"
    print(f"{options.out}: {len(chosen):,} videos, {each} of each of {len(sizes)} classes")
    if extra:
        print(f"note: {len(extra):,} videos: {TOPPED_UP}")
    return 0


def _number(said: str, total: int) -> int:
    """A number of videos, or a share of them: 0.1 of 500 are 50."""
    try:
        number = round(float(said) * total) if "." in said else int(said)
    except (ValueError, OverflowError):
        number = 0
    if not 0 < number <= total:
        raise UsageError(
            f"--number {said}: wanted 1 to {total}, the videos there are, or a share of them such as 0.1."
        )
    return number


def _preview_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--number", type=int, default=24, help="videos shown (default 24)")
    parser.add_argument("--out", type=Path, required=True, help="picture to write (png)")


def preview(options: Any, dataset: Any) -> int:
    """Write a contact sheet: four frames of some videos of every class."""
    from muybridge.data.doctor.preview import sheet
    from muybridge.data.index import balanced

    if options.number < 1:
        raise UsageError(f"--number {options.number}: wanted at least 1.")
    broken = sheet(balanced(dataset.records, options.number, 0), dataset.classes, options.out)
    print(
        f"{options.out}: {min(options.number, len(dataset))} videos"
        + (f", {broken} of them broken" if broken else "")
    )
    return 0


ACTIONS: dict[str, tuple[Callable[[argparse.ArgumentParser], None], Callable[[Any, Any], int]]] = {
    "doctor": (_doctor_options, doctor),
    "prepare": (_prepare_options, prepare),
    "subset": (_subset_options, subset),
    "preview": (_preview_options, preview),
}
