"""Folders of tiny random dual encoders with tokenizers, made from configs; nothing is downloaded."""

from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

WORDS = [
    "a",
    "the",
    "of",
    "photo",
    "video",
    "person",
    "doing",
    "riding",
    "bike",
    "horse",
    "boy",
    "yo",
    "playing",
    "guitar",
    "apply",
    "eye",
    "makeup",
    "brush",
    "hair",
    "is",
    "with",
    ".",
    ",",
]
CLIP_END = 2


def tokenizer(folder: Path, longest: int = 16) -> None:
    """One token per word, start and end around them; words that are not known become <unk>."""
    from transformers import PreTrainedTokenizerFast

    marks = ["<pad>", "<s>", "</s>", "<unk>"]
    vocabulary = {word: place for place, word in enumerate([*marks, *WORDS])}
    made = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    made.normalizer = normalizers.Lowercase()
    made.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Whitespace()])
    made.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 1), ("</s>", 2)]
    )
    PreTrainedTokenizerFast(
        tokenizer_object=made,
        pad_token="<pad>",
        bos_token="<s>",
        eos_token="</s>",
        unk_token="<unk>",
        model_max_length=longest,
    ).save_pretrained(folder)


TOWER = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4}
TEXT = TOWER | {
    "vocab_size": 40,
    "max_position_embeddings": 16,
    "eos_token_id": 2,
    "pad_token_id": 0,
    "bos_token_id": 1,
}
VISION = TOWER | {"image_size": 16, "patch_size": 8}


def _clip(kind: str, **more: Any) -> Any:
    import transformers

    config = {
        "clip": "CLIPConfig", "metaclip_2": "MetaClip2Config", "xclip": "XCLIPConfig", "siglip": "SiglipConfig", "siglip2": "Siglip2Config",
    }[kind]  # fmt: skip
    return getattr(transformers, config)(**more)


def config(kind: str) -> Any:
    """The config of a tiny model."""
    import transformers

    if kind in ("clip", "metaclip_2"):
        return _clip(kind, text_config=TEXT, vision_config=VISION, projection_dim=24)
    if kind == "xclip":
        vision = VISION | {"num_frames": 4, "mit_hidden_size": 24, "mit_intermediate_size": 32, "mit_num_hidden_layers": 1,
                           "mit_num_attention_heads": 4, "drop_path_rate": 0.0}  # fmt: skip
        return _clip(
            kind, text_config=TEXT, vision_config=vision, projection_dim=24, prompt_num_attention_heads=4
        )
    if kind == "siglip":
        return _clip(kind, text_config=TEXT, vision_config=VISION)
    if kind == "siglip2":
        return _clip(kind, text_config=TEXT, vision_config=TOWER | {"patch_size": 8, "num_patches": 4})
    if kind == "videoprism":
        layers = {"num_spatial_layers": 1, "num_temporal_layers": 1, "num_auxiliary_layers": 1}
        vision = (
            TOWER
            | layers
            | {"image_size": 36, "patch_size": 18, "num_frames": 4, "tubelet_size": [1, 18, 18]}
        )
        return transformers.VideoPrismConfig(text_config=TEXT, vision_config=vision)
    if kind == "vision-text-dual-encoder":
        vision = transformers.ViTConfig(**VISION)
        text = transformers.BertConfig(**TOWER, vocab_size=40, max_position_embeddings=16)
        return transformers.VisionTextDualEncoderConfig.from_vision_text_configs(
            vision, text, projection_dim=24
        )
    if kind == "chinese_clip":
        return transformers.ChineseCLIPConfig(
            text_config=TOWER | {"vocab_size": 40, "max_position_embeddings": 16},
            vision_config=VISION,
            projection_dim=24,
        )
    if kind == "altclip":
        text = TOWER | {"vocab_size": 40, "max_position_embeddings": 18, "project_dim": 24, "pad_token_id": 0}
        return transformers.AltCLIPConfig(text_config=text, vision_config=VISION, projection_dim=24)
    if kind in ("pe_video", "pe_audio_video"):
        return _perception(kind)
    raise KeyError(kind)


def _perception(kind: str) -> Any:
    """Perception Encoder with a picture tower of timm, small."""
    import transformers

    heads = TOWER | {"head_dim": 8}
    ends = {"pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2, "cls_token_id": 1, "sep_token_id": 2}
    text = transformers.ModernBertConfig(**TOWER, **ends, vocab_size=40, max_position_embeddings=16)
    tower = {
        "architecture": "vit_tiny_patch16_224",
        "num_classes": 12,
        "model_args": {"img_size": 16, "patch_size": 8, "embed_dim": 24, "depth": 1, "num_heads": 2},
    }
    video = transformers.PeVideoEncoderConfig(vision_config=tower, **heads)
    if kind == "pe_video":
        return transformers.PeVideoConfig(text_config=text, video_config=video)
    sound = transformers.PeAudioEncoderConfig(
        dac_config={
            "encoder_hidden_size": 8,
            "downsampling_ratios": [2, 4],
            "decoder_hidden_size": 16,
            "codebook_dim": 4,
            "n_codebooks": 2,
        },
        **heads,
    )
    both = transformers.PeAudioVideoEncoderConfig(audio_config=sound, video_config=video, **heads)
    return transformers.PeAudioVideoConfig(text_config=text, audio_video_config=both)


def make(folder: Path, kind: str, seed: int = 0) -> Path:
    """Write a folder with weights, config and tokenizer, and return it."""
    import transformers

    from muybridge.backbones.text.dual_transformers import FAMILIES

    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = getattr(transformers, FAMILIES[kind].model)(config(kind))
        for parameter in model.parameters():  # biases and scales too, so that no term is zero by accident
            if parameter.ndim < 2:
                parameter.data += 0.1 * torch.randn_like(parameter)
        if kind.startswith("pe_"):  # its published start is so small that every clip would score the same
            for name, parameter in model.named_parameters():
                parameter.data *= 1.0 if parameter.ndim < 2 else 10.0
                parameter.data += 5.0 if name.endswith("logit_scale") else 0.0
    model.save_pretrained(folder)
    tokenizer(folder)
    return folder
