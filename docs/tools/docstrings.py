"""Docstrings as the generator reads them: the section that we call ``Example:`` is one of examples, whose lines are code and no text."""

from typing import Any

import griffe


class Examples(griffe.Extension):
    """Renames the section, in memory."""

    def on_object(self, *, obj: griffe.Object, **words: Any) -> None:
        """Called for every module, class and function that was read."""
        if obj.docstring:
            obj.docstring.value = obj.docstring.value.replace("Example:\n", "Examples:\n")
