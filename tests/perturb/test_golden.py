"""Every profile, type and severity on a fixed clip against stored checksums: the same bits on every machine."""

import json

import numpy as np
import pytest
import torch
from golden_clip import EVERY, checksum, golden_clip, perturbed
from make_golden import FILE, floating, versions

from muybridge.perturb import PERTURBATIONS
from muybridge.perturb.profiles import PROFILES, SEVERITIES

GOLDEN = json.loads(FILE.read_text())
CELLS = [(profile.name, type) for profile in PROFILES.values() for type in profile.types]


def other_libraries(type: str) -> str:
    """Which libraries of a digital type differ from those the table was made with."""
    used = {"jpeg"} if type == "jpeg" else set(GOLDEN["versions"]) - {"jpeg"}
    now = versions()
    return ", ".join(
        f"{name} {now[name]} for {GOLDEN['versions'][name]}"
        for name in sorted(used)
        if now[name] != GOLDEN["versions"][name]
    )


@pytest.mark.parametrize(("profile", "type"), CELLS)
def test_every_severity_gives_the_stored_frames(profile: str, type: str):
    if PERTURBATIONS[type].facts["category"] == "digital" and other_libraries(type):
        pytest.skip(f"checksums of {type} need the libraries they were made with: {other_libraries(type)}")
    stored = GOLDEN["cells"][PROFILES[profile].label][type]
    for severity, expected in zip(SEVERITIES, stored["checksums"], strict=True):
        frames = perturbed(profile, type, severity)
        if floating(type) and checksum(frames) != expected:
            part = frames[EVERY].numpy().astype(int)
            before = np.frombuffer(bytes.fromhex(stored["parts"][severity - 1]), np.uint8).reshape(part.shape)
            assert np.abs(part - before).max() <= 1, (profile, type, severity)
        else:
            assert checksum(frames) == expected, (profile, type, severity)


def test_the_table_holds_every_cell_and_no_other():
    assert {label: set(types) for label, types in GOLDEN["cells"].items()} == {
        profile.label: set(profile.types) for profile in PROFILES.values()
    }


def test_the_control_returns_the_clip():
    assert torch.equal(perturbed("muybridge-1", "lossless", 0), golden_clip().frames)
    assert torch.equal(perturbed("muybridge-1", "clean", 0), golden_clip().frames)
