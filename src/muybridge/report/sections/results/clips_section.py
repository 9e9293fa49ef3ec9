"""Clips whose answer flips under perturbation, with their frames: to look at what the numbers are of."""

from collections.abc import Sequence

from muybridge.report.figures.clip_strips import RULE, flips
from muybridge.report.gather.collect import Gathered
from muybridge.report.sections.experiments import DISTURBED, perturbed_experiments
from muybridge.report.sections.page_blocks import Block, Heading, Note
from muybridge.report.sections.section import Section
from muybridge.report.tables.table import capital


def shows(gathered: Gathered) -> Sequence[Block]:
    """One list of clips for each experiment."""
    found = flips(perturbed_experiments(gathered), gathered)
    blocks: list[Block] = [Note(RULE)] if found else []
    for one in found:
        blocks += [Heading(capital(one.name)), one]
    return blocks


CLIPS = Section("clips", "Clips that flip", shows, DISTURBED, short="Clips")
