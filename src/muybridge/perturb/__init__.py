"""Perturbations of the sampled clip: pure functions ``(frames, streams, *, parameters) -> frames`` on uint8 ``b c t h w``.

All act after resizing and cropping, so that a severity means the same for every video and sampler (departs from the published
benchmarks, whose temporal types act on the whole video and often leave a sparsely sampled clip unchanged). ``profiles`` holds the
parameters of every severity; ``apply.perturb`` brings the two together.

An outside package adds a type through the entry-point group ``muybridge.perturbations``: one ``profiles.Ladder``, usable in any profile.
"""

from muybridge.core.catalogue import Entry
from muybridge.perturb.profiles import PROFILES

TYPES = {
    "noise": {
        "gaussian_noise": "additive normal noise",
        "shot_noise": "Poisson noise of few photons",
        "impulse_noise": "single values set to black or white",
        "speckle_noise": "normal noise in proportion to brightness",
    },
    "blur": {
        "defocus_blur": "mean over a disc",
        "motion_blur": "smear along a line",
        "zoom_blur": "mean of several enlargements",
    },
    "digital": {
        "jpeg": "every frame compressed as JPEG",
        "mpeg2": 'the clip compressed as MPEG-2 video (published as "MPEG1")',
        "mpeg4": 'the clip compressed as MPEG-4 part 2 video (published as "MPEG2")',
        "h264_crf": "the clip compressed as H.264 at a constant rate factor",
        "h265_crf": "the clip compressed as H.265 at a constant rate factor",
        "bit_error": "wrong bytes in a compressed clip",
    },
    "temporal": {
        "sampling": "fewer frames, each held until the next",
        "reversal": "fewer frames, held and backwards",
        "jumbling": "frames shuffled inside segments",
        "box_jumbling": "segments shuffled, the order inside kept",
        "freezing": "frames that repeat the one before",
        "frame_rate": "a lower frame rate, each frame held",
        "frame_average": "motion blur as the mean of neighbouring frames",
    },
    "camera": {
        "static_rotation": "the clip turned by one angle",
        "random_rotation": "the clip turned by changing angles",
        "translation": "the clip shifted",
        "held_rotation": "the clip turned by one angle, to either side",
        "swinging_rotation": "the clip turned along a smooth path, as far on average",
        "jittered_rotation": "every frame turned by an angle of its own, as far on average",
    },
    "weather": {
        "rain": "bright streaks and low contrast",
        "fog": "a bright cloud",
    },
    "colour": {
        "brightness": "a higher value in HSV",
        "contrast": "a lower contrast about the mean",
        "saturate": "another saturation in HSV",
    },
}
"""Category to type to one line for people."""


def _entry(name: str, summary: str, category: str) -> Entry:
    """A row of the catalogue; the target is that of the first profile that holds the type."""
    holders = [profile for profile in PROFILES.values() if name in profile.types]
    facts = {"category": category, "profiles": [profile.name for profile in holders]}
    return Entry(summary, holders[0].types[name].target, facts)


PERTURBATIONS = {
    name: _entry(name, summary, category)
    for category, types in TYPES.items()
    for name, summary in types.items()
}
