"""The transfer protocol: one hash for everything but model, data and seed that decides a result."""

from dataclasses import replace
from typing import Any

import pytest

from muybridge.config.stage_configs import FinetuneConfig, KnnConfig, ProbeConfig, RetrievalConfig, Transfer
from muybridge.stages.training.transfer_protocol import transfer_of

KINDS = (FinetuneConfig, ProbeConfig, KnnConfig, RetrievalConfig)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "change",
    [{"frames": 4}, {"stride": 1}, {"short": "loop"}, {"size": 40}, {"crop": 30}, {"views": 7}, {"crops": 3}],
    ids=lambda change: next(iter(change)),
)
def test_how_clips_are_cut_is_part_of_it(kind: type[Transfer], change: dict[str, Any]):
    assert transfer_of(kind(**change)).hash != transfer_of(kind()).hash


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "change",
    [{"init": "elsewhere"}, {"backbone": "r3d-tiny"}, {"data": ("x",)}, {"fold": 3}, {"seed": 5}, {"label": "action"},
     {"workers": 3}, {"device": "cpu"}, {"limit": 10}],
    ids=lambda change: next(iter(change)),
)  # fmt: skip
def test_model_data_and_seed_are_no_part_of_it(kind: type[Transfer], change: dict[str, Any]):
    assert transfer_of(kind(**change)) == transfer_of(kind())
    assert transfer_of(kind(**change)).hash == transfer_of(kind()).hash


@pytest.mark.parametrize(
    ("config", "change"),
    [
        (FinetuneConfig(), {"lr": 1e-3}),
        (FinetuneConfig(), {"batch": 8}),
        (FinetuneConfig(), {"epochs": 3}),
        (FinetuneConfig(), {"augment": ("crop", "flip")}),
        (FinetuneConfig(), {"labels_per_class": 5}),
        (FinetuneConfig(), {"perturb": ("jumbling",)}),
        (FinetuneConfig(validation=0.1), {"keep": "best-validation"}),
        (KnnConfig(), {"k": 5}),
        (KnnConfig(), {"temperature": 0.1}),
        (RetrievalConfig(), {"features": "conv5"}),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_the_recipe_is_part_of_it(config: Transfer, change: dict[str, Any]):
    assert transfer_of(replace(config, **change)).hash != transfer_of(config).hash


@pytest.mark.parametrize(
    ("config", "change"),
    [(ProbeConfig(), {"batch": 8}), (KnnConfig(), {"ks": (1, 2)}), (RetrievalConfig(), {"ks": (3,)})],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)  # fmt: skip
def test_what_is_only_reported_or_fits_the_memory_is_no_part_of_it(config: Transfer, change: dict[str, Any]):
    assert transfer_of(replace(config, **change)).hash == transfer_of(config).hash


def test_kinds_never_share_a_hash():
    assert len({transfer_of(kind(views=1)).hash for kind in KINDS}) == len(KINDS)


def test_facts_tell_everything_that_is_hashed():
    told = transfer_of(FinetuneConfig(lr=3e-4, views=4, crops=3, labels_per_class=10)).facts()
    assert told["kind"] == "finetune"
    assert (told["clips"]["temporal"], told["clips"]["spatial"], told["clips"]["short_side"]) == (4, 3, 36)
    assert (told["recipe"]["lr"], told["recipe"]["batch"], told["labels_per_class"]) == (3e-4, 16, 10)
    assert told["hash"] == transfer_of(FinetuneConfig(lr=3e-4, views=4, crops=3, labels_per_class=10)).hash
    assert "last epoch" in told["selection"]
    assert len(transfer_of(ProbeConfig()).facts()["recipe"]["weight_decays"]) == 24
