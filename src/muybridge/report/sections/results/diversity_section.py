"""Diversity of losses against robustness: the answer of a pre-registered study."""

from muybridge.report.sections.section import Section
from muybridge.report.tables.diversity_tables import diversity_tables

DIVERSITY = Section("diversity-of-losses", "Diversity", diversity_tables)
"""Wants no stage: a study that is registered and has not begun is shown as undetermined."""
