"""What a study registers before its first run: sets, arms, cells that count, exposure, power and the rule of the verdict."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import muybridge
from muybridge.config.stage_configs import as_dict
from muybridge.core.errors import UsageError
from muybridge.data import sources
from muybridge.data.sets.builtin import MOTIONS, partner
from muybridge.measure.diversity.association import ALPHA, power
from muybridge.measure.diversity.verdict import FEWEST, SESOI
from muybridge.runs.contents.prereg_file import NAME, VERSION, Prereg, read_prereg, write_prereg
from muybridge.runs.records import folders
from muybridge.stages.job import declared
from muybridge.studies.shipped.diversity_arms import LONGER, OURS, START, WEIGHT, scale_of
from muybridge.studies.shipped.scales import Lab, Scale
from muybridge.studies.shipped.sets import PLACEBOS, POOL, choose_sets
from muybridge.studies.study_configs import DiversityStudyConfig

CONFIRMATORY: dict[str, tuple[int, ...]] = {"freezing": (1, 2, 3, 4)}
"""Cells of the primary outcome: they keep the label, disturb at most half of the frames, and no loss of the pool shows anything like them.
The same cells count for all sets, so that sets are not told apart by what they are tested on."""
PRESERVING: dict[str, tuple[int, ...]] = {**CONFIRMATORY, "sampling": (1, 2)}
"""All cells that keep the label and leave half of the frames or more."""
ALTERING: dict[str, tuple[int, ...]] = {"reversal": (1,)}
"""Cells that change it: a reversed motion is its partner."""
EXPOSURE: dict[str, tuple[str, ...]] = {
    "speed": ("sampling",), "prp": ("sampling",), "rspnet": ("sampling",), "arrow-of-time": ("reversal",), "vcop": ("jumbling",),
}  # fmt: skip
"""Perturbations of which the views of a loss already show something."""
COMBINERS: dict[str, dict[str, object]] = {
    "sum": {},
    "pcd": {"weighting": "pcd"},
    "meltr": {"weighting": "meltr", "mode": "corrected", "weighting_options": ("hypergradient=one-step",)},
}
"""Weightings of the arms; the equal sum has a weight for every loss of the set."""
PRIMARY, SECONDARY = "D3norm", ("Rao", "D2", "D4", "D5")
NOT_REGISTERED = (
    "out", "resume", "overwrite", "device", "workers", "dry_run", "track", "executor", "address", "roots", "trust_code", "prereg",
)  # fmt: skip
"""Options of a study that say where and how it is run, and nothing of what it does."""


def registered_options(config: DiversityStudyConfig) -> dict[str, object]:
    """The options that a pre-registration holds fast."""
    return {name: value for name, value in as_dict(config).items() if name not in NOT_REGISTERED}


def register(config: DiversityStudyConfig) -> tuple[Path, str]:
    """Write ``prereg.yaml`` of a study into its folder, once and before any run of it.

    Returns:
        Its path and hash.

    Raises:
        UsageError: it is there already, or runs are.
    """
    from muybridge.runs import out

    if next(iter(folders(config.out)), None) is not None:
        raise UsageError(
            f"--out {config.out}: holds runs already, and a pre-registration is written before the first one. Choose a new folder."
        )
    content = content_of(config)
    out.claim(config.out, resume=config.resume)
    return config.out / NAME, write_prereg(config.out, content)


def content_of(config: DiversityStudyConfig) -> dict[str, Any]:
    """What is registered of a study with these options.

    Raises:
        UsageError: sets that cannot be chosen.
    """
    scale = scale_of(config)
    sets = [("confirmatory", one) for one in choose_sets(POOL, 4, config.sets, config.seed)]
    for size in config.exploratory:
        number = min(len(POOL), 8) if size in (1, len(POOL) - 1) else 8
        sets += [("exploratory", one) for one in choose_sets(POOL, size, number, config.seed, draws=2_000)]
    sets += [("placebo", one) for one in choose_sets(PLACEBOS, 4, 15, config.seed)]
    parameters = len(POOL) - 1
    return {
        "version": VERSION,
        "id": f"diversity-and-robustness-{config.scale}-{config.seed}",
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "code_version": muybridge.__version__,
        "code_sha256": _code(),
        "seed_list": list(range(config.seed, config.seed + (config.seeds or scale.seeds))),
        "study": {"name": "diversity-and-robustness", "config": registered_options(config)},
        "hypothesis": {
            "text": "A more diverse set of auxiliary losses makes a representation more robust in time.",
            "direction": "positive",
            "primary": {
                "x": PRIMARY, "y": "R_pres",
                "test": "partial_spearman; x: mean over points, all shared weights; Freedman-Lane permutation, BCa over sets",
                "covariates": ["membership"], "alpha": ALPHA, "sesoi": SESOI,
            },
            "secondary": list(SECONDARY),
            "rule": "supported: rho > 0, p < alpha, 95 % BCa above 0, same sign on the second backbone, above placebo sets; refuted: 90 % "
            f"BCa ends below sesoi, or 95 % BCa below 0; else undetermined, as with fewer than {FEWEST} sets",
        },
        "population": {
            "data": list(scale.data), "backbones": list(scale.backbones), **_clips(config, scale),
            "start": f"one pretraining for each backbone and seed, without labels, by {START}", "auxiliary_weight": WEIGHT,
        },
        "sets": [{"id": f"s{place:03d}", "losses": list(one), "role": role} for place, (role, one) in enumerate(sets, 1)],
        "combiners": list(COMBINERS),
        "exclusions": {
            "loss": "accuracy not 3 standard errors above chance, or signal share below 0.05: inactive, diversity is that of the others",
            "set": "clean accuracy not above three times chance, or half way from chance to 1 where that is less: left out and counted",
            "missing": "left out and counted; the answer with and without is shown",
        },
        "perturbations": [
            *_cells(CONFIRMATORY, "preserving", "primary"),
            *_cells({name: which for name, which in PRESERVING.items() if name not in CONFIRMATORY}, "preserving", "beside"),
            *_cells(ALTERING, "altering", "apart"),
        ],
        "partners": _partners(config),
        "exposure_map": {name: list(EXPOSURE.get(name, ())) for name in POOL},
        "power": {f"rho {rho:g}": round(power(rho, config.sets, parameters), 3) for rho in (0.3, 0.5, 0.7)},
        "stopping": "all sets are run; nothing is looked at before, and no set is added after",
    }  # fmt: skip


def demand(config: DiversityStudyConfig) -> Prereg:
    """The pre-registration of a study that is about to run.

    Raises:
        UsageError: there is none, or it is of other options.
        MuybridgeError: it was changed.
    """
    content = read_prereg(config.out)
    if not content:
        raise UsageError(
            f"{config.out / NAME}: the study wants its pre-registration first. Write it with `muybridge prereg diversity-and-robustness "
            f"--out {config.out}` and the same options."
        )
    asked, held = registered_options(config), content["study"]["config"]
    other = sorted(name for name in {*asked, *held} if asked.get(name) != held.get(name))
    if other:
        name = other[0]
        raise UsageError(
            f"--{name.replace('_', '-')} {asked.get(name)}: registered was {held.get(name)} ({config.out / NAME}). Give that, or register"
            " anew with another --out."
        )
    if _partners(config) != content["partners"]:
        raise UsageError(
            f"{config.out / NAME}: other partners under reversal were registered than the data, or --label-changing, say now. Give the"
            " table as it was, or register anew with another --out."
        )
    return content


def _cells(which: Mapping[str, Sequence[int]], kind: str, counts: str) -> list[dict[str, object]]:
    return [
        {"name": name, "class": kind, "severities": list(some), "counts": counts}
        for name, some in which.items()
    ]


def _clips(config: DiversityStudyConfig, scale: Scale) -> dict[str, object]:
    """How networks are shown a video, and of how many frames clips are: those of the primary outcome, then those of its replications."""
    shown = scale.finetune
    if config.scale not in LONGER:
        return {"sampler": "as of the fine-tuning protocol"}
    return {"sampler": shown["sampling"], "frames": [shown["frames"], *LONGER[config.scale]]}


def _partners(config: DiversityStudyConfig) -> dict[str, str]:
    """Class that a reversed clip of a class shows, empty for none; classes that keep their label are left out.

    It is what the data set declares of reversal, or ``--label-changing`` in its place; nothing where neither says anything.

    Raises:
        UsageError: data that cannot be read, or a table that does not fit their classes.
    """
    data = tuple(scale_of(config).data)
    if data == ("builtin-motions",) and not config.label_changing:
        return {
            name: partner(name) for name in MOTIONS
        }  # as the set declares them, without drawing its clips
    root = Lab(config, OURS).control(data)["root"]
    read = sources.load(data, root=root, allow_links=config.allow_links, stream=config.stream)
    changes = declared.declare(read, config.label_changing).changes
    return {name: to for one in changes if one.type in ALTERING for name, to in one.becomes.items()}


def _code() -> str:
    """SHA-256 over the Python files of the package, by name: what ran, in a checkout or installed."""
    root = Path(muybridge.__file__).parent
    whole = hashlib.sha256()
    for path in sorted(root.rglob("*.py")):
        whole.update(f"{path.relative_to(root).as_posix()}\0".encode() + path.read_bytes() + b"\0")
    return whole.hexdigest()
