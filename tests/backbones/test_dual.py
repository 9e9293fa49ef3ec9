"""Scores of dual encoders against the libraries' own, where these are right, and against plain loops."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch.nn import functional as F

from muybridge.backbones.text.dual import DualEncoder, Given, ZeroShot, mean_of
from muybridge.core.errors import UsageError
from tiny_pairs import make

transformers = pytest.importorskip("transformers")

from muybridge.backbones.text.dual_encoders import dual_encoder  # noqa: E402
from muybridge.backbones.text.dual_transformers import is_dual  # noqa: E402

PER_FRAME = ("clip", "metaclip_2", "siglip", "siglip2", "chinese_clip", "altclip", "vision-text-dual-encoder")
KINDS = (*PER_FRAME, "xclip", "videoprism")
PROMPTS = ["a photo of riding bike", "a video of apply eye makeup", "brush hair", "playing guitar"]
NAMES = ("bike", "makeup", "hair", "guitar")


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return {kind: make(tmp_path_factory.mktemp(kind), kind) for kind in KINDS}


def clips(model: DualEncoder, number: int = 3, frames: int = 4) -> torch.Tensor:
    size = model.clip_size or 16
    rng = torch.Generator().manual_seed(5)
    return torch.rand(number, 3, model.clip_frames or frames, size, size, generator=rng)


@pytest.mark.parametrize("kind", PER_FRAME)
def test_a_model_of_frames_equals_a_plain_loop_over_them(kind: str, folders: dict[str, Path]):
    model = dual_encoder(str(folders[kind]))
    bare: Any = model.model
    found = ZeroShot(model, NAMES, [PROMPTS])(clips(model))
    inputs = model.loaded.encoded(PROMPTS)
    text = F.normalize(bare.get_text_features(**inputs).pooler_output, dim=1)
    mean, std = (torch.tensor(one).view(3, 1, 1) for one in model.loaded.statistics)
    for clip, row in zip(clips(model), found, strict=True):
        rows = []
        for frame in clip.unbind(1):
            picture = ((frame - mean) / std)[None]
            more = {"pixel_values": picture}
            if kind == "siglip2":
                from transformers.models.siglip2.image_processing_siglip2 import Siglip2ImageProcessor

                made = Siglip2ImageProcessor(
                    patch_size=8, max_num_patches=4, do_resize=False, do_rescale=False, do_normalize=False
                )
                more = dict(made(picture[0], return_tensors="pt"))
            rows.append(F.normalize(bare.get_image_features(**more).pooler_output[0], dim=0))
        video = F.normalize(torch.stack(rows).mean(0), dim=0)
        expected = text @ video
        torch.testing.assert_close((row - model.bias) / model.scale, expected, atol=1e-6, rtol=1e-5)


def test_clip_of_one_frame_scores_as_clip_itself(folders: dict[str, Path]):
    model = dual_encoder(str(folders["clip"]))
    bare: Any = model.model
    picture = clips(model, frames=1)
    own = bare(pixel_values=model.prepare(picture)[:, 0], **model.loaded.encoded(PROMPTS)).logits_per_image
    torch.testing.assert_close(ZeroShot(model, NAMES, [PROMPTS])(picture), own, atol=1e-5, rtol=1e-5)


def test_siglip_of_one_frame_scores_as_siglip_itself_with_scale_and_bias(folders: dict[str, Path]):
    model = dual_encoder(str(folders["siglip"]))
    bare: Any = model.model
    picture = clips(model, frames=1)
    own = bare(pixel_values=model.prepare(picture)[:, 0], **model.loaded.encoded(PROMPTS)).logits_per_image
    assert model.bias != 0
    torch.testing.assert_close(ZeroShot(model, NAMES, [PROMPTS])(picture), own, atol=1e-5, rtol=1e-5)


def test_x_clip_scores_as_its_forward_not_as_its_text_features(folders: dict[str, Path]):
    model = dual_encoder(str(folders["xclip"]))
    bare: Any = model.model
    frames = clips(model)
    own = bare(pixel_values=model.prepare(frames), **model.loaded.encoded(PROMPTS)).logits_per_video
    torch.testing.assert_close(ZeroShot(model, NAMES, [PROMPTS])(frames), own, atol=1e-5, rtol=1e-5)
    plain = (
        model.scale * F.normalize(model.video(frames)[0], dim=1) @ F.normalize(model.text(PROMPTS), dim=1).T
    )
    assert (plain - own).abs().max() > 1e-2


def test_videoprism_tells_texts_apart_on_a_single_video_where_the_library_cannot(folders: dict[str, Path]):
    model = dual_encoder(str(folders["videoprism"]))
    bare: Any = model.model
    one = clips(model, number=1)
    theirs = bare(pixel_values_videos=model.prepare(one), **model.loaded.encoded(PROMPTS)).logits_per_video
    assert torch.equal(theirs, torch.ones_like(theirs))
    ours = ZeroShot(model, NAMES, [PROMPTS])(one).softmax(dim=1)
    torch.testing.assert_close(ours.sum(), torch.tensor(1.0))
    assert len(ours.unique()) == len(PROMPTS)


@pytest.mark.parametrize("kind", PER_FRAME)
def test_every_order_of_the_frames_gives_the_same_bits_where_frames_are_averaged(
    kind: str, folders: dict[str, Path]
):
    model = dual_encoder(str(folders[kind]))
    judge = ZeroShot(model, NAMES, [PROMPTS])
    assert model.order_free
    for frames in (7, 8):
        clip = clips(model, frames=frames)
        first = judge(clip)
        for seed in range(5):
            order = torch.randperm(frames, generator=torch.Generator().manual_seed(seed))
            assert torch.equal(judge(clip[:, :, order]), first)


@pytest.mark.parametrize("kind", ["xclip", "videoprism"])
def test_the_order_of_the_frames_reaches_the_score_of_models_that_see_time(
    kind: str, folders: dict[str, Path]
):
    model = dual_encoder(str(folders[kind]))
    judge = ZeroShot(model, NAMES, [PROMPTS])
    assert not model.order_free
    assert not torch.equal(judge(clips(model)), judge(clips(model).flip(2)))


class Counting(DualEncoder):
    """Random embeddings, and how many prompts were read."""

    def __init__(self) -> None:
        super().__init__()
        self.read = 0

    def video(self, frames: torch.Tensor) -> torch.Tensor:
        return frames.mean(dim=(2, 3, 4))

    def text(self, prompts: Any) -> torch.Tensor:
        self.read += len(prompts)
        return torch.randn(len(prompts), 3, generator=torch.Generator().manual_seed(len(prompts)))


def test_texts_are_read_once_whatever_the_number_of_videos():
    model = Counting()
    prompts = [[f"{name} {t}" for name in range(400)] for t in range(48)]
    judge = ZeroShot(model, tuple(map(str, range(400))), prompts)
    for _ in range(3):
        assert judge(torch.rand(2, 3, 2, 4, 4)).shape == (2, 400)
    assert model.read == 48 * 400


def test_both_orders_of_averaging_are_those_of_their_sources():
    rows = (
        torch.randn(5, 3, 4, generator=torch.Generator().manual_seed(0))
        * torch.tensor([1.0, 5.0, 0.1])[:, None]
    )
    clip = F.normalize(F.normalize(rows, dim=-1).mean(1), dim=-1)
    open_clip = F.normalize(rows.mean(1), dim=-1)
    torch.testing.assert_close(mean_of(rows, "normalise-first"), clip)
    torch.testing.assert_close(mean_of(rows, "mean-first"), open_clip)
    assert (clip - open_clip).abs().max() > 0.1


def test_single_templates_are_scored_beside_the_ensemble(folders: dict[str, Path]):
    model = dual_encoder(str(folders["clip"]))
    templates = [[f"{start} {name}" for name in PROMPTS] for start in ("a", "the", "video of")]
    whole, single = ZeroShot(model, NAMES, templates).both(clips(model))
    for t, prompts in enumerate(templates):
        torch.testing.assert_close(
            single[:, t], ZeroShot(model, NAMES, [prompts])(clips(model)), atol=1e-5, rtol=1e-5
        )
    assert (whole - single.mean(1)).abs().max() > 1e-4  # of embeddings, not of scores


def damaged(folder: Path, edit: Any) -> str:
    from safetensors.torch import load_file, save_file

    path = folder / "model.safetensors"
    state = load_file(path)
    edit(state)
    save_file(state, path, metadata={"format": "pt"})
    return str(folder)


def test_weights_that_do_not_fit_to_the_last_tensor_are_refused(tmp_path: Path):
    lacking = damaged(make(tmp_path / "a", "clip"), lambda state: state.pop("text_projection.weight"))
    with pytest.raises(UsageError, match=r"1 missing keys .*text_projection\.weight.*stay random"):
        dual_encoder(lacking)
    more = damaged(make(tmp_path / "b", "clip"), lambda state: state.update({"other.weight": torch.zeros(2)}))
    with pytest.raises(UsageError, match=r"1 unexpected keys .*other\.weight"):
        dual_encoder(more)


def test_what_a_tokenizer_lacks_is_said(tmp_path: Path):
    folder = make(tmp_path / "clip", "clip")
    model = dual_encoder(str(folder))
    with pytest.raises(UsageError, match=r"20 tokens long; its text tower takes 16"):
        ZeroShot(model, ("a",), [["bike " * 18]])
    with pytest.raises(UsageError, match=r"makes the same of 'велосипед' and 'лошадь'.*--names FILE"):
        ZeroShot(model, ("велосипед", "лошадь"), [["велосипед", "лошадь"]])
    for file in folder.glob("tokenizer*"):
        file.unlink()
    with pytest.raises(UsageError, match="no tokenizer in"):
        dual_encoder(str(folder))


def test_nothing_is_run_that_lies_in_a_folder(tmp_path: Path):
    import json

    folder = make(tmp_path / "clip", "clip")
    (folder / "evil.py").write_text("raise SystemExit('run')")
    path = folder / "tokenizer_config.json"
    path.write_text(
        json.dumps(json.loads(path.read_text()) | {"auto_map": {"AutoTokenizer": ["evil.T", None]}})
    )
    with pytest.raises(UsageError, match="never run"):
        dual_encoder(str(folder))
    assert is_dual(str(folder))
    assert not is_dual("nowhere")


def test_an_object_of_the_users_needs_both_towers():
    with pytest.raises(UsageError, match=r"wanted methods video\(frames"):
        Given(object(), "mine")
    wrong = type(
        "Wrong", (), {"video": lambda self, frames: frames, "text": lambda self, prompts: torch.zeros(1)}
    )()
    with pytest.raises(
        UsageError, match=r"text\(\) returned torch.float32 \(1,\); wanted a float tensor of 4 rows"
    ):
        ZeroShot(Given(wrong, "mine"), NAMES, [PROMPTS])


def test_pictures_are_scaled_as_the_folders_processor_says(tmp_path: Path):
    import json

    folder = make(tmp_path / "clip", "clip")
    facts = {
        "image_mean": [0.4, 0.5, 0.6],
        "image_std": [0.2, 0.2, 0.25],
        "rescale_factor": 1 / 127.5,
        "rescale_offset": True,
    }
    (folder / "preprocessor_config.json").write_text(json.dumps(facts))
    model = dual_encoder(str(folder))
    whole = torch.randint(0, 256, (1, 3, 2, 16, 16), generator=torch.Generator().manual_seed(0)).float()
    shape = (1, 1, 3, 1, 1)
    expected = (
        whole.transpose(1, 2) / 127.5 - 1 - torch.tensor(facts["image_mean"]).view(shape)
    ) / torch.tensor(facts["image_std"]).view(shape)
    torch.testing.assert_close(model.prepare(whole / 255), expected, atol=1e-5, rtol=1e-5)
    (folder / "preprocessor_config.json").write_text(json.dumps(facts | {"image_std": [0, 1, 1]}))
    with pytest.raises(UsageError, match="wanted three numbers each"):
        dual_encoder(str(folder))
    for name, value in (
        ("do_flip_channel_order", True), ("do_pad", True), ("do_rescale", False), ("rescale_factor", 0), ("rescale_factor", "x"),
    ):  # fmt: skip
        (folder / "preprocessor_config.json").write_text(json.dumps(facts | {name: value}))
        with pytest.raises(UsageError, match=f"{name} is .*which is not done here"):
            dual_encoder(str(folder))


@pytest.mark.parametrize(
    ("said", "short_side", "squeezed"),
    [
        ({"size": {"shortest_edge": 20}, "crop_size": {"height": 16, "width": 16}, "do_center_crop": True}, 20, None),
        ({"size": 18, "crop_size": 16, "do_center_crop": True}, 18, None),  # CLIP of old: one number is the short side
        ({"size": {"shortest_edge": 16}, "crop_size": 16}, 16, None),
        ({"size": {"height": 16, "width": 24}}, None, "16 x 24"),  # SigLIP
        ({"size": 16, "do_center_crop": False}, None, "16 x 16"),
        ({"crop_size": 16}, None, None),
        ({}, None, None),
    ],
)  # fmt: skip
def test_short_side_and_crop_are_those_of_the_folders_processor(
    tmp_path: Path, said: dict[str, object], short_side: int | None, squeezed: str | None
):
    import json

    from muybridge.stages.texts.text_scored import clip_of

    folder = make(tmp_path / "clip", "clip")
    (folder / "preprocessor_config.json").write_text(json.dumps(said))
    model = dual_encoder(str(folder))
    assert model.clip_short_side == short_side
    assert clip_of(model) == {"crop": 16, "short_side": short_side or 16}
    assert [f"to {squeezed}; here they keep their shape" in note for note in model.notes] == [True] * bool(
        squeezed
    )


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"size": {"shortest_edge": 20}, "crop_size": 18}, "cuts 18 x 18 pixels, but config.json says that the network takes 16"),
        ({"size": {"shortest_edge": 20}, "do_center_crop": False}, "without a crop leaves pictures of any shape"),
        ({"size": {"shortest_edge": 8}, "crop_size": 16}, "crop_size 16 does not fit into a short side of 8"),
        ({"size": {"shortest_edge": "big"}, "crop_size": 16}, "size is 'big'; wanted a whole number"),
        ({"size": {"longest_edge": 16}}, "size is None; wanted a whole number"),
        ({"size": True, "crop_size": 16}, "size is True; wanted a whole number"),
        ({"size": {"shortest_edge": 20}, "crop_size": {"height": 16, "width": 17}}, "crop_size is .* wanted a whole number"),
        ({"do_resize": False}, "do_resize is false, which is not done here"),
    ],
)  # fmt: skip
def test_cuts_that_are_not_done_here_are_refused(tmp_path: Path, said: dict[str, object], words: str):
    import json

    folder = make(tmp_path / "clip", "clip")
    (folder / "preprocessor_config.json").write_text(json.dumps(said))
    with pytest.raises(UsageError, match=words):
        dual_encoder(str(folder))
