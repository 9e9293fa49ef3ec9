"""What is captured of layers: before work in place, containers, repeats, pooling; and that the packages of others get the same CKA."""

import math

import numpy as np
import pytest
import torch
from torch import nn

from muybridge.core.errors import UsageError
from muybridge.core.networks.firing import firing
from muybridge.measure.similarity.cka import gram
from muybridge.measure.similarity.layer_similarity import LayerSums
from muybridge.stages.features import layer_grams
from muybridge.stages.features.layer_grams import LayerGrams, Network
from muybridge.train.precision import choose

COMPUTE = choose("cpu", "fp32")


def small(inplace: bool = False, seed: int = 0) -> nn.Sequential:
    torch.manual_seed(seed)
    convolve = nn.Conv3d(3, 6, 3, padding=1), nn.BatchNorm3d(6), nn.ReLU(inplace)
    return nn.Sequential(
        *convolve, nn.Conv3d(6, 4, 3), nn.ReLU(inplace), nn.Flatten(), nn.Linear(4 * 2 * 6 * 6, 5)
    ).eval()


def shown(number: int, seed: int = 0) -> torch.Tensor:
    return torch.randint(
        256, (number, 3, 4, 8, 8), generator=torch.Generator().manual_seed(seed), dtype=torch.uint8
    )


def looked(module: nn.Module, **words) -> LayerGrams:
    layers = words.pop("layers", None)
    return LayerGrams(Network("small", module, layers), COMPUTE, **words)


def compared(
    one: nn.Module, other: nn.Module, batches: list[torch.Tensor], layers: tuple[str, ...]
) -> np.ndarray:
    sums = LayerSums(("cka",), permutations=4)
    pair = [looked(module, layers=layers) for module in (one, other)]
    for batch in batches:
        a, b = (torch.stack(list(part.of(batch).values())) for part in pair)
        sums.add(a, b, np.arange(len(batch)))
    return sums.maps()["cka"].value


def test_work_in_place_changes_nothing_that_was_put_out():
    frames = shown(6)
    copied, changed = (looked(small(inplace)).of(frames) for inplace in (False, True))
    assert list(copied) == list(changed) == ["0", "1", "2", "3", "4", "5", "6", "network"]
    for name, made in copied.items():
        torch.testing.assert_close(changed[name], made, rtol=0, atol=0)


def test_modules_stand_in_the_order_in_which_they_fire_and_those_that_never_do_are_missing():
    class Crossed(nn.Module):
        def __init__(self):
            super().__init__()
            self.last, self.idle, self.first = nn.Flatten(), nn.Identity(), nn.AvgPool3d(2)

        def forward(self, x):
            return self.last(self.first(x))

    assert list(looked(Crossed()).of(shown(4))) == ["first", "last", "network"]


@pytest.mark.parametrize(
    ("repeats", "names"), [("last", ["relu", "network"]), ("all", ["relu", "relu#2", "network"])]
)
def test_of_a_module_that_fires_twice_the_last_output_counts_or_all(repeats: str, names: list[str]):
    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.relu = nn.ReLU()

        def forward(self, x):
            return self.relu(self.relu(x - 0.5) * x.flip(0))

    found = looked(Twice(), repeats=repeats).of(shown(5))
    assert list(found) == names
    torch.testing.assert_close(found[names[-2]], found["network"])
    assert repeats == "last" or not torch.allclose(found["relu"], found["relu#2"])


def test_a_container_hands_its_last_output_on_without_another_product(monkeypatch):
    calls = []
    monkeypatch.setattr(layer_grams, "gram", lambda one: calls.append(one) or gram(one))
    found = looked(nn.Sequential(nn.Sequential(nn.Sequential(nn.AvgPool3d(2))))).of(shown(5))
    assert (len(found), len(calls)) == (4, 1)


@pytest.mark.parametrize(("pool", "axes"), [("space", (3, 4)), ("time", (2,)), ("all", (2, 3, 4))])
def test_pooled_features_are_means(pool: str, axes: tuple[int, ...]):
    module, frames = small(), shown(5)
    with torch.no_grad():
        expected = module[:2](frames.float() / 255).mean(dim=axes)
    torch.testing.assert_close(looked(module, pool=pool).of(frames)["1"], gram(expected))


def test_tokens_are_pooled_over_their_grid():
    from muybridge.backbones import build

    torch.manual_seed(0)
    vit, clips = build("vit-tiny").eval(), torch.randint(256, (4, 3, 8, 32, 32), dtype=torch.uint8)
    layer = vit.layers[1]
    found = {pool: looked(vit, pool=pool, layers=(layer,)).of(clips)[layer] for pool in ("space", "all")}
    kept: list[torch.Tensor] = []
    with torch.no_grad(), firing(vit, [layer], lambda *words: kept.append(words[2])):
        vit(clips.float() / 255)
    grid = kept[0].view(4, *vit.grid(8, 32), -1)
    torch.testing.assert_close(found["space"], gram(grid.mean((2, 3))))
    torch.testing.assert_close(found["all"], gram(kept[0].mean(1)))


def test_vectors_are_those_of_the_last_layer_averaged_and_copied():
    class Changed(nn.Module):
        """Puts out maps and then changes them in place."""

        def __init__(self):
            super().__init__()
            self.body = small()[:2]
            self.wide = nn.Conv3d(3, 2, 1)

        def forward(self, x):
            self.wide(x)
            return self.body(x).zero_()

    module = Changed()
    one, frames = looked(module, layers=("wide", "body")), shown(5)
    assert (one.last, one.vectors) == ("", None)
    for batch in (frames, frames.flip(0)):
        one.of(batch)
        with torch.no_grad():
            expected = module.body(batch.float() / 255).mean((2, 3, 4))
        assert one.last == "body"
        torch.testing.assert_close(one.vectors, expected)


def test_the_last_layer_is_the_last_to_fire_first_whatever_fires_after_it():
    class Back(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.second = nn.AvgPool3d(2), nn.Flatten()

        def forward(self, x):
            kept = self.second(self.first(x))
            self.first(x * 0)
            return kept

    one = looked(Back(), layers=("first", "second"))
    for batch in (shown(4), shown(4, 1)):
        assert list(one.of(batch)) == ["first", "second"]
        kept = nn.functional.avg_pool3d(batch.float() / 255, 2).flatten(1)
        torch.testing.assert_close(one.vectors, kept)


@pytest.mark.parametrize(
    ("shape", "vectors"),
    [
        ((), True),
        ((5,), True),
        ((7, 5), True),
        ((5, 1, 1), True),
        ((5, 2, 2), False),
        ((5, 2, 2, 2), True),
        ((5, 2, 2, 2, 2), False),
        ((1, 5, 1, 1, 1), True),
    ],
    ids=str,
)
def test_what_leaves_no_vector_per_clip_leaves_none(shape: tuple[int, ...], vectors: bool):
    class Shaped(nn.Module):
        def forward(self, x):
            return x.flatten(1)[:, : math.prod(shape)].reshape(len(x), *shape)

    one, wide = looked(Shaped()), shape[0] if len(shape) == 4 else max(shape[-1:], default=1)
    one.of(shown(4))
    assert (one.vectors is not None) == vectors
    if vectors:
        assert one.vectors.shape == (4, 5 if shape else wide)


def test_outputs_without_a_row_per_clip_are_told_apart():
    class Odd(nn.Module):
        def __init__(self):
            super().__init__()
            self.folded, self.words = nn.Flatten(0, 1), nn.Identity()

        def forward(self, x):
            self.folded(x), self.words("no tensor")
            return x.flatten(1)

    one = looked(Odd())
    assert (list(one.of(shown(4))), one.odd) == (["network"], {"folded", "words"})


def test_features_that_are_no_numbers_name_their_layer():
    module = small()
    with torch.no_grad():
        module[3].bias[0] = torch.nan
    with pytest.raises(
        UsageError, match="small: layer 3 puts out numbers that are not finite for 5 of 5 clips"
    ):
        looked(module).of(shown(5))


def test_out_of_memory_names_the_layer_and_the_way_out(monkeypatch):
    def full(_):
        raise torch.OutOfMemoryError("no room")

    monkeypatch.setattr(layer_grams, "gram", full)
    with pytest.raises(UsageError, match=r"small: out of memory at layer 0 \(5x6x4x8x8\). Give --pool space"):
        looked(small()).of(shown(5))


def test_a_layer_that_is_not_there_names_the_nearest():
    with (
        pytest.raises(ValueError, match="no layer 'netwrok'; the nearest is 'network'"),
        firing(nn.ModuleDict({"network": nn.ReLU()}), ["netwrok"], lambda *_: None),
    ):
        pass


LEAVES = ("0", "1", "2", "3", "4", "5", "6")


@pytest.fixture
def pair():
    """Two networks in float64, their clips and our map: in float32 both packages lose the third digit where features have a mean."""
    batches = [shown(8, seed) for seed in range(4)]
    one, other = small(seed=1), small(seed=2)
    ours = compared(one, other, batches, LEAVES)
    kept = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    yield one.double(), other.double(), torch.cat(batches).double() / 255, ours
    torch.set_default_dtype(kept)


@pytest.mark.filterwarnings("ignore")
def test_the_same_as_pytorch_cka(pair):
    peer = pytest.importorskip("cka", reason="pytorch-cka is not installed")
    one, other, frames, ours = pair
    loader = torch.utils.data.DataLoader(frames, 8)
    (found,) = peer.compute_cka(one, other, loader, layers=list(LEAVES), device="cpu", progress=False)
    open_ = (ours > 0) & (ours < 1)  # theirs is clamped
    assert open_.sum() > 20
    np.testing.assert_allclose(found.numpy()[open_], ours[open_], atol=1e-4)


@pytest.mark.filterwarnings("ignore")
def test_the_same_as_torch_cka(pair):
    peer = pytest.importorskip("torch_cka", reason="torch_cka is not installed")
    one, other, frames, ours = pair
    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(frames), 8)
    theirs = peer.CKA(one, other, "one", "other", list(LEAVES), list(LEAVES))
    with torch.no_grad():
        theirs.compare(loader, loader)
    np.testing.assert_allclose(theirs.export()["CKA"].numpy(), ours, atol=1e-4)
