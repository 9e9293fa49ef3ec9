"""Lists of one truth in every way that people write them: separator, header, quotes, columns, paths, comments, ends of lines, encodings."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path

TRUTH = {
    "run/1.mp4": ("run", "train"),
    "run/2.mp4": ("run", "test"),
    "walk/my clip.mp4": ("slow walk", "train"),
    "walk/4.avi": ("slow walk", "test"),
}
SEPARATORS = {"comma": ",", "semicolon": ";", "tab": "\t", "blank": " "}
SUFFIXES = (".csv", ".tsv", ".txt")
COLUMNS = {
    "path": (("path",), ("video",), ("File",)),
    "path label": (("path", "label"), ("video_path", "class"), ("Filename", "Action")),
    "label path": (("label", "path"),),
    "path label split": (("path", "label", "split"), ("file", "cls", "subset")),
    "index path label split": (("", "path", "label", "split"),),
}
PATHS = ("short", "full", "url", "windows", "dotted")
ENCODINGS = ("utf-8", "utf-8-sig", "utf-16")


@dataclass(frozen=True)
class Variant:
    """One way to write the truth; ``header`` is None where no line names the columns."""

    suffix: str
    separator: str
    columns: str
    header: tuple[str, ...] | None
    quoted: bool
    paths: str
    comment: bool
    end: str
    encoding: str

    def text(self, root: Path) -> bytes:
        """The file."""
        sign = SEPARATORS[self.separator]
        lines = [sign.join(self._cell(name) for name in self.header)] if self.header else []
        for i, (path, (label, split)) in enumerate(TRUTH.items()):
            said = {"index": str(i), "path": self._path(path, root), "label": label, "split": split}
            lines.append(sign.join(self._cell(said[column]) for column in self.columns.split()))
        if self.comment:
            lines.insert(1, "# a remark: these, and no others")
        return self.end.join([*lines, ""]).encode(self.encoding)

    def _cell(self, text: str) -> str:
        needed = self.separator == "blank" and (" " in text or not text) and self.columns.count(" ") > 1
        return f'"{text}"' if self.quoted or needed else text

    def _path(self, path: str, root: Path) -> str:
        return {
            "short": path,
            "full": f"{root}/{path}",
            "url": f"file://{root}/{path}".replace(" ", "%20"),
            "windows": path.replace("/", "\\"),
            "dotted": f"./{path}",
        }[self.paths]


def variants() -> Iterator[Variant]:
    """All of them; encodings, ends of lines and comments go round."""
    turn = 0
    for suffix, separator, (columns, headers), quoted, paths in product(
        SUFFIXES, SEPARATORS, COLUMNS.items(), (False, True), PATHS
    ):
        bare = (None,) if columns in ("path", "path label", "label path") else ()
        for header in (*headers, *bare):
            turn += 1
            yield Variant(
                suffix,
                separator,
                columns,
                header,
                quoted,
                paths,
                turn % 3 == 0,
                ("\n", "\r\n")[turn % 2],
                ENCODINGS[turn % 5 if turn % 5 < 3 else 0],
            )
