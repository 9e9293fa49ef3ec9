"""Weightings: from several loss terms to the gradient that is descended.

Facts: ``kind`` (``fixed``; ``losses``: a function of their values; ``gradients``: a gradient per term; ``bilevel``: learnt on meta
batches; ``teachers``: shares of the teachers of a student, ``muybridge distill``) and ``extra``, the extra that installs what it needs.
"""

from muybridge.core.catalogue import Entry


def _own(summary: str, target: str, kind: str) -> Entry:
    return Entry(summary, f"muybridge.weighting.{target}", {"kind": kind})


def _outside(summary: str, target: str, kind: str) -> Entry:
    facts = {"kind": kind, "extra": "weighting"}
    return Entry(f"{summary} (TorchJD)", "muybridge.weighting." + target, facts)


WEIGHTINGS = {
    "fixed": Entry(
        "a constant weight per term or task, 1 where none is given",
        "muybridge.weighting.fixed:Fixed",
        {"kind": "fixed"},
    ),
    "meltr": _own(
        "a transformer over the losses, learnt on meta batches: faithful, corrected, safe (CVPR 2023)",
        "meltr:Meltr",
        "bilevel",
    ),
    "auto-lambda": _own(
        "a weight per auxiliary term, learnt through one step (TMLR 2022)", "learnt:AutoLambda", "bilevel"
    ),
    "auxilearn": _own(
        "a monotone network of the losses, learnt by implicit differentiation (ICLR 2021)",
        "learnt:AuxiLearn",
        "bilevel",
    ),
    "gradnorm": _own(
        "gradients of like norm, more to slow terms (ICML 2018)", "balance:GradNorm", "gradients"
    ),
    "cosine-gate": _own(
        "auxiliary gradients that do not oppose the primary one (2018)", "balance:CosineGate", "gradients"
    ),
    "ae-kd": _own(
        "teachers: the step that all agree on most, no weight above a cap (NeurIPS 2020)",
        "teacher_weights:AeKd",
        "teachers",
    ),
    "average": _own("teachers: all count alike", "teacher_weights:Average", "teachers"),
    "confidence": _own(
        "teachers: more to those that know the labels (ICASSP 2022)", "teacher_weights:Confidence", "teachers"
    ),
    "discrepancy": _own(
        "teachers: more to those that the student differs from", "teacher_weights:Discrepancy", "teachers"
    ),
    "best-only": _own(
        "teachers: all to the one that knows the labels of the clips so far best",
        "teacher_weights:BestOnly",
        "teachers",
    ),
    "sum": _outside("all terms count once", "rivals:Sum", "losses"),
    "mean": _outside("all terms count one over their number", "rivals:Mean", "losses"),
    "random": _outside("weights drawn anew at every step (TMLR 2022)", "rivals:Random", "losses"),
    "uncertainty": _outside("learnt homoscedastic uncertainty (CVPR 2018)", "rivals:Uncertainty", "losses"),
    "imtl-l": _outside("learnt scales that make all terms alike (ICLR 2021)", "rivals:ImtlL", "losses"),
    "dwa": _outside(
        "more weight to terms that fell little over two epochs (CVPR 2019)", "rivals:Dwa", "losses"
    ),
    "famo": _outside("logarithms of the terms fall alike (NeurIPS 2023)", "rivals:Famo", "losses"),
    "stch": _outside("smooth Tchebycheff, nearly the largest term (ICML 2024)", "rivals:Stch", "losses"),
    "geometric": _outside("geometric mean of the terms", "rivals:Geometric", "losses"),
    "pcgrad": _outside(
        "opposed gradients lose the part that opposes (NeurIPS 2020)", "rivals:PcGrad", "gradients"
    ),
    "upgrad": _outside(
        "projections of all gradients on their dual cone (2024)", "rivals:UpGrad", "gradients"
    ),
    "gradvac": _outside(
        "gradients turned towards their usual cosines (ICLR 2021)", "rivals:GradVac", "gradients"
    ),
    "cagrad": _outside("the best worst term near the mean (NeurIPS 2021)", "rivals:CaGrad", "gradients"),
    "nash-mtl": _outside("Nash's bargaining solution (ICML 2022)", "rivals:NashMtl", "gradients"),
    "mgda": _outside("the shortest vector between the gradients (NeurIPS 2018)", "rivals:Mgda", "gradients"),
    "imtl-g": _outside("equal projections on all gradients (ICLR 2021)", "rivals:ImtlG", "gradients"),
    "aligned-mtl": _outside(
        "gradients aligned along principal directions (CVPR 2023)", "rivals:AlignedMtl", "gradients"
    ),
    "graddrop": _outside(
        "entries of one sign, drawn by purity (NeurIPS 2020)", "rivals:GradDrop", "gradients"
    ),
    "pcd": _outside(
        "the primary gradient, least changed so that every auxiliary term falls (2026)",
        "rivals:Pcd",
        "gradients",
    ),
}
