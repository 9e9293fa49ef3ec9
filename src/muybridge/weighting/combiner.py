"""Networks that make one scalar of several losses: MELTR's transformer and AuxiLearn's monotone network."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F


@dataclass(frozen=True)
class Size:
    """Sizes and training of MELTR's combiner in one of its published uses.

    Attributes:
        hidden: width of the layer between a loss and its embedding.
        width: of the embeddings.
        inner: width of the feed-forward layer.
        lr: learning rate of the combiner.
        decay: weight decay.
        betas: of Adam.
        clip: largest norm of the hyper-gradient.
        every: steps between its updates.
        gamma: of the regulariser.
        dropout: in the transformer; 0 where the released code evaluates it.
        adamw: decoupled weight decay.
    """

    hidden: int
    width: int
    inner: int
    lr: float
    decay: float
    betas: tuple[float, float]
    clip: float
    every: int
    gamma: float
    dropout: float = 0.0
    adamw: bool = True


SIZES = {
    "univl": Size(128, 256, 512, 1e-3, 3e-5, (0.9, 0.999), 50.0, 3, 0.0, adamw=False),
    "violet-retrieval": Size(256, 512, 512, 3e-6, 1e-3, (0.9, 0.98), 12.0, 3, 0.1, dropout=0.1),
    "violet-qa": Size(128, 256, 256, 1e-4, 1e-4, (0.9, 0.999), 12.0, 3, 0.1),
    "allinone": Size(128, 128, 128, 1e-4, 3e-5, (0.9, 0.98), 1.0, 5, 0.1, adamw=False),
}
"""As in the released code. Its BERT-style start of All-in-one is not copied, nor that Violet's counter of steps begins anew every epoch."""


class Combiner(nn.Module):
    """MELTR (Ko et al., CVPR 2023): every loss a token, one transformer layer behind it.

    A loss becomes an embedding of its scale plus one of its task; the layer is post-norm with 8 heads. ``forward`` projects the mean of
    the tokens to one number, without bounds and without monotony, as published; ``each`` projects every token.

    Args:
        terms: number of losses; their order is their identity.
        size: widths.
    """

    def __init__(self, terms: int, size: Size) -> None:
        super().__init__()
        self.scale = nn.Sequential(nn.Linear(1, size.hidden), nn.ReLU(), nn.Linear(size.hidden, size.width))
        self.task = nn.Embedding(terms, size.width)
        self.layer = nn.TransformerEncoderLayer(size.width, 8, size.inner, size.dropout, batch_first=True)
        self.out = nn.Linear(size.width, 1, bias=False)

    def tokens(self, losses: Float[Tensor, "k"]) -> Float[Tensor, "k width"]:
        """What the layer makes of the losses.

        Its formula is written out: attention by a kernel has no second derivative, and for a handful of tokens the module spends more time
        on asking what it may do than on doing it, at every step of a training.
        """
        x = self.scale(losses.unsqueeze(1)) + self.task.weight
        layer, heads = self.layer, self.layer.self_attn.num_heads
        attention: nn.MultiheadAttention = layer.self_attn
        whole = F.linear(x, attention.in_proj_weight, attention.in_proj_bias)
        query, key, value = whole.view(len(x), 3, heads, -1).permute(1, 2, 0, 3)
        shares = (query @ key.mT * query.shape[-1] ** -0.5).softmax(-1)
        seen = F.dropout(shares, attention.dropout, self.training) @ value
        x = layer.norm1(x + layer.dropout1(attention.out_proj(seen.transpose(0, 1).flatten(1))))
        inner = layer.linear2(layer.dropout(layer.activation(layer.linear1(x))))
        normed: Tensor = layer.norm2(x + layer.dropout2(inner))
        return normed

    def forward(self, losses: Float[Tensor, "k"]) -> Float[Tensor, ""]:
        """The unified loss."""
        combined: Tensor = self.out(self.tokens(losses).mean(0)).squeeze(0)
        return combined

    def each(self, losses: Float[Tensor, "k"]) -> Float[Tensor, "k"]:
        """One number per loss."""
        numbers: Tensor = self.out(self.tokens(losses)).squeeze(1)
        return numbers


class Monotone(nn.Module):
    """A network that rises with every loss (Navon et al., AuxiLearn, ICLR 2021, sec. 3.1): weights are kept at or above zero.

    Args:
        terms: number of losses that go in.
        hidden: widths of the hidden layers; none for a weighted sum.
    """

    def __init__(self, terms: int, hidden: Sequence[int]) -> None:
        super().__init__()
        widths = [terms, *hidden, 1]
        layers = [nn.Linear(a, b, bias=b != 1) for a, b in pairwise(widths)]
        for layer in layers:
            nn.init.uniform_(layer.weight, 0.5 / layer.in_features, 1.5 / layer.in_features)
        self.layers = nn.ModuleList(layers)

    @torch.no_grad()
    def project(self) -> None:
        """Set negative weights to zero; called after every update."""
        for name, weight in self.named_parameters():
            if name.endswith("weight"):
                weight.clamp_(min=0.0)

    def forward(self, losses: Float[Tensor, "k"]) -> Float[Tensor, ""]:
        """A scalar; softplus between layers, which keeps every slope at or above zero."""
        x = losses
        for place, layer in enumerate(self.layers):
            x = layer(x) if place == len(self.layers) - 1 else F.softplus(layer(x))
        return x.squeeze(0)
