"""Features of a frozen backbone: what they are, when they are computed, and that the cache changes no bit."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from frozen_helpers import TINY, by_hand

import muybridge
from muybridge.config.stage_configs import ProbeConfig
from muybridge.core.errors import UsageError
from muybridge.core.machine.paths import cache_root
from muybridge.core.networks.features import Features
from muybridge.data.decode.video import write
from muybridge.runs.contents.predictions import read_predictions
from muybridge.stages.features import frozen
from muybridge.stages.features.frozen import conv5, divided, frozen_features
from muybridge.stages.features.norm_calibration import frozen_backbone
from muybridge.stages.job.resolve import resolve
from muybridge.stages.testing.predict import view_of
from muybridge.store.checked import digest
from muybridge.train.precision import choose


@pytest.fixture
def fresh(tmp_path, monkeypatch):
    """A cache of its own."""
    monkeypatch.setenv("MUYBRIDGE_CACHE", str(tmp_path / "cache"))


@pytest.fixture(scope="module")
def pretrained(videos, tmp_path_factory):
    out = tmp_path_factory.mktemp("frozen")
    return muybridge.pretrain(data=videos, out=out, objective="rotnet", budget=24, **TINY)


@pytest.fixture
def encode(videos, pretrained, tmp_path, monkeypatch):
    """Features under a config; second value: how many clips went through the backbone."""
    clips = []

    def call(kind="pooled", **words):
        common = {"data": (str(videos),), "init": str(pretrained.path), "out": tmp_path, "fold": 0}
        job = resolve(ProbeConfig(**TINY | common | words))
        compute, view, material = choose("cpu", "fp32"), view_of(job.config), divided(job)
        backbone = frozen_backbone(job, view, material, compute)
        clips.clear()
        backbone.register_forward_hook(lambda _, inputs, __: clips.append(len(inputs[0])))
        found = frozen_features(job, backbone, view, material, compute, kind)
        return found, material, sum(clips)

    return call


@pytest.mark.parametrize("views", [1, 3])
def test_features_are_those_of_each_clip_alone(views: int, encode, pretrained, fresh):
    found, material, _ = encode(views=views)
    for records in material.parts.values():
        rows = found.of(records)
        assert rows.shape == (len(records), views, 128)
        for record, row in zip(records, rows, strict=True):
            np.testing.assert_allclose(row, by_hand(pretrained, record, views), atol=1e-5)
    some = material.parts["test"]
    np.testing.assert_allclose(found.mean_of(some), found.of(some).mean(axis=1))


def test_every_video_is_encoded_once_and_then_never_again(encode, fresh):
    first, material, computed = encode()
    assert computed == len(first.places) == sum(map(len, material.parts.values())) == 16
    again, _, computed = encode()
    assert computed == 0
    assert (again.rows == first.rows).all()


def test_folds_share_features(encode, fresh):
    first, *_ = encode(fold=0)
    second, material, computed = encode(fold=1)
    assert computed == 0
    assert (second.of(material.parts["test"]) == first.of(material.parts["test"])).all()


@pytest.mark.parametrize(
    "change",
    [
        {"views": 2},
        {"stride": 1},
        {"crop": 12},
        {"size": 18},
        {"batch": 100},
        {"init": "random"},
        {"limit": 4},
    ],
    ids=lambda change: next(iter(change)),
)
def test_whatever_decides_the_features_is_computed_anew(change: dict, encode, fresh):
    encode()
    assert encode(**change)[2] > 0


def test_features_of_other_weights_are_others(encode, pretrained, fresh):
    first, *_ = encode()
    other, *_ = encode(init="random")
    assert not np.allclose(first.rows, other.rows, atol=1e-3)


@pytest.mark.parametrize("died_after", [1, 3])
def test_a_killed_computation_goes_on_to_the_same_bits(died_after: int, encode, fresh, monkeypatch):
    monkeypatch.setattr("muybridge.stages.testing.predict.PIXELS", 3 * 4 * 16**2)
    whole, *_ = encode(stride=1)
    plain, batches = frozen.encoded, []

    def dying(*words):
        for batch in plain(*words):
            if len(batches) == died_after:
                raise KeyboardInterrupt
            batches.append(batch)
            yield batch

    monkeypatch.setattr(frozen, "SECONDS", -1.0)
    monkeypatch.setattr(frozen, "FORMAT", 0)
    monkeypatch.setattr(frozen, "encoded", dying)
    with pytest.raises(KeyboardInterrupt):
        encode(stride=1)
    monkeypatch.setattr(frozen, "encoded", plain)
    found, _, computed = encode(stride=1)
    assert computed == 16 - 3 * died_after
    assert (found.rows == whole.rows).all()


@pytest.mark.parametrize("how", ["cut short", "a bit", "another's", "an odd name"])
def test_damaged_features_are_computed_anew(how: str, encode, fresh):
    whole, _, first = encode()
    (file,) = (cache_root() / "features").glob("*/*.npy")
    data = file.read_bytes()
    if how == "cut short":
        file.write_bytes(data[:200])
    elif how == "a bit":
        file.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    elif how == "another's":
        name = f"features-00000000-00000016-{digest(data, 'another')}.npy"
        file.rename(file.with_name(name))
    else:
        file.rename(file.with_name("features-x-y-z.npy"))
    found, _, computed = encode()
    assert computed == first > 0
    assert (found.rows == whole.rows).all()
    assert encode()[2] == 0


def test_features_that_were_computed_when_asked_to_stop_are_kept(encode, fresh, monkeypatch):
    monkeypatch.setattr("muybridge.stages.testing.predict.PIXELS", 3 * 4 * 16**2)
    plain = frozen.encoded

    def stopping(*words):
        for place, batch in enumerate(plain(*words)):
            if place == 2:
                raise KeyboardInterrupt
            yield batch

    monkeypatch.setattr(frozen, "encoded", stopping)
    with pytest.raises(KeyboardInterrupt):
        encode()
    monkeypatch.setattr(frozen, "encoded", plain)
    assert encode()[2] == 16 - 2 * 3


def test_a_broken_test_video_has_no_features_and_is_answered_by_nothing(videos, tmp_path, fresh):
    root = tmp_path / "some"
    for path in videos.glob("*/*.mp4"):
        (root / path.parent.name).mkdir(parents=True, exist_ok=True)
        (root / path.parent.name / path.name).write_bytes(path.read_bytes())
    bad = sorted(root.glob("left/*.mp4"))
    for path in bad[:5]:
        path.write_bytes(b"nothing")
    run = muybridge.knn(data=root, out=tmp_path / "out", fold=0, allow_broken=True, **TINY)
    rows = read_predictions(run.path / "predictions.parquet")
    missing = {str(path.relative_to(root)) for path in bad[:5]} & set(rows.video.tolist())
    assert missing
    assert set(rows.video[np.isnan(rows.scores).all(axis=1)].tolist()) == missing
    assert run.result["data"]["videos"]["test"] == len(rows)
    assert sum(run.result["data"]["videos"].values()) == 11 + len(missing)


def test_conv5_is_vcops_feature():
    last = torch.randn(2, 512, 2, 7, 7)
    found = conv5(Features(torch.zeros(2, 512), {"last": last}))
    expected = torch.nn.MaxPool3d((1, 2, 2))(last)
    assert found.shape == (2, 9216)
    assert torch.equal(found, expected.reshape(2, -1))
    assert conv5(Features(torch.zeros(1, 8), {"last": torch.ones(1, 8, 3, 1, 1)})).shape == (1, 24)
    with pytest.raises(UsageError, match="puts out no map; use --features pooled"):
        conv5(Features(torch.zeros(1, 8)))


def test_conv5_features_are_averaged_over_views(encode, fresh):
    found, material, _ = encode("conv5", views=2, frames=8, stride=1)
    some = material.parts["test"][:3]
    assert found.of(some).shape == (3, 1, 2 * 128)
    assert (found.mean_of(some) == found.of(some)[:, 0]).all()


def test_three_crops_are_cut_from_whole_pictures(tmp_path, fresh):
    """A bright square at the left, in the middle or at the right of a wide picture is seen by one crop alone."""
    for place in (0, 24, 48):
        frames = np.full((8, 24, 72, 3), 20, np.uint8)
        frames[:, :, place : place + 24] = 220
        (tmp_path / "v" / str(place)).mkdir(parents=True)
        for copy in range(2):
            write(tmp_path / "v" / str(place) / f"{copy}.mp4", frames, 8.0)
    job = resolve(
        ProbeConfig(
            data=(str(tmp_path / "v"),), out=tmp_path / "out", crops=3, views=2, **TINY | {"size": 24}
        )
    )
    material = replace(divided(job), parts={"test": list(job.dataset.records)})
    seen: dict[str, list[bool]] = {}
    for clip in view_of(job.config).clips(material, "test"):
        for video, frames in zip(clip.video, clip.frames, strict=True):
            seen.setdefault(video, []).append(float(frames.float().mean()) > 150)
    assert len(seen) == 6
    for video, bright in seen.items():
        assert bright == 2 * [video.startswith(place) for place in ("0/", "24/", "48/")]
