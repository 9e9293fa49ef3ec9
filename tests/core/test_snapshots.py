"""Names and steps of snapshots."""

import pytest

from muybridge.runs.contents.snapshots import SHARES, name_of, split, steps_of


def test_a_snapshot_is_told_from_a_folder_and_from_public_weights():
    assert split("/a/runs/pretrain/0f/weights-50.safetensors") == ("/a/runs/pretrain/0f", 50)
    for other in (
        "random",
        "",
        "/a/runs/pretrain/0f",
        "/a/weights-50.safetensors",
        "/a/runs/pretrain/0f/weights-51.safetensors",
    ):
        assert split(other) == (other, None)


def test_names_and_shares_belong_together():
    assert [split(f"x/pretrain/0f/{name_of(share)}")[1] for share in SHARES] == list(SHARES)


@pytest.mark.parametrize("steps", [1, 2, 3, 4, 7, 100, 625])
def test_every_share_is_kept_once_within_the_run(steps):
    kept = steps_of(steps)
    assert sorted(share for shares in kept.values() for share in shares) == list(SHARES)
    assert all(1 <= step <= steps for step in kept)
    if steps >= 4:
        assert all(
            abs(step - steps * share / 100) <= 0.5 for step, shares in kept.items() for share in shares
        )
