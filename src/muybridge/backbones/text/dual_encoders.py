"""The dual encoder in a folder of transformers, by its family."""

from muybridge.backbones.text.dual import DualEncoder
from muybridge.backbones.text.dual_clips import VideoPrism, XClip
from muybridge.backbones.text.dual_frames import PerFrame
from muybridge.backbones.text.dual_perception import PerceptionEncoder
from muybridge.backbones.text.dual_transformers import Loaded, load


def dual_encoder(name: str, pooling: str = "normalise-first") -> DualEncoder:
    """The dual encoder in a folder of transformers.

    Args:
        name: a folder with ``config.json``, or a name in the local Hugging Face cache.
        pooling: of models that see frames one by one: ``normalise-first`` or ``mean-first``.

    Raises:
        UsageError: nothing there, another kind of model, weights that do not fit, a tokenizer that is missing or too short, or a
            processor that cuts another size than the network takes.
    """
    loaded = load(name)
    model = _adapted(loaded, pooling)
    loaded.pictures.check(loaded.name, model.clip_size)
    model.clip_short_side = loaded.pictures.short_side
    model.notes = loaded.pictures.notes(loaded.name, model.clip_size)
    return model


def _adapted(loaded: Loaded, pooling: str) -> DualEncoder:
    if loaded.family.adapter == "xclip":
        return XClip(loaded)
    if loaded.family.adapter == "videoprism":
        return VideoPrism(loaded)
    if loaded.family.adapter == "pe":
        return PerceptionEncoder(loaded)
    return PerFrame(loaded, pooling)
