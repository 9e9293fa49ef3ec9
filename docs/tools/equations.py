"""Equations of the documentation: a fence called ``math`` becomes MathML when the site is built: pages need no script.

GitHub draws the same fences by itself. mkdocs.yml names ``fence`` as a custom fence; a generator finds this file when it is started from
the root of the repository as ``python -m zensical build`` or ``python -m mkdocs build``.
"""

import re

from latex2mathml.converter import convert
from pymdownx.superfences import SuperFencesException


def fence(
    source: str, language: str, css_class: str, options: dict[str, str], md: object, **words: object
) -> str:
    """MathML of one fence, which scrolls by itself where a screen is narrower.

    Raises:
        SuperFencesException: the converter left a command of LaTeX as it was; stops the build.
    """
    markup = convert(" ".join(source.split()), display="block")
    left = re.search(r"\\[A-Za-z]+", markup)
    if left:
        raise SuperFencesException(f"{left.group()} is not known to latex2mathml, in: {source}")
    return f'<div class="{css_class}" style="overflow-x: auto">{markup}</div>'
