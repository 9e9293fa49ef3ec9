"""Write golden.json anew: ``python tests/perturb/make_golden.py``. Only when a profile's version is raised."""

import json
from pathlib import Path

from golden_clip import checksum, perturbed, thinned
from PIL import features

from muybridge.perturb import PERTURBATIONS, codec
from muybridge.perturb.profiles import PROFILES, SEVERITIES

FILE = Path(__file__).with_name("golden.json")
FLOATING = ("blur", "camera", "weather", "colour")


def floating(type: str) -> bool:
    """Whether machines may differ by a level."""
    return PERTURBATIONS[type].facts["category"] in FLOATING or type == "frame_average"


def versions() -> dict[str, str]:
    """Libraries that decide the bits of the digital types."""
    return {**codec.versions(), "jpeg": str(features.version("jpg"))}


def cells(profile: str, type: str) -> dict[str, list[str]]:
    """Checksums and, in floating point, a part of the frames at severities 1 to 5."""
    frames = [perturbed(profile, type, severity) for severity in SEVERITIES]
    found = {"checksums": [checksum(one) for one in frames]}
    return found | ({"parts": [thinned(one) for one in frames]} if floating(type) else {})


if __name__ == "__main__":
    table = {
        profile.label: {type: cells(profile.name, type) for type in profile.types}
        for profile in PROFILES.values()
    }
    FILE.write_text(json.dumps({"versions": versions(), "cells": table}, indent=1) + "\n")
