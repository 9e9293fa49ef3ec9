import pytest
import torch
from clips import noise, rng, smooth

from muybridge.augment import chain
from muybridge.augment.chain import CHAINS, STEPS, augment, spell
from muybridge.augment.colouring import identity, recolour, saturation_matrix
from muybridge.augment.geometry import centre_crop, crop
from muybridge.augment.steps import Blur, Crop, Flip, Gamma, Gray, Jitter, Solarise
from muybridge.core.errors import UsageError

SPELT = [(), *((word,) for word in (*STEPS, *CHAINS)), ("crop", "flip", "jitter"), ("jitter", "crop")]
DRAWS_NOTHING = {(), ("centre-crop",), ("resize",), ("prp",)}


@pytest.mark.parametrize("steps", SPELT, ids=str)
def test_chains_are_deterministic_per_generator_and_leave_the_input_alone(steps):
    frames = noise(h=24, w=29)
    first = augment(frames, steps, 20, rng(1))
    assert first.shape == (6, 3, 3, 20, 20)
    assert first.dtype == torch.uint8
    assert torch.equal(first, augment(frames, steps, 20, rng(1)))
    assert torch.equal(frames, noise(h=24, w=29))
    assert torch.equal(first, augment(frames, steps, 20, rng(2))) == (steps in DRAWS_NOTHING)


@pytest.mark.parametrize("steps", SPELT, ids=str)
def test_all_frames_of_a_clip_are_changed_alike(steps):
    still = noise(t=1, h=24, w=29).expand(-1, -1, 4, -1, -1)
    changed = augment(still, steps, 20, rng())
    assert (changed == changed[:, :, :1]).all()
    assert torch.equal(changed[:, :, :1], augment(still[:, :, :1], steps, 20, rng())), (
        "a single frame is a clip"
    )


@pytest.mark.parametrize("steps", SPELT, ids=str)
def test_a_clip_does_not_see_the_others_of_its_batch(steps, monkeypatch: pytest.MonkeyPatch):
    """The other clips are exchanged, the draws stay; and the number of clips per float pass makes no difference."""
    frames = smooth(b=5, h=40, w=52)
    together = augment(frames, steps, 32, rng(3))
    alone = torch.zeros_like(frames)
    alone[2] = frames[2]
    assert torch.equal(augment(alone, steps, 32, rng(3))[2], together[2])
    for values in (1, 2 * 3 * 3 * 32 * 32):
        monkeypatch.setattr(chain, "CHUNK", values)
        assert torch.equal(augment(frames, steps, 32, rng(3)), together)


def test_a_crop_draws_rows_then_columns():
    one = rng(5)
    top, left = torch.randint(4, (6,), generator=one), torch.randint(6, (6,), generator=one)
    assert torch.equal(augment(noise(), ("crop",), 6, rng(5)), crop(noise(), top, left, 6))


def test_a_chain_without_crop_takes_the_middle_window():
    assert torch.equal(augment(noise(), (), 6, rng()), centre_crop(noise(), 6))
    middle = Flip().place(centre_crop(noise(), 6), 6, rng())
    assert torch.equal(augment(noise(), ("flip",), 6, rng()), middle)


def test_a_chain_applies_its_steps_in_the_order_given():
    one = rng(4)
    cropped = Flip().place(Crop().place(noise(), 6, one), 6, one)
    by_hand = chain._change(cropped, [Jitter()], one)
    assert torch.equal(augment(noise(), ("crop", "flip", "jitter"), 6, rng(4)), by_hand)
    dark, bright = (
        augment(smooth(), ("gamma", "solarise"), 32, rng(1)),
        augment(smooth(), ("solarise", "gamma"), 32, rng(1)),
    )
    assert not torch.equal(dark, bright)


@pytest.mark.parametrize("step", [Gray, Gamma, Blur, Solarise, Jitter])
def test_a_probability_of_zero_leaves_all_clips_and_of_one_changes_all(step):
    frames = smooth()
    assert torch.equal(chain._change(frames, [step(p=0.0)], rng()), frames)
    changed = chain._change(frames, [step(p=1.0)], rng(1))
    assert all(not torch.equal(a, b) for a, b in zip(frames, changed, strict=True))


def test_a_part_of_the_clips_is_changed_the_others_keep_their_bits():
    frames = noise(b=200, t=1)
    for step in (Gray(0.2), Gamma(p=0.2), Blur(p=0.2), Solarise(p=0.2), Jitter(p=0.2)):
        changed = chain._change(frames.repeat(1, 1, 1, 3, 3), [step], rng())
        touched = (changed != frames.repeat(1, 1, 1, 3, 3)).flatten(1).any(1).float().mean()
        assert abs(touched - 0.2) < 4 * 0.4 / 200**0.5


def test_the_float_pass_rounds_once():
    """Two steps that undo each other return the bytes; rounding in between would not."""
    frames = smooth()
    there = Jitter(0, 0, 0, 0)
    dark, bright = Gamma((2.0, 2.0), p=1.0), Gamma((0.5, 0.5), p=1.0)
    assert torch.equal(chain._change(frames, [dark, there, bright], rng()), frames)


@pytest.mark.parametrize("steps", [(Gamma(p=0.7),), (Solarise(p=0.7), Gamma((0.3, 3.0), p=0.7))], ids=str)
def test_values_that_are_looked_up_are_those_of_the_float_pass(steps):
    """Of every byte, in every clip."""
    frames = torch.arange(256, dtype=torch.uint8).view(1, 1, 1, 16, 16).expand(40, 3, 2, -1, -1)
    one = rng(2)
    drawn = [step.draw(40, one) for step in steps]
    slow = chain._pass(frames.float(), steps, drawn).round().to(torch.uint8)
    assert torch.equal(chain._change(frames, steps, rng(2)), slow)


def test_gray_is_one_channel_for_three_and_colour_may_follow():
    frames = smooth(b=4)
    flat, none = frames.flatten(2).float(), torch.zeros(4)
    grey = identity(flat).then(saturation_matrix(none))
    assert recolour(flat, grey).shape[1] == 1
    whole = torch.baddbmm(grey.offset, grey.matrix, flat).clamp(0, 255)
    assert torch.equal(recolour(flat, grey).expand_as(whole), whole)
    mixed = identity(flat).then(saturation_matrix(torch.tensor([0.0, 1, 0, 0])))
    assert recolour(flat, mixed).shape[1] == 3
    blurred = chain._change(frames, [Gray(1.0), Blur(p=1.0), Jitter(0.4, 0.4, 0.4, 0.0)], rng())
    assert torch.equal(blurred, blurred[:, :1].expand_as(blurred))


def test_words_are_spelt_one_after_the_other():
    assert spell(("tdl", "flip")) == (*CHAINS["tdl"], Flip())


def test_the_second_view_of_cvrl_has_its_own_list():
    assert CHAINS["cvrl-2"][:4] == CHAINS["cvrl"][:4]
    assert [step.p for step in CHAINS["cvrl-2"] if isinstance(step, Blur | Solarise)] == [0.1, 0.2]
    assert [step.p for step in CHAINS["cvrl"] if isinstance(step, Blur | Solarise)] == [1.0]


def test_an_unknown_step_is_refused_with_the_nearest_name():
    with pytest.raises(UsageError, match=r"--augment filp: unknown\. Did you mean 'flip'\?"):
        augment(noise(), ("crop", "filp"), 6, rng())


def test_the_config_offers_what_there_is():
    from typing import get_args

    from muybridge.config.stage_configs import Step

    assert set(get_args(Step)) == {*STEPS, *CHAINS}


GOLDEN = {
    "benchmark": [[101.44, 104.49, 98.75], [160.94, 162.93, 166.7]],
    "benchmark-cvrl": [[101.44, 104.49, 98.75], [140.57, 140.57, 140.57]],
    "vcop": [[130.96, 112.99, 129.23], [137.11, 132.04, 124.22]],
    "prp": [[126.39, 115.39, 130.51], [132.39, 122.78, 136.8]],
    "cvrl": [[220.68, 210.34, 209.55], [105.34, 97.16, 103.45]],
    "cvrl-2": [[220.68, 210.33, 209.55], [105.42, 97.13, 103.42]],
    "tdl": [[89.85, 86.37, 84.86], [179.07, 174.66, 175.24]],
    "rspnet": [[161.27, 172.83, 146.63], [114.48, 115.97, 110.96]],
    "rspnet-finetune": [[140.92, 130.18, 130.5], [132.04, 125.08, 133.74]],
    "severe": [[188.45, 176.62, 189.88], [119.79, 109.87, 111.77]],
}  # fmt: skip
"""Mean red, green and blue of the left half of two clips: what a fixed seed gives, up to the rounding of different machines."""


@pytest.mark.parametrize("name", CHAINS)
def test_a_fixed_seed_gives_the_same_pictures_as_ever(name: str):
    means = augment(smooth(), (name,), 32, rng(13))[..., :16].float().mean((2, 3, 4))
    torch.testing.assert_close(means, torch.tensor(GOLDEN[name]), atol=0.05, rtol=0)
