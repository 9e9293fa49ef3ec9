"""The report as one HTML file that needs nothing else."""

from functools import cache
from importlib.resources import files

from muybridge.report.accuracy_tables import slugged
from muybridge.report.content import Content
from muybridge.report.table import capital, tight


def html(content: Content) -> str:
    """Text of ``report.html``; every name is escaped by the template engine."""
    template = _environment().get_template("report.html")
    style, script = (_read(name) for name in ("report.css", "report.js"))
    shown = {
        "content": content,
        "style": style,
        "script": script,
        "slugged": slugged,
        "capital": capital,
        "tight": tight,
    }
    return str(template.render(shown)) + "\n"


def _read(name: str) -> str:
    return files("muybridge.report").joinpath("templates", name).read_text(encoding="utf-8")


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
