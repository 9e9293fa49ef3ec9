"""What a zero-shot answer costs over the forward pass that it needs: 400 classes, 48 templates, every template scored.

    python benchmarks/zeroshot.py [--clips 24] [--rounds 5] [--size 112] [--width 384] [--layers 12]

A CLIP of transformers with random weights (no download) sees clips of 8 frames, one at a time, on one thread. ``video`` is the pure
forward pass of the clip tower over the frames of each clip, in a plain loop. ``zero-shot`` is what the stage does with the same clips:
frames sorted by content, the same tower, the ensemble and all 48 templates beside it. Texts are encoded once before either begins, by a
small tower of their own; that time is told apart. Arms are interleaved. Prints CPU seconds (median of the rounds), the ratio, its
spread over rounds, and the seconds of the texts.
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path

import torch

from muybridge.backbones.text.dual import ZeroShot
from muybridge.backbones.text.dual_encoders import dual_encoder
from muybridge.stages.texts.prompts import SETS

NAMES = tuple(f"class{i}" for i in range(400))


def folder(path: Path, size: int, width: int, layers: int) -> Path:
    """A CLIP of random weights with a tokenizer of whole words."""
    import transformers
    from tokenizers import Tokenizer, models, pre_tokenizers

    tower = {
        "hidden_size": width,
        "intermediate_size": 4 * width,
        "num_hidden_layers": layers,
        "num_attention_heads": width // 64,
    }
    text = {
        "hidden_size": 64,
        "intermediate_size": 128,
        "num_hidden_layers": 1,
        "num_attention_heads": 1,
        "vocab_size": 1000,
    }
    text |= {"max_position_embeddings": 77, "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0}
    config = transformers.CLIPConfig(
        text_config=text, vision_config=tower | {"image_size": size, "patch_size": 16}, projection_dim=512
    )
    transformers.CLIPModel(config).save_pretrained(path)
    words = sorted(
        {word for row in SETS["ucf101"].said(NAMES) for prompt in row for word in prompt[:-1].split()}
    )
    made = Tokenizer(
        models.WordLevel(
            {word: i for i, word in enumerate(["<pad>", "<s>", "</s>", "<unk>", *words])}, unk_token="<unk>"
        )
    )
    made.pre_tokenizer = pre_tokenizers.Whitespace()
    transformers.PreTrainedTokenizerFast(
        tokenizer_object=made, pad_token="<pad>", unk_token="<unk>"
    ).save_pretrained(path)
    return path


def main() -> None:
    """Measure and print."""
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, value in (("clips", 24), ("rounds", 5), ("size", 112), ("width", 384), ("layers", 12)):
        words.add_argument(f"--{name}", type=int, default=value)
    given = words.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    with tempfile.TemporaryDirectory() as place:
        model = dual_encoder(str(folder(Path(place), given.size, given.width, given.layers)))
        began = time.process_time()
        judge = ZeroShot(model, NAMES, SETS["ucf101"].said(NAMES))
        texts = time.process_time() - began
        clips = torch.rand(given.clips, 1, 3, 8, given.size, given.size)
        tower = model.model

        def video() -> None:
            for clip in clips:
                tower.get_image_features(pixel_values=model.prepare(clip).flatten(0, 1))

        def zero_shot() -> None:
            for clip in clips:
                judge.both(clip)

        seconds: dict[str, list[float]] = {"video": [], "zero-shot": []}
        with torch.inference_mode():
            for _ in range(given.rounds + 1):
                for name, arm in (("video", video), ("zero-shot", zero_shot)):
                    began = time.process_time()
                    arm()
                    seconds[name].append(time.process_time() - began)
    for name, found in seconds.items():
        print(f"{name:<10} {statistics.median(found[1:]):.2f} s CPU for {given.clips} clips")
    ratios = [zero / video for video, zero in zip(*(found[1:] for found in seconds.values()), strict=True)]
    print(f"ratio      {statistics.median(ratios):.3f} (rounds {min(ratios):.3f} to {max(ratios):.3f})")
    print(f"texts      {texts:.1f} s CPU, once, for {len(judge.classes) * 48:,} prompts")


if __name__ == "__main__":
    main()
