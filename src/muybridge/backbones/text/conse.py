"""ConSE: zero-shot answers of a classifier with a closed list of classes, through the meaning of their names.

Norouzi et al., Zero-shot learning by convex combination of semantic embeddings, ICLR 2014: the embedding of a clip is the mean of the
embeddings of the T classes with the highest posteriors, weighted by these (eq. 2 and 3); its score for a new class is the cosine of both
(eq. 4). Departure: embeddings of the known classes have length one before they are averaged.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from muybridge.backbones.text.dual import DualEncoder, unit
from muybridge.backbones.text.word_vectors import Texts
from muybridge.core.errors import UsageError
from muybridge.core.networks.gather import wide


class Conse(DualEncoder):
    """A classifier and an embedding of texts as a dual encoder.

    Args:
        classifier: frames in [0, 1] to logits ``b s``.
        known: what is said of its classes, in the order of its scores.
        texts: embeds these and the new names.
        top: posteriors that count; all where there are fewer.
    """

    known: Tensor

    def __init__(
        self, name: str, classifier: nn.Module, known: Sequence[str], texts: Texts, top: int = 10
    ) -> None:
        super().__init__()
        if top < 1:
            raise UsageError(f"--conse-top {top}: wanted 1 or more.")
        self.name, self.classifier, self.texts, self.top = (
            name,
            classifier.eval(),
            texts,
            min(top, len(known)),
        )
        self.clip_frames = getattr(classifier, "clip_frames", None)
        self.clip_size = getattr(classifier, "clip_size", None)
        with torch.inference_mode():
            self.register_buffer("known", unit(texts(known)).clone(), persistent=False)
        self.facts = {"conse_top": self.top, "words": texts.name, "known_classes": len(known)}

    def video(self, frames: Float[Tensor, "b 3 t h w"]) -> Float[Tensor, "b d"]:
        """Convex combination of the embeddings of the classes that the classifier believes in.

        Raises:
            UsageError: a classifier with another number of classes.
        """
        logits = wide(self.classifier(frames))
        if logits.ndim != 2 or logits.shape[1] != len(self.known):
            raise UsageError(
                f"model {self.name}: {tuple(logits.shape)} scores for {len(self.known)} named classes. Name them with --classes FILE."
            )
        posterior, place = logits.softmax(dim=1).topk(self.top, dim=1)
        weight = posterior / posterior.sum(dim=1, keepdim=True)
        return torch.einsum("bt,btd->bd", weight, self.known[place])

    def text(self, prompts: Sequence[str]) -> Float[Tensor, "n d"]:
        """Embeddings of new names."""
        return unit(self.texts(prompts))
