"""video-text: a clip and the sentence about it attract each other, other sentences repel.

Radford et al., Learning transferable visual models from natural language supervision (CLIP), ICML 2021, sec. 2.3, for ``loss=infonce``;
Zhai et al., Sigmoid loss for language image pre-training (SigLIP), ICCV 2023, alg. 1, for ``loss=sigmoid``. Departure: clips whose
sentences are word for word the same are no negatives of each other but positives (Yang et al., UniCL, CVPR 2022, eq. 2), since small
sets of captions repeat.
"""

import math
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Literal

import torch
from jaxtyping import Bool, Float
from torch import Generator, Tensor, nn
from torch.nn import functional as F

from muybridge.core.clip import Clip, to_unit
from muybridge.core.errors import UsageError
from muybridge.core.networks.features import Head
from muybridge.core.networks.gather import gather
from muybridge.objectives.contrastive.contrast import scores, unit
from muybridge.objectives.language.vocabulary import TextEncoder, vocabulary
from muybridge.objectives.objective import Augment, Encode, Objective, Outcome, Views

MOST_SCALE = math.log(100)
"""Of the logits, as CLIP clips it."""


class VideoText(Objective):
    """A projection of the clip's feature, a text encoder with a vocabulary of its own, and their similarities.

    Args:
        dim: length of the backbone's feature.
        width: length of both embeddings.
        layers: transformer blocks of the text encoder; 0 takes the mean of the words.
        longest: words of a sentence, at most.
        loss: ``infonce`` or ``sigmoid``.
    """

    clips = 1
    language = True

    def __init__(
        self,
        dim: int,
        width: int = 256,
        layers: int = 4,
        longest: int = 32,
        loss: Literal["infonce", "sigmoid"] = "infonce",
    ) -> None:
        super().__init__()
        if loss not in ("infonce", "sigmoid"):
            raise ValueError(f"video-text: loss={loss!r}; wanted infonce or sigmoid")
        if min(width, longest) < 1 or layers < 0 or (layers and width % 4):
            raise ValueError(
                f"video-text: width={width}, layers={layers}, longest={longest}; wanted 1 or more, with layers a multiple of 4"
            )
        self.width, self.layers, self.longest, self.loss = width, layers, longest, loss
        self.chance = 0.5
        self.project = Head(dim, width)
        start = (math.log(1 / 0.07), 0.0) if loss == "infonce" else (math.log(10), -10.0)
        self.scale = nn.Parameter(torch.tensor(start[0]))
        if loss == "sigmoid":
            self.bias = nn.Parameter(torch.tensor(start[1]))
        self.captions: dict[str, Tensor] = {}

    def read(self, captions: Mapping[str, str], others: Mapping[str, str] = MappingProxyType({})) -> None:
        """Build the text encoder on the words of the training captions.

        Args:
            captions: of the training videos, by id.
            others: of videos that are only looked at; their words that no training caption has are left out.

        Raises:
            UsageError: a training caption without words, or with too many.
        """
        self.build(vocabulary(captions.values()))
        for part, strict in ((captions, True), (others, False)):
            rows = self.text.tokens(list(part.values()), strict)
            self.captions |= dict(zip(part, rows, strict=True))

    def build(self, words: Sequence[str]) -> None:
        """Make the text encoder of a vocabulary."""
        self.text = TextEncoder(words, self.width, self.layers, self.longest)

    def needs(self, videos: int, dataset: int) -> None:
        """At least two videos a step."""
        if videos < 2:
            raise UsageError(
                f"--objective video-text: {videos} video a step leaves nothing to compare with; wanted --batch 2 or more."
            )

    def views(self, clip: Clip, augment: Augment, rng: Generator) -> Views:
        """The augmented clip and the words of its sentence.

        Raises:
            UsageError: a video without a sentence.
        """
        lacking = next((name for name in clip.video if name not in self.captions), None)
        if lacking is not None:
            raise UsageError(
                f"{lacking}: no sentence is known about this video. Fill its caption, or take it off the list."
            )
        words = torch.stack([self.captions[name] for name in clip.video])
        return {"clip": to_unit(augment(clip.frames, rng)), "words": words.to(clip.frames.device)}

    def outcome(self, encode: Encode, views: Views) -> Outcome:
        """The loss; ``accuracy`` counts clips whose own sentence is nearest among those of the batch."""
        words = views["words"]
        video, text = unit(self.project(encode(views["clip"]).pooled)), unit(self.text(words))
        every = gather(words)
        alike = (words[:, None] == every[None]).all(dim=2)
        forward, backward = self.logits(video, gather(text)), self.logits(text, gather(video))
        right = alike[torch.arange(len(words), device=words.device), forward.detach().argmax(1)]
        monitors = {"accuracy": right.float().mean(), "chance": alike.float().mean()}
        return Outcome({"video-text": self.measure(forward, backward, alike)}, monitors)

    def logits(self, rows: Float[Tensor, "b e"], others: Float[Tensor, "n e"]) -> Float[Tensor, "b n"]:
        """Scaled similarities."""
        found = scores(rows, others) * self.scale.clamp(max=MOST_SCALE).exp()
        return found + self.bias if self.loss == "sigmoid" else found

    def measure(
        self, forward: Float[Tensor, "b n"], backward: Float[Tensor, "b n"], alike: Bool[Tensor, "b n"]
    ) -> Float[Tensor, ""]:
        """The loss of this process's clips and sentences; ``alike`` marks the positives among all."""
        if self.loss == "sigmoid":
            signs = torch.where(alike, 1.0, -1.0)
            return -F.logsigmoid(signs * forward).sum(1).mean()
        target = alike.float() / alike.sum(1, keepdim=True)
        return (F.cross_entropy(forward, target) + F.cross_entropy(backward, target)) / 2

    def caption(self, target: int) -> str:
        """What the strip shows."""
        return "a clip that its sentence attracts"
