"""``muybridge embed``: what stands in the files, in which order, whatever the format, the model and the batches."""

import json
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from safetensors.numpy import load_file
from torch import nn

import muybridge
from muybridge.config.embed_config import EmbedConfig
from muybridge.core.errors import UsageError
from muybridge.data.decode.video import write
from muybridge.embeddings.embed_material import dataset_of
from muybridge.runs.records import Run

OUTS = ("rows.parquet", "rows.npz", "rows")


class Bad(nn.Module):
    """Colours as features; a bright clip gives what is no number, a large one what float16 cannot hold."""

    clip_frames, clip_size, layers = 4, 24, ()

    def __init__(self, factor: float = 1.0) -> None:
        super().__init__()
        self.factor = nn.Parameter(torch.tensor(factor))

    def forward(self, frames: torch.Tensor) -> torch.Tensor:
        """One row a clip."""
        mean = frames.mean((2, 3, 4))
        return torch.where(mean > 0.9, torch.nan, mean * self.factor)


def test_rows_are_what_the_model_makes_of_each_video(
    trained: dict[str, Run], videos: Path, tmp_path: Path
) -> None:
    found = muybridge.embed(trained["finetune"], out=tmp_path / "rows.parquet", precision="fp32")
    names = [f"{label}/{i}.mp4" for label in ("left", "right") for i in range(8)]
    assert found.rows["video"].tolist() == names
    assert found.rows["label"].tolist() == ["left"] * 8 + ["right"] * 8
    assert found.labels.tolist() == [0] * 8 + [1] * 8
    model = muybridge.load(trained["finetune"])
    with torch.no_grad():
        wanted = torch.stack([model.features(model.read(videos / name)).mean(0) for name in names])
    assert np.allclose(found.features(), wanted.numpy(), atol=1e-5)
    facts = found.facts
    assert facts["model"]["weights"] == trained["finetune"].signature
    assert (facts["data"]["name"], facts["rows"], facts["protocol"]["temporal"]) == (videos.name, 16, 2)
    assert (facts["protocol"]["frames"], facts["protocol"]["crop"]) == (4, 24)
    assert facts["versions"]["torch"] == torch.__version__
    assert not (tmp_path / "rows.parquet.parts").exists()


def test_all_formats_hold_the_same(trained: dict[str, Run], tmp_path: Path) -> None:
    layers = ["stages", "pooled", "head"]
    kept = [muybridge.embed(trained["probe"], out=tmp_path / one, layers=layers, per="clip") for one in OUTS]
    first = kept[0]
    assert first.layers == ("stages.2", "stages.5", "stages.8", "stages.11", "pooled", "head")
    assert len(first) == 16 * 6
    assert first.rows["view"].tolist() == list(range(6)) * 16
    for other in kept[1:]:
        assert other.facts["layers"] == first.facts["layers"]
        assert all(np.array_equal(first.features(one), other.features(one)) for one in first.layers)
        assert all(np.array_equal(first.rows[one], other.rows[one]) for one in first.rows)


def test_files_are_read_without_us(trained: dict[str, Run], tmp_path: Path) -> None:
    parquet, npz, folder = (muybridge.embed(trained["pretrain"], out=tmp_path / one) for one in OUTS)
    wanted = parquet.features()
    table = pq.read_table(parquet.path)
    assert table.column_names == ["video", "label", "split", "group", "pooled"]
    assert np.array_equal(np.stack(table["pooled"].to_pylist()), wanted)
    assert json.loads(table.schema.metadata[b"muybridge"])["model"]["stage"] == "pretrain"
    assert json.loads(table.schema.field("pooled").metadata[b"shape"]) == [128]
    assert table["split"].to_pylist() == [None] * 16
    with np.load(npz.path, allow_pickle=False) as file:
        assert np.array_equal(file["pooled"], wanted)
        assert file["label"].tolist() == table["label"].to_pylist()
        assert json.loads(str(file["facts"]))["rows"] == 16
    index = json.loads((folder.path / "index.json").read_text())
    shards = [load_file(folder.path / one["file"])["pooled"] for one in index["shards"]]
    assert np.array_equal(np.concatenate(shards), wanted)
    assert pq.read_table(folder.path / "rows.parquet")["video"].to_pylist() == table["video"].to_pylist()


def test_layers_are_those_that_the_network_puts_out(
    trained: dict[str, Run], videos: Path, tmp_path: Path
) -> None:
    """In place work behind a layer changes nothing of it; what is averaged is what was asked for."""
    model = muybridge.load(trained["pretrain"])
    seen = {}
    model.network.stages[4].register_forward_hook(lambda *found: seen.update(out=found[2].clone()))
    with torch.no_grad():
        model(model.read(videos / "left" / "0.mp4"))
    for pool, axes in (("all", (2, 3, 4)), ("space", (3, 4)), ("time", (2,)), ("none", ())):
        found = muybridge.embed(
            trained["pretrain"], out=tmp_path / f"{pool}.npz", layers="stages.4", pool=pool, precision="fp32"
        )
        wanted = seen["out"].mean(axes) if axes else seen["out"]
        assert found.features().shape == (16, *wanted.shape[1:])
        assert np.allclose(found.features()[0], wanted[0].numpy(), atol=1e-5)


def test_half_precision_is_rounded_once(trained: dict[str, Run], tmp_path: Path) -> None:
    full = muybridge.embed(trained["finetune"], out=tmp_path / "full.parquet").features()
    for name in OUTS:
        half = muybridge.embed(trained["finetune"], out=tmp_path / name, dtype="float16").features()
        assert half.dtype == np.float16
        assert np.array_equal(half, full.astype(np.float16))


def test_splits_groups_and_missing_labels(trained: dict[str, Run], videos: Path, tmp_path: Path) -> None:
    lines = [
        "path,label,split,group",
        "left/3.mp4,left,test,b",
        "right/1.mp4,,train,a",
        "left/1.mp4,left,train,c",
    ]
    (videos.parent / "some.csv").write_text("\n".join(lines))
    kept = [
        muybridge.embed(
            trained["pretrain"], videos.parent / "some.csv", out=tmp_path / one, root=videos, group="group", label="label"
        )
        for one in OUTS
    ]  # fmt: skip
    for found in kept:
        assert found.rows["video"].tolist() == ["left/1.mp4", "left/3.mp4", "right/1.mp4"]
        assert found.rows["split"].tolist() == ["train", "test", "train"]
        assert found.rows["label"].tolist() == ["left", "left", None]
        assert found.rows["group"].tolist() == ["c", "b", "a"]
        assert found.labels.tolist() == [0, 0, -1]


def test_batches_and_workers_change_no_row(trained: dict[str, Run], tmp_path: Path) -> None:
    one = muybridge.embed(trained["probe"], out=tmp_path / "one.npz", batch=1, workers=1).features()
    many = muybridge.embed(trained["probe"], out=tmp_path / "many.npz", batch=7, workers=2).features()
    assert np.allclose(one, many, atol=1e-5)


def test_broken_videos_have_no_row(trained: dict[str, Run], videos: Path, tmp_path: Path) -> None:
    shutil.copytree(videos, tmp_path / "some")
    (tmp_path / "some" / "left" / "2.mp4").write_bytes(b"no video")
    for stage in ("pretrain", "probe"):  # from the cache, and from the files
        out = tmp_path / f"{stage}.parquet"
        with pytest.raises(UsageError, match=r"1 of 16 videos are broken.*--allow-broken"):
            muybridge.embed(trained[stage], tmp_path / "some", out=out)
        found = muybridge.embed(trained[stage], tmp_path / "some", out=out, allow_broken=True)
        assert len(found) == 15
        assert "left/2.mp4" not in found.rows["video"]
        assert [Path(one["path"]).name for one in found.facts["broken"]] == ["2.mp4"]
        assert any("1 broken video has no row" in one for one in found.facts["notes"])


def test_numbers_that_are_not_finite_are_said(tmp_path: Path) -> None:
    for name, shade in (("dark", 20), ("light", 255)):
        (tmp_path / "videos" / name).mkdir(parents=True)
        write(tmp_path / "videos" / name / "0.mp4", np.full((8, 32, 32, 3), shade, np.uint8), 8.0)
    small = {"stride": 1, "short_side": 24, "views": "1x1"}
    found = muybridge.embed(Bad(), tmp_path / "videos", out=tmp_path / "nan.parquet", **small)
    assert found.facts["not_finite"] == {"pooled": 1}
    assert "pooled: 1 of 2 rows hold numbers that are not finite, the first of light/0.mp4." in " ".join(
        found.facts["notes"]
    )
    assert np.isnan(found.features()[1]).all()
    assert np.isfinite(found.features()[0]).all()
    large = muybridge.embed(
        Bad(1e7), tmp_path / "videos", out=tmp_path / "large.npz", dtype="float16", **small
    )
    assert (
        "pooled: 1 of 2 rows hold numbers too large for float16, the first of dark/0.mp4. Give --dtype float32"
        in " ".join(large.facts["notes"])
    )


def test_models_of_others(own_code: str, videos: Path, tmp_path: Path) -> None:
    small = {"stride": 1, "short_side": 24, "views": "2x1"}
    code = muybridge.embed(
        own_code, videos, out=tmp_path / "code.npz", layers=["pooled", "model.twice"], **small
    )
    assert np.allclose(code.features(), code.features("model.twice"), atol=1e-6)
    model = muybridge.load(own_code, **small)
    given = muybridge.embed(model, videos, out=tmp_path / "given.npz", layers="network")
    assert np.allclose(given.features("network"), code.features(), atol=1e-6)
    bare = muybridge.embed(model.network, videos, out=tmp_path / "bare.npz", **small)
    assert np.array_equal(bare.features(), code.features())
    with pytest.raises(UsageError, match=r"--layers pooled: .* load it with head=False"):
        muybridge.embed(model, videos, out=tmp_path / "other.npz")
    model = muybridge.load(own_code, head=False, **small)
    with torch.no_grad():
        model.network.model.scale.mul_(2)
    other = muybridge.embed(model, videos, out=tmp_path / "other.npz")
    assert other.facts["model"]["weights"] != given.facts["model"]["weights"]
    assert np.allclose(other.features(), 2 * code.features(), atol=1e-5)


def test_the_clip_tower_of_a_dual_encoder(videos: Path, tmp_path: Path) -> None:
    pytest.importorskip("transformers")
    from muybridge.backbones.text.dual_encoders import dual_encoder
    from tiny_pairs import make

    folder = make(tmp_path / "clip", "clip")
    model = muybridge.load(f"hf:{folder}")
    found = muybridge.embed(f"hf:{folder}", videos, out=tmp_path / "rows.npz", limit=3)
    clips = model.read(videos / found.rows["video"][1])
    assert clips.shape == (1, 3, 8, 16, 16)
    with torch.no_grad():
        wanted = dual_encoder(str(folder)).eval().video(clips.float() / 255)
    assert np.allclose(found.features()[1], wanted[0].numpy(), atol=1e-5)


def test_all_layers_but_those_without_rows(trained: dict[str, Run], tmp_path: Path) -> None:
    found = muybridge.embed(trained["finetune"], out=tmp_path / "rows.npz", layers="all", limit=2)
    named = dict(muybridge.load(trained["finetune"]).network.named_modules())
    assert {"network", "backbone", "head", "stages.0.3", "projection"} <= set(found.layers)
    assert len(found.layers) == len(named)
    assert np.allclose(found.features("network"), found.features("head"))


def test_an_untrained_network_is_calibrated_and_said(videos: Path, tmp_path: Path) -> None:
    one = muybridge.embed(
        "r3d-tiny", videos, out=tmp_path / "one.npz", limit=6, short_side=28, crop=24, frames=4
    )
    assert "untrained: r3d-tiny with random weights, drawn from seed 0" in one.facts["notes"]
    two = muybridge.embed(
        "r3d-tiny", videos, out=tmp_path / "two.npz", limit=6, short_side=28, crop=24, frames=4
    )
    assert np.array_equal(one.features(), two.features())
    assert len(one) == 6
    assert one.features().std() > 1e-3


def test_the_command(run, trained: dict[str, Run], tmp_path: Path) -> None:
    code, out, _ = run(
        "embed", trained["finetune"].path, "--out", tmp_path / "rows.npz", "--dry-run", "--views", "3"
    )
    assert (code, "48 clips" in out, (tmp_path / "rows.npz").exists()) == (0, True, False)
    code, out, err = run("embed", trained["finetune"].path, "--out", tmp_path / "rows.npz")
    assert (code, "16 rows (video), pooled 128, float32" in out) == (0, True), err
    code, out, err = run("embed", trained["finetune"].path, "--out", tmp_path / "rows.npz")
    assert (code, "finished before, not computed again" in out + err) == (0, True)


@pytest.mark.parametrize(("asked", "read"), [(None, 1), (0, 0), (2, 2)])
def test_a_stream_that_is_asked_for_goes_before_that_of_the_run(asked: int | None, read: int) -> None:
    """The first one, too, whose number is 0."""
    seen: list[Any] = []
    memory: Any = SimpleNamespace(
        load_for=lambda fields: seen.append(fields) or SimpleNamespace(records=["a"])
    )
    model: Any = SimpleNamespace(origin=SimpleNamespace(name="run", data={"data": ["x"], "stream": 1}))
    dataset_of(EmbedConfig(stream=asked), model, memory)
    assert [fields["stream"] for fields in seen] == [read]
