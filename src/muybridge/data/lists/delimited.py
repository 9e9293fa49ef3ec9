"""Text tables of any separator: which one it is, whether the first line names columns, and the fields of every line.

Nothing is believed of the file's suffix: a separator is taken because the first line then has known names, or because every line then has
a field that is a video. Fields of a table apart by blanks are split behind the path, since names and labels may hold blanks.
"""

import csv
import io
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, repeat
from pathlib import Path

from muybridge.core.errors import UsageError
from muybridge.data.decode.video import VIDEO_SUFFIXES, is_video
from muybridge.data.lists.file_places import Lookup

BLANK = " "
WORDS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars", BLANK: "blanks"}
PATH_COLUMNS = (
    *("path", "video", "file_name", "file", "filename", "video_path", "filepath", "file_path"),
    *("videopath", "video_name", "videoname", "video_file", "clip", "clip_path", "clip_name", "vid_name"),
    *("name", "youtube_id", "video_id", "ytid", "yt_id", "vid", "id"),
)
"""Names that a column of paths goes by, the surest first, as ``spelling`` writes them."""
SAMPLE = 200
"""Lines by which a separator is chosen."""
_SUFFIXES = "|".join(re.escape(suffix) for suffix in sorted(VIDEO_SUFFIXES, key=len, reverse=True))
_ENDS = tuple(VIDEO_SUFFIXES)
_BEHIND = r"(?:#stream=\d+)?(?:#(?:t|frames)=[\d.]*(?:,[\d.]+)?)?"
_PATH = re.compile(rf"(.*?(?:{_SUFFIXES}){_BEHIND})(?:[ \t]+(.*))?", re.IGNORECASE)
_QUOTED = re.compile(r"""(?:"((?:[^"]|"")*)"|'([^']*)')(?:[ \t]+(.*))?""")
_WORD = re.compile(r'"((?:[^"]|"")*)"(?=\s|$)|(\S+)')
_NUMBERED = re.compile(rf"\d+\s+\S.*(?:{_SUFFIXES})", re.IGNORECASE)
_OTHER_BLANKS = re.compile(r"[\x0b\x0c\x1c-\x1f]")
_NUMBERS = re.compile(r"[+-]?\d+(?:\.\d+)?(?:[\s,;]+[+-]?\d+(?:\.\d+)?)+")
_NUMBERED_WORDS = re.compile(r"((?:[+-]?\d+(?:\.\d+)?\s+)+)(\D.*)")

Numbered = list[tuple[int, list[str]]]
Fields = tuple[Sequence[int], list[list[str]]]


@dataclass(frozen=True)
class Table:
    """Columns, the numbers of the lines, and the fields of each column; ``comments`` counts what was left out."""

    columns: list[str]
    numbers: Sequence[int]
    fields: list[list[str]]
    comments: int


def spelling(name: str) -> str:
    """A column's name as names are compared: without capitals, blanks and hyphens."""
    return re.sub(r"[\s-]+", "_", name.strip()).casefold()


def parse(source: Path, text: str, usual: str, known: Collection[str], lookup: Lookup) -> Table:
    """Read a table.

    Args:
        source: the file, for messages.
        text: with line feeds between its lines.
        usual: separator of files with this suffix; decides where several would do.
        known: column names, as ``spelling`` writes them.
        lookup: what names lead to.

    Raises:
        UsageError: neither names of columns nor videos are found, or a line has another number of fields.
    """
    text, comments = _without_comments(text, known, lookup)
    sample = [line for line in islice(_lines(text), 50 * SAMPLE) if line.strip()][:SAMPLE]
    if not sample:
        return Table([], [], [], comments)
    order = list(dict.fromkeys((usual, ",", ";", "\t", BLANK, "|")))
    titled = _title(sample[0], order, known, lookup)
    if titled:
        separator, columns = titled
        _check_once(source, columns)
    else:
        separator, columns = _untitled(source, sample, order, lookup)
    found = _even(text, separator, columns, titled is not None)
    if found is None:
        lines = _fields(source, text, separator, columns, lookup)
        rows = [line for line in lines if any(cell.strip() for cell in line[1])][bool(titled) :]
        _check_widths(source, rows, separator, columns, titled is not None)
        fields = [[cells[i] if i < len(cells) else "" for _, cells in rows] for i in range(len(columns))]
        found = [at for at, _ in rows], fields
    if not titled:
        _check_meant(source, *found, columns, separator)
    return Table(columns, *found, comments)


def _lines(text: str) -> Iterator[str]:
    """Lines of a text, one after the other."""
    begins = 0
    while (end := text.find("\n", begins)) >= 0:
        yield text[begins:end]
        begins = end + 1
    yield text[begins:]


def _even(text: str, separator: str, columns: Sequence[str], titled: bool) -> Fields | None:
    """Numbers of the lines, and the fields of each column; None where a line needs a closer look.

    Most lists need none, and may have a million lines: no quotes, and the same number of fields in every line, of which, where they are
    apart by blanks, the first is a video.
    """
    width, lines = len(columns), text.removesuffix("\n").split("\n")
    if '"' in text or len(max(lines, key=len)) > csv.field_size_limit():
        return None
    numbers: Sequence[int] = range(1, 1 + len(lines))
    if not all(map(str.strip, lines)):
        numbers = [at for at, line in zip(numbers, lines, strict=True) if line.strip()]
        lines = [line for line in lines if line.strip()]
    fields = (
        _blank_fields(lines, columns, titled) if separator == BLANK else _sign_fields(lines, separator, width)
    )
    return (numbers[titled:], [one[titled:] for one in fields]) if fields else None


def _sign_fields(lines: Sequence[str], separator: str, width: int) -> list[list[str]] | None:
    if set(map(str.count, lines, repeat(separator))) != {width - 1}:
        return None
    cells = separator.join(lines).split(separator)
    fields = [cells[place::width] for place in range(width)]
    return (
        fields if all(map(str.strip, fields[0])) else None
    )  # else a line may be empty between its separators


def _blank_fields(lines: Sequence[str], columns: Sequence[str], titled: bool) -> list[list[str]] | None:
    width, text = len(columns), "\n".join(lines)
    if width == 1:
        return [list(map(str.strip, lines))]
    if "'" in text or not text.isascii() or _OTHER_BLANKS.search(text) or _path_place(columns):
        return None
    cells = text.split()
    if len(cells) != width * len(lines) or set(map(len, map(str.split, lines))) != {width}:
        return None
    fields = [cells[place::width] for place in range(width)]
    return fields if all(one.lower().endswith(_ENDS) for one in fields[0][titled:]) else None


def _is_video(name: str) -> bool:
    """Whether a field ends in a video suffix, or in one with a stream and a segment of the video behind it."""
    return is_video(re.sub(rf"{_BEHIND}$", "", name, count=1) if "#" in name else name)


def _title(
    line: str, order: Sequence[str], known: Collection[str], lookup: Lookup
) -> tuple[str, list[str]] | None:
    """Separator and columns, where a line names columns."""
    found = []
    for place, separator in enumerate(order):
        names = _split(line, separator)
        usual = sum(spelling(name) in known for name in names)
        if usual and not any(_is_video(name) for name in names):
            splits = separator != BLANK and len(names) > 1  # tabs are blanks too
            found.append((usual, splits, -place, separator, [name.strip() for name in names]))
    if not found:
        return None
    *_, separator, names = max(found)
    return None if any(name and lookup.exists(name) for name in names) else (separator, names)


def _split(line: str, separator: str) -> list[str]:
    if separator == BLANK:
        return _words(line)
    try:
        return next(csv.reader([line], delimiter=separator, skipinitialspace=True), [])
    except csv.Error:
        return []


def _words(line: str) -> list[str]:
    return [quoted.replace('""', '"') or word for quoted, word in _WORD.findall(line)]


def _untitled(
    source: Path, sample: Sequence[str], order: Sequence[str], lookup: Lookup
) -> tuple[str, list[str]]:
    """Separator and columns (``path`` and ``label``, in their order) of a table without names."""
    behind = [_path_behind(line, lookup) for line in sample]
    segment = re.compile(rf"({_SUFFIXES}){_BEHIND}", re.IGNORECASE)
    sample = [segment.sub(r"\1", line) for line in sample]  # the comma in a segment parts no fields
    if all("\t" in line for line in sample):
        order = [one for one in order if one != BLANK]
    elif any(behind) and not any(lookup.exists(line.strip()) for line in sample):
        return BLANK, ["label", "path"]
    elif all(_NUMBERED.fullmatch(line.strip()) for line in sample) and not any(
        lookup.exists(line.strip()) for line in sample
    ):
        raise _unclear(
            source, sample[0], "is either a label and a path or a name with a blank, and neither is there"
        )
    for looks in (_is_video, lookup.leads):
        scores = {separator: _score(sample, separator, looks, lookup) for separator in order}
        best = max(order, key=lambda one: scores[one][0])
        score, width, place = scores[best]
        if score:
            break
    else:
        if all(len(_split(sample[0], one)) == 1 for one in order):
            return order[0], ["path"]
        raise _unclear(
            source,
            sample[0],
            "has no known column name, and no field that ends in a video suffix or leads to a file",
        )
    if width > 2:
        said = ", ".join(repr(cell) for cell in _split(sample[0], best))
        raise UsageError(
            f"{source}, line 1: {width} fields for the columns path, label, apart by {WORDS[best]}: {said:.200}."
            " Name all columns in the first line, as path,label,split or path,start,end,label."
        )
    cells = _cells(sample[0], best, lookup)
    if place >= len(cells) or not looks(cells[place].strip()):
        raise _unclear(
            source, sample[0], "has no video and no known column name, and other lines have videos"
        )
    return best, [["path"], ["path", "label"], ["label", "path"]][width - 1 + place]


def _path_behind(line: str, lookup: Lookup) -> str:
    """The longest end of a line that is a file and has a blank before it; empty where there is none."""
    if not _is_video(line.strip().strip('"')):
        return ""
    words = _words(line) if '"' in line else []
    if words:
        return words[1] if len(words) == 2 and not lookup.exists(words[0]) and lookup.exists(words[1]) else ""
    starts = (match.end() for match in re.finditer(r"\s+", line.strip()))
    return next((line.strip()[at:] for at in starts if lookup.exists(line.strip()[at:])), "")


def _unclear(source: Path, line: str, what: str) -> UsageError:
    return UsageError(
        f"{source}, line 1: {line!r:.120} {what}. If it names the columns, call that of the videos path; if it names a video, write the"
        " names of the columns above it, as path,label, and say with --root where the paths start."
    )


def _cells(line: str, separator: str, lookup: Lookup) -> list[str]:
    return _blanks(line, 2, 0, lookup) if separator == BLANK else _split(line, separator)


def _score(
    sample: Sequence[str], separator: str, looks: Callable[[str], bool], lookup: Lookup
) -> tuple[int, int, int]:
    """In how many lines a separator leaves a field that is a path (twice, less one where it splits nothing), fields, place of the path."""
    rows = [_cells(line, separator, lookup) for line in sample]
    width = max(map(len, rows)) if separator == BLANK else len(rows[0])
    places = Counter(i for row in rows for i, cell in enumerate(row) if looks(cell.strip()))
    place, number = places.most_common(1)[0] if places else (0, 0)
    return (2 * number - (width == 1), max(1, width), place) if number else (0, width, 0)


def _blanks(line: str, width: int, place: int, lookup: Lookup) -> list[str]:
    """Fields of a line apart by blanks: the path first or last, a label with blanks behind it, quotes around either."""
    line = line.strip()
    if width == 1:
        return [_unquoted(line)]
    if place and place == width - 1 and '"' not in line:
        path = _path_behind(line, lookup) if width == 2 else ""
        return [line[: -len(path)].strip(), path] if path else line.split()
    if place:
        return _words(line)
    if width == 2 and '"' not in line and "'" not in line:
        words = line.split()
        if len(words) == 2 and words[0].lower().endswith(_ENDS):
            return words  # the usual line, without a search
    quoted = _QUOTED.fullmatch(line)
    match = quoted or _PATH.fullmatch(line)
    if match:
        path = (quoted[1].replace('""', '"') if quoted[1] is not None else quoted[2]) if quoted else match[1]
        rest = match[match.re.groups] or ""
    else:
        words = line.split()
        ends = [" ".join(words[:n]) for n in range(1, len(words))]
        path = next((end for end in ends if lookup.leads(end)), ends[-1] if ends and width == 2 else words[0])
        rest = line[len(path) :].strip()
    if not rest:
        return [path]
    return [path, _unquoted(rest)] if width == 2 else [path, *_words(rest)]


def _unquoted(text: str) -> str:
    inside = re.fullmatch(r'"((?:[^"]|"")*)"', text)
    return inside[1].replace('""', '"') if inside else text


def _fields(
    source: Path, text: str, separator: str, columns: Sequence[str], lookup: Lookup
) -> Iterator[tuple[int, list[str]]]:
    if separator == BLANK:
        place = _path_place(columns)
        for at, line in enumerate(text.split("\n"), 1):
            if line.strip():
                yield at, _blanks(line, len(columns), place, lookup)
        return
    reader = csv.reader(io.StringIO(text), delimiter=separator, strict=True, skipinitialspace=True)
    begins = 1
    try:
        for cells in reader:
            yield begins, cells
            begins = reader.line_num + 1
    except csv.Error as error:
        raise UsageError(
            f"{source}, line {begins}: not a table ({error}): a quote opens there and does not close where its field ends."
            " Close it, or write it twice where it is part of a name."
        ) from error


def _path_place(columns: Sequence[str]) -> int:
    spelt = [spelling(name) for name in columns]
    return next((spelt.index(name) for name in PATH_COLUMNS if name in spelt), 0)


def _check_widths(source: Path, rows: Numbered, separator: str, columns: Sequence[str], titled: bool) -> None:
    width = len(columns)
    for at, cells in rows:
        if len(cells) == width:
            continue
        short = len(cells) < width and (separator != BLANK or (titled and len(cells) > 1))
        if short or any(cell.strip() for cell in cells[width:]):
            raise UsageError(
                f"{source}, line {at}: {len(cells)} fields for the columns {', '.join(columns):.400}, apart by {WORDS[separator]}."
                f" Name all columns in the first line, and put quotes around names that hold {separator!r}."
            )


def _check_meant(
    source: Path, numbers: Sequence[int], fields: list[list[str]], columns: Sequence[str], separator: str
) -> None:
    """Refuse what a table without names leaves open: several numbers behind a path, numbers that count the lines, comments in a line."""
    if len(columns) < 2:
        return
    place = columns.index("label")
    counted = [label.strip() for label in fields[place]]
    labels = [label for label in dict.fromkeys(counted) if label]  # in the order in which they come
    for label in labels:  # to find its line is a search through the list, so for a message only
        if _NUMBERS.fullmatch(label):
            raise UsageError(
                f"{source}, line {numbers[counted.index(label)]}: behind the path stand several numbers, {label!r:.80}. One class per"
                " video is read, not several. If they are a start, an end and a label, say so in the first line: path start end label, or"
                " path start_frame end_frame label."
            )
        if separator == BLANK and re.search(r"\s#", label):
            raise UsageError(
                f"{source}, line {numbers[counted.index(label)]}: the label {label!r:.80} holds a #. Give a comment a line of its own;"
                " put quotes around a label with #."
            )
    words = [match for label in labels if separator == BLANK and (match := _NUMBERED_WORDS.fullmatch(label))]
    if words and len(words) == len(labels):
        classes = {match[2] for match in words}
        if len(classes) < len(words) or all(len(match[1].split()) > 1 for match in words):
            raise UsageError(
                f"{source}, line 1: behind the paths stand numbers and words, {labels[0]!r:.80}. Name all columns in the first line:"
                " path start end label, or path label where the numbers belong to the label."
            )
    if place == 0 and len(counted) > 1 and counted in ([str(i + n) for i in range(len(counted))] for n in (0, 1)):  # fmt: skip
        raise UsageError(
            f"{source}, line 1: the first column counts the lines, so it is no label. Name the columns in the first line, as ,path or"
            " label,path."
        )


def _check_once(source: Path, columns: Sequence[str]) -> None:
    twice = [name for name, count in Counter(columns).items() if count > 1 and name]
    if twice:
        raise UsageError(f"{source}, line 1: two columns are called {twice[0]!r:.200}. Rename one.")


def _without_comments(text: str, known: Collection[str], lookup: Lookup) -> tuple[str, int]:
    """The text with empty lines where comments stood, and their number; ``# path label`` in front names columns."""
    if not text.startswith("#") and "\n#" not in text and not re.search(r"^\s+#", text, re.MULTILINE):
        return text, 0
    lines, comments, inside, begun = text.split("\n"), 0, False, False
    for i, line in enumerate(lines):
        bare = line.strip()
        if bare.startswith("#") and not inside and _is_comment(bare, lookup):
            names = [name for name in re.split(r"[\s,;]+", bare.lstrip("# ")) if name]
            title = not begun and len(names) > 1 and all(spelling(name) in known for name in names)
            lines[i], comments, begun = (bare.lstrip("# ") if title else ""), comments + (not title), begun or title  # fmt: skip
            continue
        begun = begun or bool(bare)
        inside ^= line.count('"') % 2 == 1
    return "\n".join(lines), comments


def _is_comment(line: str, lookup: Lookup) -> bool:
    """Whether a line that begins with ``#`` is a comment and no video of such a name."""
    ends = [line, re.split(r"[,;\t]", line)[0], *(match[1] for match in (_PATH.fullmatch(line),) if match)]
    if any(lookup.exists(end) for end in ends):
        return False
    if line[1:2] in ("", " ", "\t", "#", "!"):
        return True
    return any(lookup.exists(end[1:]) for end in ends) or not any(_is_video(end) for end in ends)
