"""What may stand in one table: runs of one profile of perturbations and one evaluation protocol; and noise seeds."""

from collections import defaultdict
from typing import Any, NamedTuple

from muybridge.core.plain_data import canonical
from muybridge.core.text.plurals import counted
from muybridge.runs.records import Run
from muybridge.runs.signing import NOT_SIGNED

Key = tuple[str, str, str, "Variant"]


class Variant(NamedTuple):
    """What splits runs of one protocol and data set: profile of perturbations, hash of the evaluation protocol, backbone, clips."""

    profile: str
    hash: str
    backbone: str
    clip: str = ""


def variant(run: Run) -> Variant:
    """Profile, protocol hash, backbone and clips of a run; empty where it does not say."""
    told = protocol_of(run).get("hash")
    backbone = run.result.get("facets", {}).get("backbone")
    return Variant(profile_of(run), str(told or ""), str(backbone or ""), clip_of(run))


def protocol_of(run: Run) -> dict[str, Any]:
    """What a run says of its evaluation protocol; empty where it does not say, or only its name."""
    told = run.result.get("protocol")
    return told if isinstance(told, dict) else {}


def clip_of(run: Run) -> str:
    """Frames and step of the clips that a network was tested with, as ``8x3``, or ``8 uniform``; empty where it does not say."""
    protocol = protocol_of(run)
    clips = protocol.get("clips") or protocol
    if clips.get("sampling") == "uniform" and "frames" in clips:
        return f"{clips['frames']} uniform"
    return f"{clips['frames']}x{clips['stride']}" if {"frames", "stride"} <= set(clips) else ""


def profile_of(run: Run) -> str:
    """Name and version of the profile of perturbations: ``"muybridge-1/1"``, or what the run calls it."""
    said = run.result.get("profile") or ""
    if isinstance(said, dict):
        return "/".join(str(said[key]) for key in ("name", "version") if key in said)
    return str(said)


def name_variants(places: list[Key]) -> dict[Key, str]:
    """Words per experiment: its profile, and backbone, and clips or else the protocol hash, where only they tell it from another one."""
    alike: dict[tuple[str, ...], list[Variant]] = defaultdict(list)
    for *facets, one in places:
        alike[*facets, one.profile].append(one)
    words = {}
    for place in places:
        own = place[3]
        rivals = alike[*place[:3], own.profile]
        twins = [other for other in rivals if other.backbone == own.backbone]
        backbone = own.backbone if any(other.backbone != own.backbone for other in rivals) else ""
        tail = f"protocol {own.hash[:6] or 'not told'}" if len(twins) > 1 else ""
        if tail and own.clip and len({other.clip for other in twins}) == len(twins):
            frames, cross, step = own.clip.partition("x")
            number, _, how = frames.partition(" ")
            tail = f"clips of {counted(int(number), 'frame')}, {f'step {step}' if cross else how}"
        words[place] = ", ".join(part for part in (backbone, own.profile, tail) if part)
    return words


def repeats(runs: list[Run]) -> tuple[list[Run], dict[str, list[Run]]]:
    """Set apart robustness runs that differ only in the seed of the perturbations' noise.

    Returns:
        The runs to be shown (of such runs the one with the lowest seed), and its twins by its signature.
    """
    same: dict[str, list[Run]] = defaultdict(list)
    for run in runs:
        same[_but_for_noise(run)].append(run)
    first: dict[str, list[Run]] = {}
    hidden: set[str] = set()
    for twins in same.values():
        lowest, *others = sorted(twins, key=lambda run: (noise_seed(run), run.signature))
        if others:
            first[lowest.signature] = others
            hidden |= {run.signature for run in others}
    return [run for run in runs if run.signature not in hidden], first


def noise_seed(run: Run) -> int:
    """Seed of the perturbations' noise."""
    return int(run.result.get("config", {}).get("seed") or 0)


def _but_for_noise(run: Run) -> str:
    """What must be equal in runs that differ in noise only; the signature for runs of other stages."""
    result = run.result
    if run.stage != "robustness" or not (result.get("inputs") or result.get("model")):
        return run.signature
    config = {
        key: value for key, value in result.get("config", {}).items() if key not in {*NOT_SIGNED, "seed"}
    }
    told: dict[str, object] = {
        key: result.get(key) for key in ("inputs", "model", "profile", "protocol", "facets")
    }
    told["data"] = result.get("data", {}).get("fingerprint")
    return canonical({**told, "config": config})
