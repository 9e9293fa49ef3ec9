import pytest
import torch
from torch import nn

from muybridge.backbones.networks.vit import Attention, ViT, tiny


@pytest.fixture(scope="module")
def network() -> ViT:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return tiny().eval()


def clips(b: int = 2) -> torch.Tensor:
    return torch.rand(b, 3, 8, 32, 32, generator=torch.Generator().manual_seed(1))


def test_attention_against_torchs_own():
    own = Attention(12, 3)
    other = nn.MultiheadAttention(12, 3, batch_first=True)
    with torch.no_grad():
        other.in_proj_weight.copy_(torch.cat([own.query.weight, own.key.weight, own.value.weight]))
        other.in_proj_bias.copy_(torch.cat([own.query.bias, torch.zeros(12), own.value.bias]))
        other.out_proj.load_state_dict(own.out.state_dict())
    x = torch.randn(2, 7, 12, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(own(x), other(x, x, x, need_weights=False)[0], atol=1e-5, rtol=1e-4)


def test_tokens_of_all_tubes_are_the_map_in_the_order_of_the_grid(network: ViT):
    tokens, features = network.tokens(clips()), network(clips())
    t, h, w = network.grid(8, 32)
    assert (t, h, w) == (4, 4, 4)
    assert tokens.shape == (2, t * h * w, network.dim)
    torch.testing.assert_close(features.maps["last"][:, :, 1, 2, 3], tokens[:, 1 * h * w + 2 * w + 3])
    torch.testing.assert_close(features.pooled, tokens.mean(dim=1))


def test_all_visible_is_no_mask(network: ViT):
    visible = torch.ones(2, 64, dtype=torch.bool)
    torch.testing.assert_close(network.tokens(clips(), visible), network.tokens(clips()))


def test_hidden_tubes_have_no_influence(network: ViT):
    visible = torch.zeros(2, 64, dtype=torch.bool)
    visible[0, :16], visible[1, 16:32] = True, True
    x, changed = clips(), clips()
    changed[0, :, 2:], changed[1, :, :2], changed[1, :, 4:] = 0, 0, 0
    tokens = network.tokens(x, visible)
    assert tokens.shape == (2, 16, network.dim)
    torch.testing.assert_close(network.tokens(changed, visible), tokens)
    assert not torch.allclose(network.tokens(x)[0, :16], tokens[0], atol=1e-3)


def test_another_grid_is_served(network: ViT):
    assert network(torch.rand(1, 3, 4, 48, 48)).maps["last"].shape == (1, 96, 2, 6, 6)


def test_as_many_parameters_as_videomae():
    """VideoMAE-B's encoder (Tong et al., 2022): two normalisations less or more are all that could differ."""
    with torch.device("meta"):
        count = sum(p.numel() for p in ViT().parameters())
    per_block = 4 * 768**2 + 3 * 768 + 2 * 4 * 768**2 + 5 * 768 + 4 * 768
    assert count == 3 * 2 * 16 * 16 * 768 + 768 + 12 * per_block + 2 * 768
