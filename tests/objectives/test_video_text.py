"""video-text: both losses against their formulas, captions that repeat, and a text encoder that reads its own words only."""

import math
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from muybridge.core import seeding
from muybridge.core.clip import Clip
from muybridge.core.errors import UsageError
from muybridge.core.networks.features import Features
from muybridge.objectives.language.video_text import VideoText
from muybridge.objectives.language.vocabulary import TextEncoder, packed, unpacked, vocabulary, words_of
from muybridge.objectives.objective import Learner

TEXTS = {
    "a": "the digit three moves left",
    "b": "the digit two appears",
    "c": "the digit three moves left",
    "d": "a cat",
}


class Mean(nn.Module):
    """Mean colour."""

    def forward(self, frames: torch.Tensor) -> Features:
        return Features(frames.mean(dim=(2, 3, 4)))


def clip() -> Clip:
    pixels = torch.randint(
        0, 256, (4, 3, 2, 4, 4), generator=torch.Generator().manual_seed(0), dtype=torch.uint8
    )
    return Clip(pixels, torch.full((4,), -1), tuple(TEXTS))


def objective(**options) -> VideoText:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        made = VideoText(3, **({"width": 8, "layers": 0} | options))
        made.read(TEXTS)
    return made


def similarities(made: VideoText, views: dict) -> torch.Tensor:
    video = F.normalize(made.project(Mean()(views["clip"]).pooled), dim=1)
    return video @ F.normalize(made.text(views["words"]), dim=1).T * made.scale.exp()


@pytest.mark.parametrize("layers", [0, 2])
def test_infonce_is_cross_entropy_both_ways_with_equal_sentences_as_positives(layers: int):
    made = objective(layers=layers)
    views = made.views(clip(), lambda frames, rng, view=0: frames, seeding.generator(0))
    outcome = Learner(Mean(), made)(views)
    logits = similarities(made, views)
    same = torch.eye(4)
    same[0, 2] = same[2, 0] = 1
    target = same / same.sum(1, keepdim=True)
    expected = (
        -(target * logits.log_softmax(1)).sum(1).mean() / 2
        - (target * logits.T.log_softmax(1)).sum(1).mean() / 2
    )
    torch.testing.assert_close(outcome.terms["video-text"], expected)
    assert outcome.monitors["chance"] == pytest.approx(6 / 16)
    outcome.terms["video-text"].backward()
    assert all(p.grad is not None and p.grad.any() for p in made.parameters())


def test_sigmoid_judges_every_pair_by_itself():
    made = objective(loss="sigmoid")
    views = made.views(clip(), lambda frames, rng, view=0: frames, seeding.generator(0))
    logits = (similarities(made, views) + made.bias).detach()
    assert (float(made.scale.detach().exp()), float(made.bias.detach())) == pytest.approx((10.0, -10.0))
    total = 0.0
    for i, one in enumerate(TEXTS.values()):
        for j, other in enumerate(TEXTS.values()):
            sign = 1 if one == other else -1
            total += math.log1p(math.exp(-sign * float(logits[i, j])))
    assert float(Learner(Mean(), made)(views).terms["video-text"].detach()) == pytest.approx(
        total / 4, rel=1e-5
    )


def test_a_mean_of_words_forgets_their_order_and_a_transformer_does_not():
    for layers, alike in ((0, True), (2, False)):
        with torch.random.fork_rng():
            torch.manual_seed(0)
            encoder = TextEncoder(vocabulary(TEXTS.values()), 8, layers).eval()
        first, second = encoder(encoder.tokens(["three digit moves", "moves three digit"]))
        assert torch.allclose(first, second, atol=1e-5) is alike


@pytest.mark.parametrize("layers", [0, 2])
def test_filling_and_company_do_not_reach_an_embedding(layers: int):
    encoder = TextEncoder(vocabulary(TEXTS.values()), 8, layers).eval()
    alone = encoder(encoder.tokens(["two appears"]))
    together = encoder(encoder.tokens(["the digit three moves left", "two appears"]))
    torch.testing.assert_close(alone[0], together[1], atol=1e-6, rtol=1e-5)


def test_words_that_were_never_read_are_refused_and_named():
    encoder = TextEncoder(vocabulary(TEXTS.values()), 8)
    with pytest.raises(UsageError, match=r"does not know 2 words \(dog, котик\): it was trained on 9"):
        encoder.tokens(["a котик", "a dog"])
    with pytest.raises(UsageError, match="wanted 1 to 32 words"):
        encoder.tokens(["..."])
    assert encoder.tokens(["a dog moves"], strict=False)[0, :3].tolist() == [
        encoder.places["a"],
        encoder.places["moves"],
        0,
    ]


def test_a_vocabulary_survives_a_file_of_weights(tmp_path: Path):
    from safetensors.torch import load_file, save_file

    words = vocabulary(["Ein Bär läuft", "東京 2020"])
    assert words_of("Brush_Hair!") == ["brush", "hair"]
    save_file({"words": packed(words)}, tmp_path / "w.safetensors")
    assert unpacked(load_file(tmp_path / "w.safetensors")["words"]) == words


def test_a_video_without_a_sentence_is_named():
    made = VideoText(3, width=8, layers=0)
    made.read({"a": "one"})
    with pytest.raises(UsageError, match="b: no sentence is known"):
        made.views(clip(), lambda frames, rng, view=0: frames, seeding.generator(0))
    with pytest.raises(ValueError, match="wanted infonce or sigmoid"):
        VideoText(3, loss="triplet")  # type: ignore[arg-type]
