import math

import pytest
import torch
from falling import falling_bars
from test_speed import rng, unchanged
from torch import Tensor, nn

from muybridge.backbones import BACKBONES
from muybridge.backbones.networks.r2plus1d import tiny
from muybridge.backbones.networks.vit import tiny as vit
from muybridge.core.clip import Clip
from muybridge.core.errors import UsageError
from muybridge.objectives.objective import Learner
from muybridge.objectives.pretext.masked import Masked, patchify, tubes, unpatchify


class Tokens(nn.Module):
    """A backbone whose tokens are the pixels of the visible tubes; keeps what it was given."""

    def __init__(self, tube: tuple[int, int, int] = (2, 4, 4)):
        super().__init__()
        self.tube, self.dim = tube, 3 * math.prod(tube)

    def grid(self, frames: int, size: int) -> tuple[int, int, int]:
        return frames // self.tube[0], size // self.tube[1], size // self.tube[2]

    def tokens(self, frames: Tensor, visible: Tensor) -> Tensor:
        self.given = patchify(frames, self.tube)[visible].reshape(len(frames), -1, self.dim)
        return self.given


def noise(videos: int, frames: int, size: int) -> Clip:
    pixels = torch.randint(0, 256, (videos, 3, frames, size, size), generator=rng(3), dtype=torch.uint8)
    return Clip(pixels, torch.full((videos,), -1), [str(i) for i in range(videos)])


def attached(backbone: nn.Module, frames: int = 8, size: int = 16, **options) -> Masked:
    task = Masked(backbone.dim, **({"width": 32, "depth": 1} | options))
    with torch.random.fork_rng():
        torch.manual_seed(0)
        task.attach(backbone, frames, size)
    return task


def test_tubes_are_cut_time_first_then_rows_then_columns():
    frames = torch.rand(2, 3, 4, 6, 8, generator=rng())
    cut = patchify(frames, (2, 3, 4))
    assert cut.shape == (2, 2 * 2 * 2, 24, 3)
    for n, (t, y, x) in enumerate((t, y, x) for t in (0, 2) for y in (0, 3) for x in (0, 4)):
        expected = frames[:, :, t : t + 2, y : y + 3, x : x + 4].flatten(2).transpose(1, 2)
        assert torch.equal(cut[:, n], expected)
    assert torch.equal(unpatchify(cut, (2, 2, 2), (2, 3, 4)), frames)


@pytest.mark.parametrize(
    ("side", "ratio", "seen"), [(14, 0.9, 20), (7, 0.9, 5), (4, 0.9, 2), (2, 0.75, 1), (2, 0.9, 1)]
)
def test_the_same_places_are_visible_at_all_times(side: int, ratio: float, seen: int):
    visible = tubes(50, (4, side, side), ratio, rng()).view(50, 4, side * side)
    assert (visible == visible[:, :1]).all()
    assert (visible.sum(2) == seen).all()
    assert len({tuple(row.tolist()) for row in visible[:, 0]}) > min(40, side * side - 1) / 2


def test_masks_choose_all_places_equally_often():
    share = tubes(4000, (1, 4, 4), 0.75, rng()).float().mean(0)
    assert (share - 0.25).abs().max() < 4 * math.sqrt(0.25 * 0.75 / 4000)


def test_the_encoder_gets_visible_tubes_and_grey_in_place_of_the_others():
    backbone, clip = Tokens(), noise(5, 8, 16)
    task = attached(backbone)
    views = task.views(clip, unchanged, rng())
    original, shown = (patchify(x, backbone.tube) for x in (clip.frames / 255, views["clip"]))
    visible = views["visible"]
    assert torch.equal(shown[visible], original[visible])
    assert (shown[~visible] == 0.5).all()
    task.outcome(backbone, views)
    assert backbone.given.shape == (5, int(visible[0].sum()), backbone.dim)


def test_targets_are_pixels_with_zero_mean_and_unit_deviation_per_colour():
    backbone, clip = Tokens(), noise(3, 4, 8)
    views = attached(backbone, 4, 8).views(clip, unchanged, rng())
    hidden = (~views["visible"]).nonzero().tolist()
    found = views["pixels"].flatten(0, 1)
    for (b, n), target in zip(hidden, found, strict=True):
        tube = patchify(clip.frames[b : b + 1].double() / 255, backbone.tube)[0, n]
        for c in range(3):
            values = tube[:, c].tolist()
            mean = sum(values) / len(values)
            deviation = math.sqrt(sum((v - mean) ** 2 for v in values) / (len(values) - 1))
            expected = torch.tensor([(v - mean) / (deviation + 1e-6) for v in values])
            torch.testing.assert_close(target[:, c], expected, rtol=1e-4, atol=1e-4)


def test_a_flat_tube_asks_for_nothing():
    grey = Clip(torch.full((2, 3, 4, 8, 8), 77, dtype=torch.uint8), torch.full((2,), -1), ["a", "b"])
    assert attached(Tokens(), 4, 8).views(grey, unchanged, rng())["pixels"].abs().max() < 0.1


class Answers(nn.Module):
    def __init__(self, answer: Tensor):
        super().__init__()
        self.answer = answer

    def forward(self, tokens: Tensor, visible: Tensor) -> Tensor:
        return self.answer


def test_the_error_is_that_of_the_masked_pixels_and_explained_its_complement():
    backbone = Tokens()
    task = attached(backbone)
    views = task.views(noise(4, 8, 16), unchanged, rng())
    pixels = views["pixels"].flatten(2)
    for answer, error, explained in (
        (pixels, 0.0, 1.0),
        (torch.zeros_like(pixels), pixels.square().mean().item(), 0.0),
        (0.5 * pixels, pixels.square().mean().item() / 4, 0.75),
    ):
        task.decoder = Answers(answer)
        outcome = task.outcome(backbone, views)
        assert outcome.terms["masked"].item() == pytest.approx(error, abs=1e-6)
        assert outcome.monitors["explained"].item() == pytest.approx(explained, abs=1e-6)


def test_the_decoder_answers_for_the_masked_places_in_their_order():
    task = attached(Tokens(), depth=1).eval()
    views = task.views(noise(3, 8, 16), unchanged, rng())
    tokens = task.decoder.embed(Tokens().tokens(views["clip"], views["visible"]))
    found = task.decoder(Tokens().tokens(views["clip"], views["visible"]), views["visible"])
    for b in range(3):
        sequence, seen = [], iter(tokens[b])
        for n, visible in enumerate(views["visible"][b].tolist()):
            sequence.append((next(seen) if visible else task.decoder.mask) + task.decoder.positions[n])
        x = task.decoder.norm(task.decoder.blocks[0](torch.stack(sequence)[None]))[0]
        torch.testing.assert_close(found[b], task.decoder.head(x[~views["visible"][b]]), rtol=1e-4, atol=1e-5)


def test_equal_generators_mask_alike():
    task = attached(Tokens())
    one, same, other = (task.views(noise(4, 8, 16), unchanged, rng(seed)) for seed in (1, 1, 2))
    assert all(torch.equal(one[name], same[name]) for name in one)
    assert not torch.equal(one["visible"], other["visible"])


def test_the_error_reaches_the_backbone_and_the_decoder():
    backbone = vit(dim=24, depth=1, heads=2)
    learner = Learner(backbone, Masked(24, width=16, depth=1), 4, 16)
    learner(learner.objective.views(noise(4, 4, 16), unchanged, rng())).terms["masked"].backward()
    without = [name for name, p in learner.named_parameters() if p.grad is None or not p.grad.any()]
    assert without == []


def test_a_small_transformer_learns_to_complete_falling_bars():
    torch.manual_seed(0)
    task = Masked(48, ratio=0.75, width=32, depth=1)
    learner = Learner(vit(dim=48, depth=2, heads=2, tube=(2, 8, 8)), task, 4, 32)
    optimiser = torch.optim.AdamW(learner.parameters(), 3e-3)
    for step in range(121):
        outcome = learner(task.views(falling_bars(32, 4, 32, rng(step)), unchanged, rng(step)))
        optimiser.zero_grad()
        outcome.terms["masked"].backward()
        optimiser.step()
        if step == 0:
            assert outcome.monitors["explained"] < 0.05
    assert outcome.monitors["explained"] > 0.2


# refusals


def test_a_backbone_without_tokens_is_refused():
    with pytest.raises(UsageError, match="no tokens") as refusal:
        Masked(128).attach(tiny(), 8, 32)
    named = str(refusal.value).split("(--backbone): ")[1].rstrip(".").split(", ")
    assert "vit-tiny" in named
    assert set(named) <= set(BACKBONES)


@pytest.mark.parametrize(("frames", "size"), [(7, 16), (8, 18)])
def test_clips_that_do_not_divide_into_tubes_are_refused(frames: int, size: int):
    with pytest.raises(UsageError, match=r"tubes of 2x4x4.*multiple of 2 .*of 4 "):
        Masked(96).attach(Tokens(), frames, size)


@pytest.mark.parametrize("wrong", [{"ratio": 0.0}, {"ratio": 1.0}, {"width": 31}, {"width": 0}, {"depth": 0}])
def test_impossible_options_are_refused(wrong: dict):
    with pytest.raises(ValueError, match=r"masked: .*wanted"):
        Masked(96, **wrong)


def test_the_caption_says_how_much_is_masked():
    assert Masked(96, 0.75).caption(0) == "75% of the tubes masked"
