"""Which perturbations change the labels of which data set: by construction of the embedded ones, as tables for others."""

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

from muybridge.core.errors import UsageError
from muybridge.core.files import open_plain
from muybridge.core.label_changes import FLIP, NONE, REVERSAL, Change, rows_as_changes
from muybridge.data.sets.builtin_render import MOTIONS, partner

SSV2 = Path(__file__).with_name("ssv2_changes.csv")
"""Kinds of Something-Something's classes: judged from their names, since the authors' own list was not at hand."""
LARGEST = 1 << 24
"""Bytes that a table of changes may have."""

_TURNED = {
    "move-right": "move-up",
    "move-up": "move-left",
    "move-left": "move-down",
    "move-down": "move-right",
}
_SIDES = ("move-right", "move-left", "rotate-clockwise", "rotate-counterclockwise")
_TURNS = dict.fromkeys(("rotate-clockwise", "rotate-counterclockwise"), NONE)
BUILTIN: tuple[Change, ...] = (
    Change(REVERSAL, {motion: partner(motion) for motion in MOTIONS}),
    Change(FLIP, {motion: partner(motion) for motion in _SIDES}),
    Change("static_rotation", dict.fromkeys(_TURNED, NONE), (4,)),
    Change("static_rotation", _TURNED, (5,)),
    Change("random_rotation", _TURNS, (4, 5)),
    Change("translation", dict.fromkeys(_TURNED, NONE), (5,)),
)
"""Of the embedded motions. Turned by 45 degrees a move lies between two classes, by 90 it is the next one. On the smooth paths of
muybridge-1 a camera that swings by 25 or 31 degrees turns the sense of a rotation (31 to 52 degrees) in 12 and 20 % of clips, by 19
degrees in 3 %; one that shifts by 18 % of the frame makes another move of a move (27 to 45 %) in 15 % of clips, by 14 % in 5 %. A class is
kept where 90 % of its clips still show it. The jumping cameras of other profiles turn fewer; what is declared is the same for all."""


def scenes(pairs: Mapping[str, tuple[str, str]]) -> tuple[Change, ...]:
    """The same for classes that are an object and a motion.

    Args:
        pairs: object and motion of each class.
    """
    named = {pair: name for name, pair in pairs.items()}
    return tuple(
        Change(
            change.type,
            {
                name: named.get((object_, change.becomes[motion]), NONE)
                for name, (object_, motion) in pairs.items()
                if motion in change.becomes
            },
            change.severities,
        )
        for change in BUILTIN
    )


def ssv2(classes: Sequence[str]) -> tuple[Change, ...]:
    """Of Something-Something V2, or of some of its classes: those that are not among them are no partner either."""
    known = read(SSV2, None)
    return tuple(
        Change(
            change.type,
            {name: to if to in classes else NONE for name, to in change.becomes.items() if name in classes},
            change.severities,
        )
        for change in known
    )


def read(path: Path, classes: Sequence[str] | None) -> tuple[Change, ...]:
    """Changes in a csv file (``core.label_changes.rows_as_changes``).

    Args:
        path: of the file.
        classes: of the data set; None to take those that the file names.

    Raises:
        UsageError: it cannot be read, or is no such table.
    """
    try:
        with open_plain(path, LARGEST) as file:
            text = file.read().decode("utf-8-sig")
        reader = csv.DictReader(io.StringIO(text), strict=True, restval="")
        rows = [(reader.line_num, {str(key): str(value) for key, value in row.items()}) for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UsageError(
            f"--label-changing {path}: cannot be read ({str(error)[:200]}). Wanted a csv file with the columns perturbation,class,becomes."
        ) from error
    if not rows:
        raise UsageError(
            f"--label-changing {path}: no lines. Wanted perturbation,class,becomes and a line for each class that changes."
        )
    if classes is None:
        classes = [word for _, row in rows for word in (row["class"], row["becomes"]) if word]
    return rows_as_changes(rows, classes, str(path))
