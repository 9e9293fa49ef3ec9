"""Training on perturbed clips, to study what that does for robustness."""

from collections import defaultdict

import torch
from jaxtyping import UInt8
from torch import Generator, Tensor

from muybridge.config.stage_configs import FinetuneConfig
from muybridge.core.clip import UNLABELLED, Clip
from muybridge.perturb.apply import perturb


def perturbed(
    config: FinetuneConfig, frames: UInt8[Tensor, "b c t h w"], rng: Generator
) -> UInt8[Tensor, "b c t h w"]:
    """A share of the clips, each under one of the types and severities of a config, with equal probability.

    What is drawn depends on ``rng``, which is named by (seed, step), and on the place in the batch: a resumed run draws the same.

    Args:
        config: names types, severities, share and profile.
        frames: clips after all augmentation; not modified.
        rng: on the CPU.
    """
    types, severities = config.perturb, config.perturb_severities
    hit = torch.rand(len(frames), generator=rng) < config.perturb_share
    which = torch.randint(len(types) * len(severities), (len(frames),), generator=rng).tolist()
    seed = int(torch.randint(1 << 62, (1,), generator=rng))
    places: dict[int, list[int]] = defaultdict(list)
    for place in torch.nonzero(hit).ravel().tolist():
        places[which[place]].append(place)
    changed = frames.clone()
    for cell, some in sorted(places.items()):
        clip = Clip(frames[some], torch.full((len(some),), UNLABELLED), [str(place) for place in some])
        name, severity = types[cell // len(severities)], severities[cell % len(severities)]
        changed[some] = perturb(
            clip,
            name,
            severity,
            profile=config.perturb_profile,
            dataset="training",
            views=[0] * len(some),
            seed=seed,
        ).frames
    return changed
