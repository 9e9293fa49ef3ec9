"""A small text encoder with a vocabulary of its own: words of the training captions, their embeddings, and how a sentence is made of them.

The vocabulary lies in a buffer, so that a file of weights holds it and nothing else is needed to read a sentence again.
"""

import re
from collections.abc import Iterable, Sequence

import torch
from jaxtyping import Float, Int64, UInt8
from torch import Tensor, nn

from muybridge.core.errors import UsageError
from muybridge.core.networks.features import Head

WORD = re.compile(r"[^\W_]+")
LEAST = 1e-6


def words_of(text: str) -> list[str]:
    """The words of a sentence: runs of letters and digits of any alphabet, without capitals."""
    return WORD.findall(text.casefold())


def vocabulary(texts: Iterable[str]) -> tuple[str, ...]:
    """Every word of some sentences, sorted."""
    return tuple(sorted({word for text in texts for word in words_of(text)}))


def packed(words: Sequence[str]) -> UInt8[Tensor, "n"]:
    """A vocabulary as bytes, for a file of weights."""
    return torch.tensor(list("\n".join(words).encode()), dtype=torch.uint8)


def unpacked(content: UInt8[Tensor, "n"]) -> tuple[str, ...]:
    """The vocabulary in ``packed`` bytes.

    Raises:
        UsageError: they are none.
    """
    try:
        return tuple(bytes(content.tolist()).decode().split("\n"))
    except UnicodeDecodeError as error:
        raise UsageError("the vocabulary in the weights is damaged; pretrain again.") from error


class TextEncoder(nn.Module):
    """Words to one embedding per sentence.

    Without layers a sentence is the mean of its words, so that what is known of each word holds in sentences that were never seen; with
    layers a transformer looks at their order first (pre-norm blocks, learnt positions).

    Args:
        words: the vocabulary.
        width: length of an embedding.
        layers: transformer blocks in front of the mean.
        longest: words of a sentence, at most.
    """

    content: Tensor

    def __init__(self, words: Sequence[str], width: int, layers: int = 0, longest: int = 32) -> None:
        super().__init__()
        self.words, self.longest = tuple(words), longest
        self.places = {word: place for place, word in enumerate(self.words, 1)}
        self.register_buffer("content", packed(self.words))
        self.embedding = nn.Embedding(len(self.words) + 1, width, padding_idx=0)
        self.positions = nn.Parameter(torch.randn(longest, width) * 0.02) if layers else None
        block = [
            nn.TransformerEncoderLayer(width, 4, 2 * width, 0.0, batch_first=True, norm_first=True)
            for _ in range(layers)
        ]
        self.blocks = nn.ModuleList(block)
        self.project = Head(width, width)

    def tokens(self, texts: Sequence[str], strict: bool = True) -> Int64[Tensor, "n l"]:
        """Numbers of the words, from 1, filled up with 0.

        Args:
            texts: sentences.
            strict: whether a word that is not in the vocabulary is refused; it is left out otherwise, and so is what is too long.

        Raises:
            UsageError: a word that is not in the vocabulary, a sentence without words or with too many.
        """
        rows = [words_of(text) for text in texts]
        unknown = sorted({word for row in rows for word in row} - set(self.places))
        if not strict:
            rows = [[word for word in row if word in self.places][: self.longest] for row in rows]
        elif unknown:
            raise UsageError(
                f"the text encoder does not know {len(unknown)} words ({', '.join(unknown[:8])}): it was trained on {len(self.words)} of"
                f" its own, as {', '.join(self.words[:8])}. Say the classes in these words (--names FILE: class, tab, words; --templates)."
            )
        wrong = next(
            (text for text, row in zip(texts, rows, strict=True) if not 0 < len(row) <= self.longest), None
        )
        if strict and wrong is not None:
            raise UsageError(
                f"{wrong!r:.200}: wanted 1 to {self.longest} words. Shorten it, or say it in letters."
            )
        found = torch.zeros(len(rows), self.longest, dtype=torch.int64)
        for place, row in enumerate(rows):
            found[place, : len(row)] = torch.tensor([self.places[word] for word in row])
        return found

    def forward(self, tokens: Int64[Tensor, "n l"]) -> Float[Tensor, "n d"]:
        """One embedding per sentence, not normalised."""
        there = tokens > 0
        x = self.embedding(tokens)
        if self.positions is not None:
            x = x + self.positions[: tokens.shape[1]]
            for block in self.blocks:
                x = block(x, src_key_padding_mask=~there)
        kept = there[:, :, None].to(x.dtype)
        mean = (x * kept).sum(1) / kept.sum(1).clamp(min=LEAST)
        embedded: Tensor = self.project(mean)
        return embedded
