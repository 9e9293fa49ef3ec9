"""Pages: one HTML file each that needs nothing else."""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files

import muybridge
from muybridge.core.text.plurals import counted
from muybridge.report.sections.content import Content
from muybridge.report.tables.accuracy_tables import slugged
from muybridge.report.tables.table import capital, tight


def html(content: Content) -> str:
    """Text of ``report.html``; every name is escaped by the template engine."""
    return render("report.html", {"content": content, "kind_of": lambda block: type(block).__name__})


def render(template: str, shown: Mapping[str, object]) -> str:
    """Text of a page from its template, with style and script inside."""
    helpers = {
        "slugged": slugged, "capital": capital, "tight": tight, "counted": counted, "version": muybridge.__version__,
    }  # fmt: skip
    inside = {"style": _read("report.css"), "script": _read("report.js")}
    return str(_environment().get_template(template).render({**helpers, **inside, **shown})) + "\n"


def _read(name: str) -> str:
    return files("muybridge.report.formats").joinpath("templates", name).read_text(encoding="utf-8")


@cache
def _environment():  # type: ignore[no-untyped-def]
    from jinja2 import Environment, FunctionLoader, StrictUndefined

    return Environment(
        loader=FunctionLoader(_read),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
