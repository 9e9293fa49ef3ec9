"""Names of runs: a hash of what can change their result."""

import hashlib
from collections.abc import Mapping

from muybridge.core.plain_data import canonical
from muybridge.runs.contents.result import RECORD_VERSION

NOT_SIGNED = frozenset(
    {
        "device",
        "workers",
        "out",
        "resume",
        "overwrite",
        "dry_run",
        "track",
        "trust_code",
        "allow_broken",
        "allow_links",
        "data",
        "root",
        "stream",
        "init",
        "model",
        "teachers",
        "weights",
        "classes",
    }
)
"""Fields that cannot change a result, and fields that say where something lies whose content is signed instead."""
LATER: Mapping[str, object] = {
    "threads": 1, "caption": None, "held_out_fold": None, "held_out_folds": None,
    "auxiliary": [], "auxiliary_options": [], "auxiliary_only_views": False, "weighting": "fixed", "weighting_options": [],
    "mode": None, "meta_share": 0.2, "budget": None, "budget_unit": None, "prereg": "",
    "teacher_temperature": 4.0, "teacher_classes": "own",
    "teacher_views": "consistent", "feature_weight": 0.0, "feature_targets": "raw",
    "label_changing": [], "limit_over": "classes",
    "layout": None, "range": None, "mean": [], "std": [], "channels": None, "weights_key": None, "weights_prefix": None,
}  # fmt: skip
"""Fields that came later, each with the value that all runs before are taken to have: there it is not signed, and no old run is renamed."""


SAMPLING = {"sampling": "dense"}
LATER_IN: Mapping[str, Mapping[str, object]] = {
    "pretrain": {"schedule": "cosine", "decay": 0.1, "decay_at": [], **SAMPLING},
    **dict.fromkeys(("finetune", "diversity", "probe", "knn", "retrieval", "neighbours"), SAMPLING),
}  # fmt: skip
"""The same for fields that came later to one stage and that others had before, by stage."""


def signed_fields(config: Mapping[str, object], stage: str = "") -> dict[str, object]:
    """What is signed of a config of a stage: all but ``NOT_SIGNED``, and of what came later what differs from the value of old runs."""
    later = {**LATER, **LATER_IN.get(stage, {})}
    return {
        name: value
        for name, value in config.items()
        if name not in NOT_SIGNED and not (name in later and value == later[name])
    }


def signature(stage: str, config: Mapping[str, object], inputs: Mapping[str, str]) -> str:
    """Name of a run: hash of its stage, full resolved config, input runs' signatures and the record version.

    Fields that cannot change a result stay out (``signed_fields``).
    """
    signed = signed_fields(config, stage)
    content = {"version": RECORD_VERSION, "stage": stage, "config": signed, "inputs": dict(inputs)}
    return hashlib.sha256(canonical(content).encode()).hexdigest()[:16]


class Signer:
    """Signs runs that differ in their seed and input runs alone and gives what ``signature`` gives; most of the text is made once.

    Args:
        stage: of the runs.
        config: of any of them.

    Raises:
        ValueError: a config that cannot be told from the marks for what differs.
    """

    def __init__(self, stage: str, config: Mapping[str, object]) -> None:
        signed = signed_fields(config, stage)
        content = {
            "version": RECORD_VERSION,
            "stage": stage,
            "config": signed | {"seed": "\0seed"},
            "inputs": "\0inputs",
        }
        text = canonical(content)
        marks = [canonical(mark) for mark in ("\0seed", "\0inputs")]
        if [text.count(mark) for mark in marks] != [1, 1]:
            raise ValueError("the config holds one of the marks")
        self._head, _, rest = text.partition(marks[0])
        self._middle, _, self._tail = rest.partition(marks[1])

    def __call__(self, seed: int, inputs: Mapping[str, str]) -> str:
        """The signature of the run with this seed and these signatures of its inputs."""
        named = ",".join(f'"{name}":"{value}"' for name, value in sorted(inputs.items()))
        text = f"{self._head}{seed}{self._middle}{{{named}}}{self._tail}"
        return hashlib.sha256(text.encode()).hexdigest()[:16]
