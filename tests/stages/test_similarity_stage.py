"""similarity end to end on small real files: against features captured by hand; what it says, and what it refuses."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from frozen_helpers import TINY

import muybridge
from hsic import song
from muybridge.core.errors import UsageError
from muybridge.core.networks.features import capture
from muybridge.data.decode.video import read_all, write
from muybridge.data.sources import load
from muybridge.runs.contents.layer_maps import read_maps
from muybridge.sampling.frame_numbers import Sampling
from muybridge.stages.features.clip_batches import batches, chosen_videos
from muybridge.stages.training.material import build_backbone
from muybridge.train.checkpoint import load_weights, part

FEW = {"batch": 6, "permutations": 20, "replicates": 20, "precision": "fp32"}


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    return tmp_path_factory.mktemp("similarity")


@pytest.fixture(scope="module")
def pretrained(videos, out):
    return muybridge.pretrain(data=videos, out=out, objective="vcop", budget=48, **TINY | {"stride": 1})


@pytest.fixture(scope="module")
def tuned(pretrained, videos, out):
    return muybridge.finetune(data=videos, init=pretrained, out=out, epochs=1, fold=0, **TINY)


def maps(run) -> dict:
    told = run.result["similarity"]
    sides = [len((told[side] or told["a"])["layers"]) for side in "ab"]
    return read_maps(run.path, dict.fromkeys(told["measures"], tuple(sides)))


def test_the_map_is_cka_of_captured_features(pretrained, tuned, videos, out):
    """Every pair of layers, by the sum of HSIC_1 over batches, on features taken one network at a time in float64."""
    run = muybridge.similarity(
        a=tuned, b=pretrained, out=out, layers=("stages.2", "stages.5", "stages.11"), **FEW
    )
    dataset = load((str(videos),))
    records, _ = chosen_videos(dataset, 256, 0, 4)
    bodies = [
        {name.removeprefix("backbone."): value for name, value in load_weights(one.path / "weights.safetensors").items()
         if name.startswith("backbone.")} for one in (tuned, pretrained)
    ]  # fmt: skip
    assert bodies[1].keys() == part(load_weights(pretrained.path / "weights.safetensors"), "backbone").keys()
    between, own = np.zeros((3, 3)), np.zeros((2, 3))
    for start, stop in ((0, 6), (6, 12), (12, 16)):
        grams = []
        for weights in bodies:
            network = build_backbone("r2plus1d-tiny", 0).double().eval()
            network.load_state_dict(weights)
            clips = []
            for record in records[start:stop]:
                frames = read_all(record.path, height=20, width=20, fit="squash")
                clips.append(frames[Sampling(4, 2).views(len(frames), 1)[0]][:, 2:18, 2:18])
            with (
                torch.no_grad(),
                capture(
                    network, ("stages.1", "stages.2", "stages.4", "stages.5", "stages.10", "stages.11")
                ) as seen,
            ):
                network(torch.from_numpy(np.stack(clips)).permute(0, 4, 1, 2, 3).double() / 255)
            flat = [seen[name].flatten(1) for name in ("stages.2", "stages.5", "stages.11")]
            grams.append([one @ one.T for one in flat])
        share = (stop - start) * np.ones((1, 1))
        between += share * [[float(song(k, l)) for l in grams[1]] for k in grams[0]]  # noqa: E741
        own += share * [[float(song(k, k)) for k in side] for side in grams]
    expected = between / np.sqrt(own[0][:, None] * own[1])
    np.testing.assert_allclose(maps(run)["cka"]["value"], expected, atol=2e-4)


def test_a_network_against_itself_is_one_on_the_diagonal_and_symmetric(tuned, out):
    run = muybridge.similarity(
        a=tuned, out=out, measure=("cka", "cka-biased", "procrustes", "mutual-knn"), **FEW
    )
    found, told = maps(run), run.result["similarity"]
    assert told["b"] is None
    assert (told["clips"], told["batches"], told["groups"]) == (16, [6, 6, 4], 16)
    for measure, kinds in found.items():
        np.testing.assert_allclose(kinds["value"].diagonal(), 1, atol=1e-5, err_msg=measure)
        np.testing.assert_allclose(kinds["value"], kinds["value"].T, atol=1e-8)
        assert (kinds["null_low"] <= kinds["null_high"]).all()
    assert found["cka"].keys() >= {"low", "high"}
    assert told["a"]["layers"][-3:] == ["backbone", "head", "network"]
    assert told["a"]["name"].startswith("vcop, r2plus1d-tiny, fine-tuned on videos")
    assert any("16 clips: below 256" in note for note in run.result["notes"])


def test_the_second_word_may_be_the_first_again(tuned, out):
    one = muybridge.similarity(a=tuned, out=out, **FEW)
    assert muybridge.similarity(a=tuned, b=tuned, out=out, **FEW).path == one.path


def test_a_seed_draws_other_untrained_weights_and_a_run_has_its_own(videos, pretrained, out):
    few = FEW | {
        "data": videos,
        "layers": ("stages",),
        "frames": 4,
        "stride": 2,
        "short_side": 20,
        "crop": 16,
    }
    one, two = (muybridge.similarity(a="r2plus1d-tiny", out=out, seed=seed, **few) for seed in (0, 1))
    assert one.path != two.path
    assert not np.allclose(maps(one)["cka"]["value"], maps(two)["cka"]["value"])
    assert one.result["similarity"]["a"]["name"] == "random, r2plus1d-tiny, seed 0"
    mixed = muybridge.similarity(a=pretrained, b="shufflenet-tiny", out=out, **FEW | {"layers": ("stages",)})
    assert maps(mixed)["cka"]["value"].shape == (4, len(mixed.result["similarity"]["b"]["layers"]))


def test_perturbed_clips_are_compared_with_clean_ones_by_layer(tuned, out):
    run = muybridge.similarity(
        a=tuned,
        out=out,
        layers=("stages",),
        perturb=("gaussian_noise", "reversal"),
        perturb_severities=(1, 5),
        **FEW,
    )
    told = run.result["similarity"]
    assert told["conditions"] == [
        ["gaussian_noise", 1],
        ["gaussian_noise", 5],
        ["reversal", 1],
        ["reversal", 5],
    ]
    found = read_maps(run.path, {"perturbed": (4, 4)})["perturbed"]
    assert (found["value"][1] < found["value"][0]).all(), "more noise, less in common"
    assert found["value"].max() < 1
    assert [row["severity"] for row in told["drift"]] == [1, 5, 1, 5]
    assert told["a"]["layers"][-1] == "stages.11"
    light, heavy, *_ = (row["twin"] for row in told["drift"])
    assert light["value"] > heavy["value"]
    for row in told["drift"]:
        assert 0 <= row["twin"]["low"] <= row["twin"]["value"] <= row["twin"]["high"] <= 1


def test_twins_are_looked_for_among_all_clips_by_features_taken_at_once(tuned, out, monkeypatch):
    """Hits of 16 clips in batches of 6, 6 and 4, from every batch's features of a network that is run by hand."""
    from muybridge.measure.similarity.twin_retrieval import twin_hits
    from muybridge.stages import similarity

    seen: dict[str, list[torch.Tensor]] = {"clean": [], "perturbed": []}

    def rolled(clip, *_, **__):
        """Half of the clips in the place of their neighbours."""
        frames = clip.frames.clone()
        frames[::2] = frames[::2].roll(1, 0)
        seen["clean"].append(clip.frames)
        seen["perturbed"].append(frames)
        return replace(clip, frames=frames)

    monkeypatch.setattr(similarity, "perturb", rolled)
    run = muybridge.similarity(
        a=tuned, out=out, layers=("stages",), perturb=("jumbling",), perturb_severities=(1,), seed=7, **FEW
    )
    weights = load_weights(tuned.path / "weights.safetensors")
    network = build_backbone("r2plus1d-tiny", 0).eval()
    network.load_state_dict(part(weights, "backbone"))
    with torch.no_grad(), capture(network, ("stages.11",)) as kept:
        rows = []
        for batches_of in seen.values():
            network(torch.cat(batches_of).float() / 255)
            rows.append(kept["stages.11"].mean((2, 3, 4)))
    hits = twin_hits(*rows)
    assert 0 < hits.sum() < 16
    assert run.result["similarity"]["drift"][0]["twin"]["value"] == pytest.approx(float(hits.double().mean()))


def test_a_perturbation_that_changes_nothing_leaves_everything(tuned, out, monkeypatch):
    from muybridge.stages import similarity

    monkeypatch.setattr(similarity, "perturb", lambda clip, *_, **__: clip)
    run = muybridge.similarity(
        a=tuned, out=out, layers=("stages",), perturb=("jumbling",), perturb_severities=(1,), seed=5, **FEW
    )
    found = read_maps(run.path, {"perturbed": (1, 4)})["perturbed"]
    np.testing.assert_allclose(found["value"], 1, atol=1e-6)
    assert run.result["similarity"]["drift"][0]["twin"] == {"value": 1.0, "low": 1.0, "high": 1.0}


def test_a_last_layer_of_unknown_axes_has_no_twins_and_a_note_says_so(tuned, out, monkeypatch):
    from muybridge.stages.features import layer_grams

    monkeypatch.setattr(layer_grams, "pooled_vectors", lambda *_: None)
    run = muybridge.similarity(
        a=tuned, out=out, layers=("stages",), perturb=("jumbling",), perturb_severities=(1,), seed=6, **FEW
    )
    assert run.result["similarity"]["drift"][0]["twin"] == {"value": None, "low": None, "high": None}
    assert any(
        "no twin retrieval: the axes of what layer stages.11 puts out" in note for note in run.result["notes"]
    )


def test_one_source_group_has_no_interval(videos, out, tmp_path):
    rows = "".join(f"{path},x,one\n" for path in sorted(videos.glob("*/*.mp4")))
    (tmp_path / "list.csv").write_text("path,label,group\n" + rows)
    run = muybridge.similarity(
        a="r2plus1d-tiny", data=tmp_path / "list.csv", group="group", out=out, frames=4, short_side=20, crop=16, layers=("stages",), **FEW
    )  # fmt: skip
    assert "low" not in maps(run)["cka"]
    assert "all videos are of one source group: no interval" in run.result["notes"]
    moved = muybridge.similarity(
        a="r2plus1d-tiny", data=tmp_path / "list.csv", group="group", out=out, frames=4, short_side=20, crop=16, layers=("stages",),
        perturb=("jumbling",), perturb_severities=(1,), **FEW,
    )  # fmt: skip
    twin = moved.result["similarity"]["drift"][0]["twin"]
    assert 0 <= twin["value"] <= 1
    assert (twin["low"], twin["high"]) == (None, None)


class Chunks:
    """Chunks of one clip, some broken."""

    def __init__(self, whole: list[bool]) -> None:
        self.whole = whole

    def read(self):
        from muybridge.core.clip import Clip
        from muybridge.stages.testing.tested import Chunk

        for i, fine in enumerate(self.whole):
            clip = Clip(
                torch.zeros(int(fine), 3, 1, 1, 1, dtype=torch.uint8),
                torch.zeros(int(fine), dtype=torch.int64),
                [str(i)] * fine,
            )
            yield Chunk(clip, (0,) * fine, (i,) * fine)


@pytest.mark.parametrize(
    ("number", "sizes"),
    [
        (8, [4, 4]),
        (9, [4, 5]),
        (11, [4, 7]),
        (12, [4, 4, 4]),
        (5, [5]),
        (7, [7]),
        (4, [4]),
        (2, [2]),
        (0, []),
    ],
)
def test_a_small_rest_joins_the_batch_before(number: int, sizes: list[int]):
    found = list(batches(Chunks([True] * number), 4))
    assert [len(clip) for clip, _ in found] == sizes
    assert [i for _, records in found for i in records] == list(range(number))


def test_broken_videos_leave_no_hole_in_a_batch():
    found = [records for _, records in batches(Chunks([True, False] * 8), 4)]
    assert found == [[0, 2, 4, 6], [8, 10, 12, 14]]


def test_three_clips_are_refused(tmp_path, out):
    (tmp_path / "some" / "x").mkdir(parents=True)
    for i in range(3):
        write(tmp_path / "some" / "x" / f"{i}.mp4", np.zeros((8, 20, 20, 3), np.uint8), 12.0)
    with pytest.raises(UsageError, match="has 3 videos; wanted 4 or more to compare layers"):
        muybridge.similarity(a="r2plus1d-tiny", data=tmp_path / "some", out=out)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            {"layers": ("stages.99",)},
            r"--layers stages.99: vcop.* \(--a\) has no such module; the nearest are stages",
        ),
        ({"b": "r2plus1d-tiny", "perturb": ("jumbling",)}, "--perturb: compares A with itself"),
        ({"perturb": ("jumblin",)}, "jumblin"),
        ({"b": "r2plus1d-tinny"}, "r2plus1d-tinny.*Did you mean 'r2plus1d-tiny'"),
        ({"b": "r2plus1d-tiny=weights.xyz"}, "wanted a file of weights"),
        ({"b": "r2plus1d-tiny=no.pt"}, "--b .*no.pt: cannot be read"),
        ({"batch": 3}, "--batch 3: wanted 4 or more"),
        ({"limit": 3}, "--limit 3: wanted 4 or more"),
        ({"videos": 3}, "--videos 3: wanted 4 or more"),
        ({"measure": ()}, "--measure"),
        ({"b": "vit-tiny", "crop": 20}, "--crop 20: ViT.*multiple of 8"),
    ],
    ids=lambda one: str(one)[:30],
)
def test_what_cannot_work_is_refused(words: dict, said: str, tuned, out):
    with pytest.raises(UsageError, match=said):
        muybridge.similarity(**{"a": tuned, "out": out, **FEW, **words})


def test_a_run_without_weights_names_whose_it_used(pretrained, videos, out):
    run = muybridge.knn(data=videos, init=pretrained, out=out, fold=0, **TINY)
    with pytest.raises(
        UsageError, match=r"a knn run has no weights of its own. Give the run or network of its --init"
    ):
        muybridge.similarity(a=run, out=out)


def test_no_data_and_no_run_that_has_some(out):
    with pytest.raises(UsageError, match="--data: wanted videos; neither A nor B is a run"):
        muybridge.similarity(a="r2plus1d-tiny", out=out)


def test_features_that_are_no_numbers_name_network_and_layer(pretrained, videos, out, tmp_path):
    from safetensors.torch import save_file

    weights = part(load_weights(pretrained.path / "weights.safetensors"), "backbone")
    weights["stages.3.0.weight"][0] = torch.nan
    save_file(weights, tmp_path / "nan.safetensors")
    with pytest.raises(
        UsageError,
        match=r"nan, r2plus1d-tiny: layer stages.3.0 puts out numbers that are not finite for 6 of 6",
    ):
        muybridge.similarity(
            a=f"r2plus1d-tiny={tmp_path}/nan.safetensors",
            data=videos,
            out=out,
            frames=4,
            short_side=20,
            crop=16,
            **FEW,
        )


def test_the_command_takes_two_words(run, tuned, pretrained, out):
    few = ("--batch", 6, "--permutations", 20, "--replicates", 20, "--precision", "fp32")
    code, shown, said = run(
        "similarity", tuned.path, pretrained.path, "--layers", "stages", "--out", out, *few
    )
    assert code == 0, said
    assert "mean off the diagonal" in shown
    folder = shown.splitlines()[-1]
    assert json.loads((out / folder / "result.json").read_text())["similarity"]["b"]["name"].startswith(
        "vcop"
    )
    code, _, said = run("similarity", "a", "b", "c")
    assert (code, "compares two networks, got 'a b c'" in said) == (2, True)
