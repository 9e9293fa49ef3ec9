"""``result.json``: what a finished run says of itself, and whether that can be believed.

It is written last, with the SHA-256 of its own content and of every file beside it. Version 1 had no checksums; every later one has them,
so one without is damaged. Readers elsewhere take its fields as they are, so whatever has another kind than they expect is refused here.
"""

import hashlib
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, cast

from muybridge.core.errors import MuybridgeError
from muybridge.core.files import read_bytes
from muybridge.core.parse import UnreadableError, parse_json
from muybridge.core.plain_data import canonical
from muybridge.core.plain_names import plain_names
from muybridge.runs.contents.result_fields import ResultFields

RESULT = "result.json"
RECORD_VERSION = 2
SEALED_SINCE = 2
"""First record version whose results always carry their checksums."""
WORDS = ("config", "command", "notes", "summary")
"""Fields with texts that came from a command line or from errors: written without secrets, and read without those of older versions."""
AGAIN = "Run its command or the study again."


class NewerError(MuybridgeError):
    """A newer Muybridge wrote it; this one cannot judge it."""


class ResultError(MuybridgeError):
    """A ``result.json`` that cannot be believed.

    Attributes:
        reason: what is wrong with it, without the place and the way out.
    """

    def __init__(self, where: str, why: str) -> None:
        self.reason = f"{RESULT}: {why}"
        super().__init__(f"{where}: damaged ({why}). {AGAIN}")


def digest(content: Mapping[str, object]) -> str:
    """SHA-256 of a result without its own checksum."""
    rest = {name: value for name, value in content.items() if name != "sha256"}
    return hashlib.sha256(canonical(rest).encode()).hexdigest()


def read_result(folder: Path) -> ResultFields:
    """The result of a run.

    Args:
        folder: ``OUT/runs/STAGE/SIGNATURE``.

    Raises:
        NewerError: of a newer version.
        MuybridgeError: damaged, changed, without its checksum, or of another run.
        OSError: there is none, or it cannot be read.
    """
    return parse_result(read_bytes(folder / RESULT), folder)


def parse_result(raw: bytes, folder: Path | str) -> ResultFields:
    """The content of a ``result.json``, as ``read_result``; ``folder`` ends in its stage and signature."""
    where = f"{folder}/{RESULT}"
    try:
        content = parse_json(raw)
    except UnreadableError as error:
        raise ResultError(where, str(error)) from error
    if not isinstance(content, dict):
        raise ResultError(where, "not a JSON object")
    version = content.get("version", 1)
    if not isinstance(version, int) or isinstance(version, bool):
        raise ResultError(where, "'version' is no whole number")
    check_version(folder, version)
    if version >= SEALED_SINCE and "sha256" not in content:
        raise ResultError(where, "it has no checksum")
    if "sha256" in content and digest(content) != content["sha256"]:
        raise ResultError(where, "it was changed after it was written")
    if name := misfit(content, FIELDS):
        raise ResultError(where, f"{name!r} is of another kind")
    plain_names(content.get("files", {}), where)
    stage, signature = str(folder).replace("\\", "/").rstrip("/").split("/")[-2:]
    if (content.get("stage", stage), content.get("signature", signature)) != (stage, signature):
        raise ResultError(where, f"it is that of {content.get('stage')}/{content.get('signature')}")
    return cast(ResultFields, content)


def check_version(path: Path | str, version: object) -> None:
    """Refuse what a newer Muybridge wrote.

    Raises:
        NewerError: says both versions and the way out.
    """
    if isinstance(version, int) and version > RECORD_VERSION:
        raise NewerError(
            f"{path}: written by a newer Muybridge (record version {version}; this one reads up to {RECORD_VERSION}). "
            "Update muybridge to read it."
        )


def misfit(content: object, kind: Any) -> str:
    """The first field that is of another kind than wanted, by its path; empty if none is.

    Args:
        content: plain data.
        kind: a type (``float`` takes whole numbers too; no number is a boolean), None, a tuple of kinds, a list of one kind,
            a mapping of fields (those with ``!`` must be there, others may be absent; ``"*"`` stands for all), or a predicate.
    """
    if isinstance(kind, tuple):
        found = [misfit(content, one) for one in kind]
        return "" if "" in found else max(found, key=len) or "value"
    if isinstance(kind, list):
        if not isinstance(content, list):
            return "value"
        return next(
            (_below(place, wrong) for place, one in enumerate(content) if (wrong := misfit(one, kind[0]))), ""
        )
    if isinstance(kind, dict):
        return _misfit_field(content, kind) if isinstance(content, dict) else "value"
    if kind is None:
        return "" if content is None else "value"
    if kind in (int, float):
        fits = isinstance(content, int | kind) and not isinstance(content, bool)
    else:
        fits = isinstance(content, kind) if isinstance(kind, type) else kind(content)
    return "" if fits else "value"


def _misfit_field(content: Mapping[str, object], kind: Mapping[str, object]) -> str:
    kinds = dict.fromkeys(content, kind["*"]) if "*" in kind else kind
    for name, one in kinds.items():
        bare = name if "*" in kind else name.removesuffix("!")
        if bare not in content:
            if bare != name:
                return bare
        elif wrong := misfit(content[bare], one):
            return _below(bare, wrong)
    return ""


def _below(name: object, wrong: str) -> str:
    return str(name) if wrong == "value" else f"{name}.{wrong}"


def _whole(least: int, most: int = 2**53) -> Callable[[object], bool]:
    return lambda value: isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


def _share(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1


def _counted(value: object) -> bool:
    """Found and asked by group."""
    return isinstance(value, dict) and all(
        isinstance(pair, list)
        and len(pair) == 2
        and all(isinstance(one, int | float) and not isinstance(one, bool) for one in pair)
        and 0 <= pair[0] <= pair[1] + 1e-6
        and 0 < pair[1] < 2**53
        for pair in value.values()
    )


def _digits(value: object) -> bool:
    """An object of which the keys are whole numbers."""
    return isinstance(value, dict) and all(
        key.isascii() and key.isdecimal() and len(key) < 10 for key in value
    )


def _moved(value: object) -> bool:
    """What is left of the order of frames, by severity."""
    return _digits(value) and not misfit(value, {"*": dict.fromkeys(("tau", "distinct"), (float, None))})


def _hash(value: object) -> bool:
    return isinstance(value, str) and re.fullmatch("[0-9a-f]{64}", value) is not None


def _of_all_folds(value: object) -> bool:
    return bool(value == "all")


_SEED = _whole(-(2**63), 2**63 - 1)
_SPENT = dict.fromkeys(
    (
        "clips",
        "steps",
        "epochs",
        "with_gradient",
        "without_gradient",
        "decoded",
        "frames",
        "flops",
        "seconds",
        "asked",
        "waiting",
        "cached",
    ),
    (float, None),
)
_NUMBER = {"value!": (float, None), "low": (float, None), "high": (float, None)}
_NETWORK = {
    **dict.fromkeys(("arm", "backbone", "done", "source", "level", "stage"), (str, None)),
    "seed": (_SEED, None),
}
_CUT = {"frames": (_whole(1), None), "stride": (float, None), "fps": (float, None)}
_VIDEO = {"video!": str, "label": (str, None), "similarity": (float, None)}
FIELDS: dict[str, object] = {
    "stage": str,
    "signature": str,
    "summary": str,
    "command": str,
    "precision": (str, None),
    "limited": bool, "transductive": bool,
    "notes": [str],
    "config": {"seed": (_SEED, None), "labels_per_class": (_whole(0), None)},
    "facets": {
        **dict.fromkeys(("arm", "data", "protocol", "backbone", "source", "source_kind", "level", "frames"), (str, int, float, None)),
        "seed": (_SEED, None), "fold": (_whole(0), _of_all_folds, None),
    },
    "inputs": {"*": {"stage!": str, "signature!": str}},
    "data": {
        "name": str, "fingerprint": (str, None), "classes": ([str], None), "videos": {"*": _whole(0)},
        "broken": [{"path!": str, "reason": str}], "source": [str], "kind": (str, None),
        "split": ({"number!": (str, int), "of!": (str, int), "family!": str}, None),
    },
    "budget": {
        **_SPENT, "kept": (bool, None), "unit": (str, None),
        "shares": ({"*": float}, None), "meta": ({"steps": float, "flops": (float, None), "seconds": (float, None)}, None),
    },
    "weighting": ({"name": str, "options": dict, "terms": [str]}, None),
    "tasks": ({"*": {"accuracy": _share, "chance": _share, "explained": float, "active": bool}}, None),
    "weights": ({"best-validation": {"epoch!": float}}, None),
    "numbers": ({"*": float}, None),
    "recipe": ({"task!": str, "preset!": str, "hash!": str, "differ!": [str]}, None),
    "chance": (_share, None),
    "peak_memory": (_whole(0), None),
    "recall": [{"k!": _whole(1), "value": (_share, None), "groups": _counted}],
    "average_precision": ({"value": (_share, None), "groups": _counted}, None),
    "knn": [{"vote!": str, "k!": _whole(1), "groups!": _counted}],
    "similarity": {
        **dict.fromkeys(("a!", "b!"), ({"name!": str, "layers!": [str], "never!": [str], "facts!": _NETWORK}, None)),
        "measures!": {"*": {
            "mean_off_diagonal!": _NUMBER, "block_score!": _NUMBER,
            "inside_null!": (float, None), "profile": [(float, None)],
        }},
        "conditions!": [[(str, int)]], "replicates!": _whole(0, 10**6), "clips!": _whole(0), "groups": _whole(0), "pool!": str,
        "drift!": [{
            "type!": str, "severity!": _whole(0), **dict.fromkeys(("mean!", "first!", "last!"), (float, None)), "twin": _NUMBER,
        }],
    },
    "diversity": {
        "Rao": (float, None), "D0": (float, None),
        "points": [{"scope!": str, "names!": [str], "measures!": {"*": _NUMBER}, "naive!": {"*": (float, None)},
                    "cosines!": [[(float, None)]]}],
    },
    "neighbours": {"queries": [_VIDEO | {"nearest!": [_VIDEO]}]},
    "categories": ({"*": str}, None),
    "seen": ([str], None),
    "label_changing": ([str], None),
    "label_map": ({"*": {"*": {"*": str}}}, None),
    "order": ({"*": _moved}, None),
    "mean_angle": ({"*": {"*": float}}, None),
    "folds": [{"fold!": _whole(0), "signature!": str, "videos": {"*": _whole(0)}, "numbers": {"*": float}}],
    "regime": ({"name!": str, "labels!": str, "seen!": [_whole(0)]}, None),
    "parts": ({"*": [str]}, None),
    "identity": ({"equal": bool}, None),
    "lossless": ({"equal": bool}, None),
    "profile": (str, {"name": (str, int), "version": (str, int)}, None),
    "protocol": (str, {"hash": str, "clips": (_CUT, None), "question": (dict, None), **_CUT}, None),
    "model": (dict, None),
    "files": {"*": {"bytes!": _whole(0), "mtime_ns!": _whole(0, 2**63 - 1), "sha256!": _hash}},
    "sha256": _hash,
}  # fmt: skip
"""Kind of every field that something reads; a field may be absent, and those not named here are plain data of any kind."""
