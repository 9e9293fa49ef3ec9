"""Profiles: named tables of constants, one row of parameters per type and severity; imports nothing heavy.

The sources disagree with each other and with their own data (``docs/robustness-profiles.md``), so every table has a name and a version
and results of two profiles never share a table. A change of any constant or of any perturbation's output raises the version.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from muybridge.core.catalogue import Entry, suggestion
from muybridge.core.errors import UsageError
from muybridge.perturb import ladders_time

SEVERITIES = (1, 2, 3, 4, 5)
DEFAULT = "muybridge-1"


@dataclass(frozen=True)
class Ladder:
    """One type at severities 1 to 5.

    Attributes:
        target: ``module:function``, imported on use.
        severities: keyword arguments of the function, mildest first.
    """

    target: str
    severities: tuple[Mapping[str, Any], ...]

    def load(self) -> Any:
        """Import and return the function."""
        return Entry("", self.target).load()


@dataclass(frozen=True)
class Profile:
    """A table of constants.

    Attributes:
        name: as on the command line.
        version: raised when any output changes.
        summary: one line for people.
        types: name of the type to its ladder.
    """

    name: str
    version: int
    summary: str
    types: Mapping[str, Ladder]

    @property
    def label(self) -> str:
        """Name and version, which name the random streams."""
        return f"{self.name}/{self.version}"


def profile_of(name: str) -> Profile:
    """A profile by its name.

    Raises:
        UsageError: unknown name.
    """
    if name not in PROFILES:
        raise UsageError(
            f"there is no profile {name!r}.{suggestion(name, PROFILES)} Known: {', '.join(PROFILES)}."
        )
    return PROFILES[name]


def ladder(target: str, **parameters: Any) -> Ladder:
    """Five rows from parameters: a tuple of five gives one value per severity, anything else is the same at all."""
    rows = [
        {name: value[i] if isinstance(value, tuple) else value for name, value in parameters.items()}
        for i in range(5)
    ]
    return Ladder(target, tuple(rows))


def noise(shot: tuple[float, ...], speckle: tuple[float, ...], rounding: str) -> dict[str, Ladder]:
    """The four kinds of noise; Gaussian and impulse are the same in every source."""
    return {
        "gaussian_noise": ladder(
            "muybridge.perturb.noise:gaussian_noise",
            sigma=(0.08, 0.12, 0.18, 0.26, 0.38),
            rounding=rounding,
        ),
        "shot_noise": ladder("muybridge.perturb.noise:shot_noise", photons=shot, rounding=rounding),
        "impulse_noise": ladder(
            "muybridge.perturb.noise:impulse_noise", amount=(0.03, 0.06, 0.09, 0.17, 0.27)
        ),
        "speckle_noise": ladder("muybridge.perturb.noise:speckle_noise", sigma=speckle, rounding=rounding),
    }


SHOT, SPECKLE = (60, 25, 12, 5, 3), (0.15, 0.2, 0.35, 0.45, 0.6)
"""ImageNet-C's; the samples of 2022 were made with them although the code of 2022 and 2023 says otherwise."""

TINY_SHOT, TINY_SPECKLE = (250, 100, 50, 30, 15), (0.15, 0.2, 0.25, 0.3, 0.35)
"""Tiny-ImageNet-C's; what the released code says."""


def others(name: str) -> dict[str, Ladder]:
    """The temporal, camera, weather and colour types of a profile."""
    rows = ladders_time.LADDERS[name]
    return {type: ladder(target, **parameters) for type, (target, parameters) in rows.items()}


JPEG = ladder("muybridge.perturb.digital:jpeg", quality=(25, 18, 15, 10, 7))


def zooms(step: float, count: int) -> tuple[float, ...]:
    """Zoom factors from 1 on, summed as ``numpy.arange`` does, whose last bits decide the size of some enlargements."""
    return tuple(1 + i * ((1 + step) - 1) for i in range(count))


ZOOMS = (zooms(0.01, 12), zooms(0.01, 16), zooms(0.02, 11), zooms(0.02, 13), zooms(0.03, 11))
RADIUS, SIGMA = (10, 15, 15, 15, 20), (3, 5, 8, 12, 15)
DISC = (3, 4, 6, 8, 10)


def published_blur(trim: str) -> dict[str, Ladder]:
    """The three kinds of blur, the same in every source but for the side where enlargements are trimmed."""
    return {
        "defocus_blur": ladder(
            "muybridge.perturb.blur:defocus_blur",
            radius=DISC,
            alias=(0.1, 0.5, 0.5, 0.5, 0.5),
            rounding="floor",
        ),
        "motion_blur": ladder(
            "muybridge.perturb.blur:motion_blur", radius=RADIUS, sigma=SIGMA, per="frame", rounding="floor"
        ),
        "zoom_blur": ladder("muybridge.perturb.blur:zoom_blur", zooms=ZOOMS, trim=trim, rounding="floor"),
    }


# One table per source; each maps type to ladder.

MUYBRIDGE: dict[str, Ladder] = {
    **noise(SHOT, SPECKLE, "half"),
    "defocus_blur": ladder("muybridge.perturb.blur:disc_blur", radius=DISC, reference=224),
    "motion_blur": ladder(
        "muybridge.perturb.blur:motion_blur", radius=RADIUS, sigma=SIGMA, per="clip", reference=224
    ),
    "zoom_blur": ladder("muybridge.perturb.blur:zoom_blur", zooms=ZOOMS),
    "jpeg": JPEG,
    "mpeg2": ladder("muybridge.perturb.codec:mpeg2", quantiser=(4, 8, 12, 20, 31)),
    "mpeg4": ladder("muybridge.perturb.codec:mpeg4", quantiser=(4, 8, 12, 20, 31)),
    **others("muybridge-1"),
}

SAMPLES_2022: dict[str, Ladder] = {
    **noise(SHOT, SPECKLE, "floor"),
    **published_blur("centre"),
    "jpeg": JPEG,
    "mpeg2": ladder("muybridge.perturb.codec:mpeg2", quantiser=(20, 40, 60, 80, 100)),
    "mpeg4": ladder("muybridge.perturb.codec:mpeg4", quantiser=(15, 30, 45, 60, 75)),
    **others("samples-2022"),
}

RELEASE_2023: dict[str, Ladder] = {
    **noise(TINY_SHOT, TINY_SPECKLE, "floor"),
    **published_blur("centre"),
    "jpeg": JPEG,
    **others("release-2023"),
}

SSL_NOISE: dict[str, Ladder] = noise(TINY_SHOT, TINY_SPECKLE, "floor")

IMAGENET_C: dict[str, Ladder] = {
    **noise(SHOT, SPECKLE, "floor"),
    **published_blur("corner"),
    "jpeg": JPEG,
    **others("imagenet-c"),
}

MINI_KINETICS_C: dict[str, Ladder] = {
    "shot_noise": noise(SHOT, SPECKLE, "floor")["shot_noise"],
    "h264_crf": ladder("muybridge.perturb.codec:h264_crf", crf=(23, 30, 37, 44, 51)),
    "h265_crf": ladder("muybridge.perturb.codec:h265_crf", crf=(27, 33, 39, 45, 51)),
    "bit_error": ladder("muybridge.perturb.codec:bit_error", amount=(100000, 50000, 30000, 20000, 10000)),
    **others("mini-kinetics-c"),
}

EQUAL_ROTATIONS: dict[str, Ladder] = others("equal-rotations")

LOSSLESS = ladder("muybridge.perturb.codec:lossless")

PROFILES = {
    one.name: one
    for one in (
        Profile(DEFAULT, 1, "recommended: calibrated severities on the sampled clip, coherent in time", MUYBRIDGE),
        Profile("samples-2022", 1, "what the published sample clips of UCF101-P and Kinetics400-P show", SAMPLES_2022),
        Profile("release-2023", 1, "the released code of Schiappa et al., CVPR 2023, as written", RELEASE_2023),
        Profile("ssl-noise", 1, "the four kinds of noise of Kumar et al. (arXiv 2306.06010)", SSL_NOISE),
        Profile("imagenet-c", 1, "constants of Hendrycks and Dietterich, ICLR 2019, frame by frame", IMAGENET_C),
        Profile("mini-kinetics-c", 2, "constants of Yi et al., NeurIPS 2021 (Mini Kinetics-C)", MINI_KINETICS_C),
        Profile("equal-rotations", 1, "rotations held, swinging and jittered, of one mean angle", EQUAL_ROTATIONS),
    )
}  # fmt: skip
