"""``muybridge data``: look at videos, decode them ahead, choose some, show some."""

from abc import abstractmethod
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from muybridge.cli.flags import Group, Options, Words
from muybridge.core.errors import UsageError
from muybridge.core.text.plurals import counted, inflected
from muybridge.core.text.terminal import lines, print_json, visible, width

if TYPE_CHECKING:
    from muybridge.data.doctor.examine import Survey
    from muybridge.data.index import Dataset

ABOUT = "Look at videos before you train on them. DATA is a folder, a list or a name of `muybridge list datasets`."
SHOWN = 20


@dataclass(frozen=True, kw_only=True)
class OfData(Options):
    """What every command has that looks at videos."""

    data: Annotated[Words, tyro.conf.arg(metavar="DATA...")] = ()
    """folders, lists or names of `muybridge list datasets`"""
    label: str | None = None
    """label column of a list"""
    group: str | None = None
    """group column of a list, or /PATTERN/: what it finds in a video's name is its group"""
    root: str | None = None
    """folder that paths start from, or that holds the official files of a named set"""
    stream: int | None = None
    """video stream that is read of files with several, from 0; FFmpeg's choice when not given"""
    allow_links: bool = False
    """read what links out of DATA lead to"""

    def run(self) -> int:
        """Load the videos' list and act; 1 where the doctor found broken or leaking videos.

        Raises:
            UsageError: no such data.
        """
        if not self.data:
            raise UsageError("data: required: data, a folder, a list or a name of `muybridge list datasets`.")
        return self.act(self.load(self.group))

    def load(self, group: str | None) -> "Dataset":
        """The videos, grouped by a column or a pattern."""
        from muybridge.data import sources

        return sources.load(
            self.data,
            label=self.label,
            group=group,
            root=self.root,
            allow_links=self.allow_links,
            stream=self.stream,
        )

    @abstractmethod
    def act(self, dataset: "Dataset") -> int:
        """Do it with the data set."""


@dataclass(frozen=True, kw_only=True)
class Doctor(OfData):
    """Decode everything once: broken, short, odd, copied, leaking, missing and extra videos; kept for the next look."""

    short: int = 16
    """report videos with fewer frames"""
    workers: int = 0
    """processes; 0 means one for each physical core"""
    json: bool = False
    """print everything as JSON"""
    html: Path | None = None
    """page to write, with pictures of what was found"""

    def act(self, dataset: "Dataset") -> int:
        """Report what is wrong with the set."""
        from muybridge.core.machine.cores import worker_count
        from muybridge.core.text.screen import screen
        from muybridge.data.doctor import summary
        from muybridge.data.doctor.examine import SPOIL, survey
        from muybridge.data.lists.name_groups import suggestions

        with screen() as bars:
            found = survey(
                dataset, short=self.short, workers=worker_count(self.workers), progress=bars.update
            )
        suggested = suggestions(
            dataset, lambda name: {record.id: record.group for record in self.load(name).records}
        )
        told = summary.facts(dataset, found, suggested)
        if self.html:
            from muybridge.api.data_page import write_page

            write_page(self.html, dataset, found, told)
        if self.json:
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
            if self.html:
                print(f"\npage: {self.html.absolute()}")
        return int(any(finding.kind in SPOIL for finding in found.findings))


def _print(dataset: "Dataset", found: "Survey", told: Mapping[str, str]) -> None:
    from muybridge.data.doctor import summary

    print(
        f"{dataset.name}: {counted(found.videos, 'video')}, {found.frames:,} frames, {counted(len(dataset.classes), 'class')}"
    )
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


@dataclass(frozen=True, kw_only=True)
class Prepare(OfData):
    """Build the decoded cache that training reads now."""

    size: int = 128
    """side of the decoded frames, pixels"""
    workers: int = 0
    """processes; 0 means one for each physical core"""
    allow_broken: bool = False
    """go on although more than 1 % are broken"""

    def act(self, dataset: "Dataset") -> int:
        """Decode every video."""
        from muybridge.core.machine.cores import worker_count
        from muybridge.core.text.screen import screen
        from muybridge.studies.study import decode

        if self.size < 1:
            raise UsageError(f"--size {self.size}: wanted at least 1.")
        with screen() as bars:
            decode(dataset.records, self.size, worker_count(self.workers), bars, self.allow_broken)
        print(
            f"{dataset.name}: {counted(len(dataset), 'video')} {inflected(len(dataset), 'is')} ready at {self.size} pixels"
        )
        return 0


@dataclass(frozen=True, kw_only=True)
class Subset(OfData):
    """Write a list of some videos; smaller subsets of one seed lie inside larger ones."""

    out: Path
    """list to write (csv)"""
    number: str | None = None
    """videos in all, or a share such as 0.1, balanced over the classes"""
    per_class: int | None = None
    """videos of each class"""
    split: str | None = None
    """take only videos of this split"""
    seed: int = 0
    """other seeds choose other videos"""

    def act(self, dataset: "Dataset") -> int:
        """Write the list."""
        from muybridge.core.files import atomic
        from muybridge.core.text.csv_text import list_text
        from muybridge.data.index import TOPPED_UP, balanced, few, top_ups

        if (self.number is None) == (self.per_class is None):
            raise UsageError("muybridge data subset: wanted --number N or --per-class N.")
        records = [r for r in dataset.records if self.split in (None, r.split) and r.label >= 0] or [
            r for r in dataset.records if self.split in (None, r.split)
        ]
        extra = set()
        if self.per_class is not None:
            chosen = few(records, self.per_class, self.seed)
        else:
            chosen = balanced(records, _number(str(self.number), len(records)), self.seed)
            extra = set(top_ups(chosen, len({r.label for r in records}), self.seed))
        with atomic(self.out) as file:
            names = [*dataset.classes, ""]
            rows = [
                (str(r.video), names[r.label], r.split, r.group, "yes" if r in extra else "") for r in chosen
            ]
            file.write(list_text(("path", "label", "split", "group", "topped_up"), rows))
        sizes = Counter(record.label for record in chosen).values()
        each = f"{min(sizes)} to {max(sizes)}" if min(sizes) < max(sizes) else f"{min(sizes)}"
        print(
            f"{self.out}: {counted(len(chosen), 'video')}, {each} of each of {counted(len(sizes), 'class')}"
        )
        if extra:
            print(f"note: {counted(len(extra), 'video')}: {TOPPED_UP}")
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


@dataclass(frozen=True, kw_only=True)
class Preview(OfData):
    """Write a contact sheet: four frames of some videos of every class."""

    out: Path
    """picture to write (png)"""
    number: int = 24
    """videos shown"""

    def act(self, dataset: "Dataset") -> int:
        """Draw it."""
        from muybridge.data.doctor.preview import sheet
        from muybridge.data.index import balanced

        if self.number < 1:
            raise UsageError(f"--number {self.number}: wanted at least 1.")
        broken = sheet(balanced(dataset.records, self.number, 0), dataset.classes, self.out)
        print(
            f"{self.out}: {counted(min(self.number, len(dataset)), 'video')}"
            + (f", {broken} of them broken" if broken else "")
        )
        return 0


DATA = Group("data", ABOUT, {"doctor": Doctor, "prepare": Prepare, "subset": Subset, "preview": Preview})
