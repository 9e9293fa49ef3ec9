"""Public checkpoints under their own names: against the original network, written down here, or the names of a seeded one turned back."""

import re
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional as F

from muybridge.backbones.outside.zoo import backbone, classifier
from muybridge.backbones.weights.key_maps import MVIT, SWIN, VIDEOMAE, VJEPA2, renamed
from muybridge.backbones.weights.pretrained import load_backbone, load_pretrained
from muybridge.cli.models.weights import WEIGHTS
from muybridge.core.errors import UsageError

WIDTH, HEADS, TOKENS = 24, 2, 2 * 4


class Attention(nn.Module):
    """VideoMAE's: a joint projection without bias, biases of query and value apart."""

    def __init__(self) -> None:
        super().__init__()
        self.qkv = nn.Linear(WIDTH, 3 * WIDTH, bias=False)
        self.q_bias, self.v_bias = (nn.Parameter(torch.randn(WIDTH)) for _ in range(2))
        self.proj = nn.Linear(WIDTH, WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        joint = self.qkv(x) + torch.cat([self.q_bias, torch.zeros(WIDTH), self.v_bias])
        q, k, v = joint.view(len(x), -1, 3, HEADS, WIDTH // HEADS).permute(2, 0, 3, 1, 4)
        return self.proj(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2))


class Block(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.norm1, self.norm2 = (nn.LayerNorm(WIDTH, eps=1e-6) for _ in range(2))
        self.attn = Attention()
        self.mlp = nn.ModuleDict({"fc1": nn.Linear(WIDTH, 48), "fc2": nn.Linear(48, WIDTH)})

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attn(self.norm1(x))
        return x + self.mlp["fc2"](F.gelu(self.mlp["fc1"](self.norm2(x))))


class Original(nn.Module):
    """VideoMAE (arXiv 2203.12602) with its own names: tubes of 2x8x8, fixed sine positions, mean of the tokens, one layer."""

    def __init__(self) -> None:
        super().__init__()
        self.patch_embed = nn.ModuleDict({"proj": nn.Conv3d(3, WIDTH, (2, 8, 8), (2, 8, 8))})
        self.blocks = nn.ModuleList([Block(), Block()])
        self.fc_norm, self.head = nn.LayerNorm(WIDTH, eps=1e-6), nn.Linear(WIDTH, 3)
        with torch.no_grad():
            for one in self.parameters():
                one.copy_(torch.randn(one.shape) * 0.3)

    def forward(self, x: Tensor) -> Tensor:
        tokens = self.patch_embed["proj"](x).flatten(2).transpose(1, 2)
        place, column = torch.arange(TOKENS)[:, None].double(), torch.arange(WIDTH)
        angle = place / 10000 ** (2 * (column // 2).double() / WIDTH)
        tokens = tokens + torch.where(column % 2 == 0, angle.sin(), angle.cos()).float()
        for block in self.blocks:
            tokens = block(tokens)
        return self.head(self.fc_norm(tokens.mean(1)))


def videomae_folder(path: Path) -> Path:
    transformers = pytest.importorskip("transformers")
    config = transformers.VideoMAEConfig(
        image_size=16, patch_size=8, num_frames=4, hidden_size=WIDTH, num_hidden_layers=2, num_attention_heads=HEADS, intermediate_size=48,
        num_labels=3, layer_norm_eps=1e-6,
    )  # fmt: skip
    transformers.VideoMAEForVideoClassification(config).save_pretrained(path)
    return path


@pytest.mark.parametrize("front", ["", "module.", "model."])
def test_videomae_answers_as_the_original(tmp_path: Path, front: str, capsys):
    transformers = pytest.importorskip("transformers")
    torch.manual_seed(0)
    original = Original().eval()
    state = {front + name: value for name, value in original.state_dict().items()}
    torch.save({"model": state, "epoch": 5}, tmp_path / "original.pth")
    assert (
        WEIGHTS.run(
            ["convert", "videomae", str(tmp_path / "original.pth"), "--out", str(tmp_path / "w.safetensors")]
        )
        == 0
    )
    assert "under 'model'" in capsys.readouterr().out
    whole = transformers.AutoModelForVideoClassification.from_pretrained(
        videomae_folder(tmp_path / "hf")
    ).eval()
    load_pretrained(whole, tmp_path / "w.safetensors")
    x = torch.randn(2, 3, 4, 16, 16)
    with torch.no_grad():
        torch.testing.assert_close(whole(x.transpose(1, 2)).logits, original(x), rtol=1e-4, atol=1e-4)
    network = backbone(f"hf:{tmp_path / 'hf'}")
    taken = load_backbone(network, tmp_path / "w.safetensors")
    assert taken.prefix == "videomae."


def test_mmaction_names_of_videomae_lead_to_the_same(tmp_path: Path):
    torch.manual_seed(0)
    state = Original().state_dict()
    turned = {}
    for name, value in state.items():
        new = name.replace("patch_embed.proj", "patch_embed.projection").replace("mlp.fc1", "mlp.layers.0.0")
        new = new.replace("mlp.fc2", "mlp.layers.1")
        turned[f"cls_head.fc_cls.{new[5:]}" if new.startswith("head.") else f"backbone.{new}"] = value
    one, other = renamed(VIDEOMAE, state)[0], renamed(VIDEOMAE, turned)[0]
    assert one.keys() == other.keys()
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_a_pretrained_videomae_leaves_its_decoder():
    state = {
        f"encoder.{name}": value
        for name, value in Original().state_dict().items()
        if not name.startswith(("head", "fc"))
    }
    tensors, left = renamed(
        VIDEOMAE, state | {"decoder.norm.weight": torch.zeros(2), "mask_token": torch.zeros(1)}
    )
    assert left == ["decoder.norm.weight", "mask_token"]
    assert all(name.startswith("videomae.") for name in tensors)


def test_vjepa2_by_the_names_of_a_seeded_encoder_turned_back(tmp_path: Path):
    transformers = pytest.importorskip("transformers")
    torch.manual_seed(0)
    config = transformers.VJEPA2Config(
        frames_per_clip=4, crop_size=16, patch_size=8, hidden_size=24, num_hidden_layers=2, num_attention_heads=2, mlp_ratio=2,
        pred_hidden_size=24, pred_num_attention_heads=2, pred_num_hidden_layers=1,
    )  # fmt: skip
    encoder = transformers.VJEPA2Model(config).encoder.state_dict()
    turned = {}
    for name, value in encoder.items():
        old = (
            name.replace("embeddings.patch_embeddings.proj", "patch_embed.proj")
            .replace("layernorm", "norm")
            .replace("attention.", "attn.")
        )
        old = re.sub(r"^layer\.", "blocks.", old)
        if ".attn.query." in old:
            parts = [encoder[name.replace("query", one)] for one in ("query", "key", "value")]
            turned[old.replace("query", "qkv")] = torch.cat(parts)
        elif not re.search(r"attn\.(key|value)\.", old):
            turned[old] = value
    assert {"blocks.1.attn.qkv.bias", "patch_embed.proj.weight", "norm.bias"} <= turned.keys()
    held = {f"module.backbone.{name}": value for name, value in turned.items()}
    torch.save(
        {"encoder": {k: v + 1 for k, v in held.items()}, "target_encoder": held, "epoch": 1},
        tmp_path / "v.pt",
    )
    words = ["convert", "vjepa2", str(tmp_path / "v.pt"), "--out", str(tmp_path / "v.safetensors")]
    with pytest.raises(UsageError, match="--weights-key encoder or target_encoder"):
        WEIGHTS.run(words)
    assert WEIGHTS.run([*words, "--weights-key", "target_encoder"]) == 0
    found = load_file(tmp_path / "v.safetensors")
    assert found.keys() == {f"encoder.{name}" for name in encoder}
    assert all(torch.equal(found[f"encoder.{name}"], value) for name, value in encoder.items())


def turned_back(state: dict[str, Tensor], pairs: tuple[tuple[str, str], ...]) -> dict[str, Tensor]:
    found = {}
    for name, value in state.items():
        for pattern, old in pairs:
            name = re.sub(pattern, old, name)
        found[name] = value
    return found


def test_video_swin_by_the_names_of_a_seeded_network_turned_back(tmp_path: Path):
    models = pytest.importorskip("torchvision.models.video")
    torch.manual_seed(0)
    state = models.swin3d_t(num_classes=3).state_dict()
    stages = tuple((rf"^features\.{2 * i}\.", f"layers.{i}.blocks.") for i in range(4))
    mergers = tuple((rf"^features\.{2 * i + 1}\.", f"layers.{i}.downsample.") for i in range(3))
    old = turned_back(
        state, (*stages, *mergers, (r"mlp\.0\.", "mlp.fc1."), (r"mlp\.3\.", "mlp.fc2."), ("^", "backbone."))
    )
    old = {name.replace("backbone.head.", "cls_head.fc_cls."): value for name, value in old.items()}
    assert "backbone.layers.3.blocks.1.mlp.fc2.bias" in old
    tensors, left = renamed(SWIN, old)
    index = {name for name in state if name.endswith("relative_position_index")}
    assert len(left) == len(index)
    assert tensors.keys() == state.keys() - index
    save_file(tensors, tmp_path / "swin.safetensors")
    whole = classifier("torchvision:swin3d_t", tmp_path / "swin.safetensors")
    assert whole.outputs == 3
    assert all(torch.equal(value, state[name]) for name, value in whole.model.state_dict().items())


@pytest.mark.parametrize("joint", [True, False])
def test_mvit_by_the_names_of_a_seeded_network_turned_back(joint: bool):
    models = pytest.importorskip("torchvision.models.video")
    torch.manual_seed(0)
    state = models.mvit_v1_b(num_classes=3).state_dict()
    pairs = (
        (r"^conv_proj", "patch_embed.patch_model"), (r"pos_encoding\.class_token", "cls_positional_encoding.cls_token"),
        (r"pos_encoding\.(\w+)_pos", r"cls_positional_encoding.pos_embed_\1"), (r"pool_(.)\.pool", r"pool_\1"),
        (r"pool_(.)\.norm_act\.0", r"norm_\1"), (r"attn\.project\.0", "attn.proj"), (r"(blocks\.\d+)\.project", r"\1.proj"),
        (r"mlp\.0", "mlp.fc1"), (r"mlp\.3", "mlp.fc2"), (r"^norm\.", "norm_embed."), (r"^head\.1", "head.proj"),
    )  # fmt: skip
    old = {}
    for name, value in turned_back(state, pairs).items():
        if name.startswith("cls_positional"):
            old[name] = value[None, None] if value.ndim == 1 else value[None]
        elif "attn.qkv" in name and not joint:
            old |= {name.replace("qkv", one): part for one, part in zip("qkv", value.chunk(3), strict=True)}
        else:
            old[name] = value
    tensors, left = renamed(MVIT, old)
    assert not left
    assert tensors.keys() == state.keys()
    assert all(torch.equal(value, state[name]) for name, value in tensors.items())


@pytest.mark.parametrize(
    ("kind", "extra", "why"),
    [
        (VIDEOMAE, {"blocks.0.attn.other": torch.zeros(1)}, "'blocks.0.attn.other' is none of VideoMAE"),
        (VJEPA2, {"blocks.0.attn.qkv.bias": torch.zeros(4)}, "no query, key and value"),
        (MVIT, {"blocks.0.attn.q.bias": torch.zeros(4)}, "its k is not in the file"),
    ],
)
def test_another_network_is_refused(kind, extra, why):
    state = {"patch_embed.proj.weight": torch.zeros(2, 3, 1, 1, 1), **extra}
    with pytest.raises(UsageError, match=why):
        renamed(kind, state)
    with pytest.raises(UsageError, match="no tensor is called patch_embed"):
        renamed(kind, {"stem.weight": torch.zeros(1)})
