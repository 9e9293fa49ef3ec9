"""Perturbations: pure functions (frames uint8 ``c t h w``, severity 1 to 5, generator) -> frames of the same shape.

All act on the sampled clip, after resizing and cropping, so that a severity means the same for every video and sampler
(departs from the published benchmarks, whose temporal types act on the whole video and often leave a sparsely sampled clip unchanged).
"""

from muybridge.core.catalogue import Entry

PERTURBATIONS = {
    "gaussian_noise": Entry(
        "additive white noise, standard deviation .08 .12 .18 .26 .38 of the full range",
        "muybridge.perturb.noise:gaussian_noise",
        {"category": "noise"},
    ),
    "jumbling": Entry(
        "frames shuffled within consecutive segments of a fifth to the whole of the clip",
        "muybridge.perturb.temporal:jumbling",
        {"category": "temporal"},
    ),
    "freezing": Entry(
        "each frame repeats its predecessor with probability .12 .24 .36 .48 .60",
        "muybridge.perturb.temporal:freezing",
        {"category": "temporal"},
    ),
    "reversal": Entry(
        "the clip played backwards, keeping every frame (severity 1) to every fifth (severity 5)",
        "muybridge.perturb.temporal:reversal",
        {"category": "temporal"},
    ),
}
