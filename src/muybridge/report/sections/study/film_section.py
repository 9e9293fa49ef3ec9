"""Film strips: test clips, what pretext tasks see, perturbations."""

from collections.abc import Sequence

from muybridge.report.figures.film_strips import galleries
from muybridge.report.gather.collect import Gathered
from muybridge.report.sections.page_blocks import Block, Heading, Note, Strips
from muybridge.report.sections.section import Section

TESTED, TRAINED, PERTURBED = ("probe", "finetune"), ("pretrain",), ("robustness",)


def shows(gathered: Gathered) -> Sequence[Block]:
    """One heading per gallery."""
    blocks: list[Block] = []
    for gallery in galleries(*(gathered.of(*stages) for stages in (TESTED, TRAINED, PERTURBED))):
        blocks.append(Heading(gallery.title))
        blocks += [Note(gallery.note)] if gallery.note else []
        blocks += [Strips(row) for row in gallery.rows]
    return blocks


FILM = Section("film", "Film strips", shows, (*TESTED, *TRAINED, *PERTURBED))
