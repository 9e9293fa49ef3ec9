"""What a report says, section by section, in this order; other packages add theirs through the entry-point group ``muybridge.sections``."""

from muybridge.core.catalogue import Entry

_STUDY, _RESULTS = "muybridge.report.sections.study", "muybridge.report.sections.results"

SECTIONS = {
    "diversity-of-losses": Entry("diversity of losses", f"{_RESULTS}.diversity_section:DIVERSITY"),
    "accuracy": Entry("accuracy of every arm, by class", f"{_RESULTS}.accuracy_section:ACCURACY"),
    "zero-shot": Entry("classes named in words", f"{_RESULTS}.zeroshot_section:ZEROSHOT"),
    "robustness": Entry("accuracy under perturbation", f"{_RESULTS}.robustness_section:ROBUSTNESS"),
    "transfer": Entry("splits, sources, targets, labels", f"{_RESULTS}.transfer_section:TRANSFER"),
    "loss-weighting": Entry("how loss terms were weighted", f"{_STUDY}.weighting_section:WEIGHTING"),
    "distillation": Entry("students beside their teachers", f"{_RESULTS}.distillation_section:DISTILLATION"),
    "layers": Entry("similarity of layers", f"{_RESULTS}.layers_section:LAYERS"),
    "neighbours": Entry("nearest neighbours and retrieval", f"{_RESULTS}.neighbours_section:NEIGHBOURS"),
    "elsewhere": Entry("numbers that others measured", f"{_RESULTS}.elsewhere_section:ELSEWHERE"),
    "clips": Entry("clips whose answer flips, with frames", f"{_RESULTS}.clips_section:CLIPS"),
    "film": Entry("film strips of what was shown", f"{_STUDY}.film_section:FILM"),
    "claims-of-the-study": Entry("claims and their verdicts", f"{_STUDY}.claims_section:CLAIMED"),
    "pretraining": Entry("budgets, curves, health of features", f"{_STUDY}.pretraining_section:PRETRAINING"),
    "data-used": Entry("data sets and their broken videos", f"{_STUDY}.data_section:DATA"),
    "missing-cells": Entry("what is damaged or was not finished", f"{_STUDY}.missing_section:MISSING_CELLS"),
    "provenance": Entry("every run and its command", f"{_STUDY}.provenance_section:PROVENANCE"),
}
