"""Prompt sets: sentences with ``{}`` where the name of a class goes; by name, as their sources list them, or from a file.

``ucf101`` and ``kinetics`` are the lists of CLIP (openai/CLIP, ``data/prompts.md``, which Perception Encoder ships too), written as what
they are: every combination of a medium, an article or "the person", and a verb. ``action-16`` are those by which InternVideo2 is evaluated.
X-CLIP and ViFi-CLIP are evaluated on the bare name, mteb on one sentence.
"""

import hashlib
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from muybridge.core.catalogue import suggestion
from muybridge.core.errors import UsageError

SLOT = "{}"
MOST = 100
"""Templates of a set."""
MEDIA = ("photo", "video", "example", "demonstration")
VERBS = ("", "using ", "doing ", "during ", "performing ", "practicing ")


@dataclass(frozen=True)
class PromptSet:
    """Templates under a name.

    Attributes:
        name: of the set, or of its file.
        templates: sentences with one ``{}`` each.
        source: where the list comes from.
    """

    name: str
    templates: tuple[str, ...]
    source: str = ""

    @property
    def hash(self) -> str:
        """Name of the templates and their order."""
        return hashlib.sha256("\n".join(self.templates).encode()).hexdigest()[:12]

    def said(self, names: tuple[str, ...]) -> list[list[str]]:
        """Prompts by template and class."""
        return [[template.replace(SLOT, name) for name in names] for template in self.templates]


def _crossed(persons: tuple[str, ...]) -> tuple[str, ...]:
    """Every sentence ``a MEDIUM of [a person] [VERB]{}.`` of CLIP's lists."""
    return tuple(
        f"a {medium} of {person}{verb}{SLOT}." for verb, person, medium in product(VERBS, persons, MEDIA)
    )


SETS = {
    one.name: one
    for one in (
        PromptSet("bare", (SLOT,), "the name alone, as X-CLIP and ViFi-CLIP are evaluated"),
        PromptSet("video", ("a video of {}",), "mteb's video benchmark"),
        PromptSet("ucf101", _crossed(("a person ", "the person ")), "CLIP's 48 templates for UCF101"),
        PromptSet(
            "kinetics",
            (*_crossed(("a person ",)), *(f"a {medium} of {SLOT}." for medium in MEDIA)),
            "CLIP's 28 templates for Kinetics",
        ),
        PromptSet(
            "action-16",
            (
                "a photo of action {}", "a picture of action {}", "Human action of {}", "{}, an action", "{} this is an action",
                "{}, a video of action", "Playing action of {}", "{}", "Playing a kind of action, {}", "Doing a kind of action, {}",
                "Look, the human is {}", "Can you recognize the action of {}?", "Video classification of {}", "A video of {}",
                "The man is {}", "The woman is {}",
            ),
            "16 templates for actions, of ActionCLIP, by which InternVideo2 is evaluated",
        ),
        PromptSet("scenes", ("the digit {}",), "as the captions of builtin-scenes begin"),
    )
}  # fmt: skip


def prompt_set(name: str) -> PromptSet:
    """A set by its name, or the templates of a file, one per line; lines that begin with ``#`` say something else.

    Raises:
        UsageError: no such set or file; a template without ``{}`` or with several; a template twice; none at all.
    """
    if name in SETS:
        return SETS[name]
    path = Path(name)
    if not path.is_file():
        raise UsageError(
            f"--templates {name}: neither a set nor a file.{suggestion(name, SETS)} Sets: {', '.join(SETS)}; a file has one template per"
            f" line, with {SLOT} where the class goes."
        )
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            f"--templates {name}: cannot be read ({error}). Wanted one template per line."
        ) from error
    found = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    for number, template in enumerate(found, 1):
        if template.count(SLOT) != 1:
            raise UsageError(
                f"--templates {name}, template {number}: {template!r:.80} has {template.count(SLOT)} {SLOT}; wanted one for the class."
            )
    if not 0 < len(found) <= MOST or len(set(found)) < len(found):
        raise UsageError(
            f"--templates {name}: {len(found)} templates, {len(set(found))} of them different; wanted 1 to {MOST}, each once."
        )
    return PromptSet(path.name, tuple(found))
