"""Figures for papers as marks on a sheet, in points (1/72 inch): drawn once, written as SVG here and as PDF by ``pdf``.

One style: columns of 3.25 and 6.75 inches, sans serif letters of 7 and 8 points, the colours of the page, which people tell apart whatever
colours they see (after Okabe and Ito, Color Universal Design, 2008), and besides dashes and shapes, so that grey prints too.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from importlib.util import find_spec
from io import BytesIO
from typing import TypeAlias

from muybridge.core.text.screen import Plain
from muybridge.report.figures.figure_files import MARK

COLUMN, WIDE = 234.0, 486.0
"""Width of one column (3.25 in) and of two (6.75 in)."""
SMALL, TEXT = 7.0, 8.0
LETTER = 0.56
"""Width of a letter, of its height: for room only."""
COLOURS = ("#6b7077", "#0072b2", "#d55e00", "#00805d", "#a8528a", "#8a6d00", "#4b4fb5", "#b3313f")
DASHES: tuple[tuple[float, ...], ...] = (
    (),
    (),
    (5, 2),
    (1.5, 1.5),
    (6, 1.5, 1.5, 1.5),
    (3, 2),
    (8, 2),
    (1, 2.5),
)
INK, SOFT, LINE = "#111111", "#555a61", "#d4d7dc"
SHAPES = ("circle", "square", "triangle", "diamond")
FONTS = "Helvetica, Arial, 'Liberation Sans', 'DejaVu Sans', sans-serif"
Point: TypeAlias = tuple[float, float]


@dataclass(frozen=True)
class Stroke:
    """A line through points."""

    points: Sequence[Point]
    colour: str = INK
    width: float = 0.75
    dashes: tuple[float, ...] = ()


@dataclass(frozen=True)
class Area:
    """A filled polygon, see-through."""

    points: Sequence[Point]
    colour: str
    opacity: float = 0.16


@dataclass(frozen=True)
class Dot:
    """A filled mark of one of ``SHAPES``."""

    at: Point
    colour: str
    shape: str = "circle"
    reach: float = 2.4


@dataclass(frozen=True)
class Words:
    """One line of text; ``anchor`` says which end stands at the place, ``turned`` ones read upwards."""

    at: Point
    text: str
    size: float = SMALL
    anchor: str = "start"
    colour: str = INK
    turned: bool = False


Mark: TypeAlias = Stroke | Area | Dot | Words


@dataclass(frozen=True)
class Drawing:
    """A sheet; ``caption`` stands alone: what, data, units, intervals, seeds."""

    caption: str
    width: float
    height: float
    marks: Sequence[Mark]


def outline(dot: Dot) -> list[Point]:
    """Corners of a mark that is no circle."""
    (x, y), r = dot.at, dot.reach
    corners: Mapping[str, list[Point]] = {
        "square": [(-r, -r), (r, -r), (r, r), (-r, r)],
        "triangle": [(0.0, -1.25 * r), (1.15 * r, 0.9 * r), (-1.15 * r, 0.9 * r)],
        "diamond": [(0.0, -1.35 * r), (1.35 * r, 0.0), (0.0, 1.35 * r), (-1.35 * r, 0.0)],
    }
    return [(x + dx, y + dy) for dx, dy in corners[dot.shape]]


def svg(drawing: Drawing) -> bytes:
    """The sheet as SVG; equal drawings give equal bytes."""
    size = f'width="{drawing.width / 72:.4g}in" height="{drawing.height / 72:.4g}in" viewBox="0 0 {drawing.width:g} {drawing.height:g}"'
    lines = [
        MARK,
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="{FONTS}" role="img">',
        f"<desc>{escape(drawing.caption)}</desc>",
        f'<rect width="{drawing.width:g}" height="{drawing.height:g}" fill="#ffffff"/>',
        *(_element(mark) for mark in drawing.marks),
        "</svg>",
    ]
    return ("\n".join(lines) + "\n").encode()


def _element(mark: Mark) -> str:
    if isinstance(mark, Stroke):
        dashes = f' stroke-dasharray="{" ".join(f"{one:g}" for one in mark.dashes)}"' if mark.dashes else ""
        return f'<polyline points="{_points(mark.points)}" fill="none" stroke="{mark.colour}" stroke-width="{mark.width:g}"{dashes}/>'
    if isinstance(mark, Area):
        return (
            f'<polygon points="{_points(mark.points)}" fill="{mark.colour}" fill-opacity="{mark.opacity:g}"/>'
        )
    if isinstance(mark, Dot):
        if mark.shape == "circle":
            return f'<circle cx="{mark.at[0]:.2f}" cy="{mark.at[1]:.2f}" r="{mark.reach:g}" fill="{mark.colour}"/>'
        return f'<polygon points="{_points(outline(mark))}" fill="{mark.colour}"/>'
    x, y = mark.at
    turn = f' transform="rotate(-90 {x:.2f} {y:.2f})"' if mark.turned else ""
    return (
        f'<text x="{x:.2f}" y="{y:.2f}" font-size="{mark.size:g}" text-anchor="{mark.anchor}" fill="{mark.colour}"{turn}>'
        f"{escape(mark.text)}</text>"
    )


def _points(points: Sequence[Point]) -> str:
    return " ".join(f"{x:.2f},{y:.2f}" for x, y in points)


def pdf(drawing: Drawing) -> dict[str, bytes]:
    """The sheet as PDF with its letters inside, by the ending of its file; without matplotlib none, and one line says what to install."""
    if not find_spec("matplotlib"):
        Plain().say(
            "figures are written as SVG only, since matplotlib is missing: pip install 'muybridge[figures]'"
        )
        return {}
    from matplotlib import rc_context
    from matplotlib.backends.backend_pdf import FigureCanvasPdf
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D
    from matplotlib.patches import Circle, Polygon

    file = BytesIO()
    with rc_context(
        {
            "pdf.fonttype": 42,
            "font.family": "sans-serif",
            "font.sans-serif": ["Arial", "Liberation Sans", "DejaVu Sans"],
        }
    ):
        figure = Figure(figsize=(drawing.width / 72, drawing.height / 72))
        FigureCanvasPdf(figure)
        sheet = figure.add_axes((0, 0, 1, 1))
        sheet.set(xlim=(0, drawing.width), ylim=(drawing.height, 0))
        sheet.axis("off")
        for mark in drawing.marks:
            if isinstance(mark, Stroke):
                xs, ys = zip(*mark.points, strict=True)
                line = Line2D(xs, ys, color=mark.colour, linewidth=mark.width)
                if mark.dashes:
                    line.set_dashes([one / mark.width for one in mark.dashes])
                sheet.add_line(line)
            elif isinstance(mark, Area):
                sheet.add_patch(
                    Polygon(list(mark.points), facecolor=mark.colour, alpha=mark.opacity, linewidth=0)
                )
            elif isinstance(mark, Dot):
                shape = Circle(mark.at, mark.reach) if mark.shape == "circle" else Polygon(outline(mark))
                shape.set(facecolor=mark.colour, linewidth=0)
                sheet.add_patch(shape)
            else:
                side = {"start": "left", "middle": "center", "end": "right"}[mark.anchor]
                sheet.text(
                    *mark.at, mark.text.replace("$", r"\$"), fontsize=mark.size, color=mark.colour, ha=side, va="baseline",
                    rotation=90 if mark.turned else 0, rotation_mode="anchor",
                )  # fmt: skip
        told = {"Subject": drawing.caption, "CreationDate": None, "Creator": "Muybridge", "Producer": None}
        figure.savefig(file, format="pdf", metadata=told)
    return {"pdf": file.getvalue()}
