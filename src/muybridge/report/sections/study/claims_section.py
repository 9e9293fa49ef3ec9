"""Claims of the study, of the user and of other sections with their verdicts; published values beside ours."""

from collections.abc import Sequence

from muybridge.report.claims.study_claims import shipped
from muybridge.report.claims.user_claims import claims_of
from muybridge.report.claims.verdicts import Claim, Judged, World, judge, world_of
from muybridge.report.gather.collect import Gathered
from muybridge.report.gather.published_beside import Beside, beside, published_rows, published_tables
from muybridge.report.sections.experiments import perturbed_experiments, scored_experiments
from muybridge.report.sections.page_blocks import Block, folded
from muybridge.report.sections.section import Section, every_section
from muybridge.report.tables.claim_tables import claim_rows, claim_tables


def world(gathered: Gathered) -> World:
    """What claims are about."""
    return world_of(scored_experiments(gathered), perturbed_experiments(gathered), gathered)


def judged(gathered: Gathered) -> list[Judged]:
    """The claims of every section with their verdicts."""
    asked = [section for section in every_section() if section.asked(gathered)]
    claims = [claim for section in asked for claim in section.claims(gathered)]
    return judge(claims, gathered.once(world))


def published(gathered: Gathered) -> list[Beside]:
    """Published values beside ours."""
    return beside(gathered.once(world))


def study_claims(gathered: Gathered) -> Sequence[Claim]:
    """What the study claims, and what its user does."""
    return [*shipped(gathered.study), *claims_of(gathered.study)]


def shows(gathered: Gathered) -> Sequence[Block]:
    """The verdicts; what they rest on folded away."""
    tables = [*claim_tables(gathered.once(judged)), *published_tables(gathered.once(published))]
    return [table if table.slug == "claims" else folded(table) for table in tables]


CLAIMED = Section(
    "claims-of-the-study",
    "Claims",
    shows,
    claims=study_claims,
    rows={
        "claims": lambda gathered: claim_rows(gathered.once(judged)),
        "published": lambda gathered: published_rows(gathered.once(published)),
    },
)
