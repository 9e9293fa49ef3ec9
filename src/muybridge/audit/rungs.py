"""What an audit asks of a model: five sets of conditions, each within the next, and the largest that fits a time with enough videos."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from muybridge.core.errors import UsageError
from muybridge.perturb.apply import CLEAN, CUES, conditions
from muybridge.perturb.profiles import DEFAULT, profile_of
from muybridge.stages.testing.controls import IDENTITY

Condition = tuple[str, int]
MIDDLE = 3
"""The severity of a type that is asked at one."""
ORDER = ("reversal:1", "jumbling:5", "freezing:5", "single_frame")
"""Backwards (with a mirror beside it), shuffled as a whole, held, and one frame alone."""
MASKS = ("centre_masked", "border_masked")
ONE_EACH = ("gaussian_noise", "defocus_blur", "jpeg", "sampling", "translation")
"""A type of each category."""


@dataclass(frozen=True)
class Rung:
    """A set of conditions.

    Attributes:
        name: in words.
        types: as ``robustness --types`` takes them.
        videos: fewest that it is worth: with fewer, and more at hand, the rung below tells more.
    """

    name: str
    types: tuple[str, ...]
    videos: int

    @property
    def conditions(self) -> list[Condition]:
        """Its cells, clean first; without the identity, which every run has."""
        return conditions(DEFAULT, self.types)


def rungs(frames: int) -> list[Rung]:
    """From the fewest conditions to all of them.

    Args:
        frames: of a clip; with one there is no order, and no temporal type is asked.
    """
    types = [name for name in profile_of(DEFAULT).types if frames > 1 or name not in TEMPORAL]
    order, one_each = (
        (ORDER, ONE_EACH) if frames > 1 else ((), tuple(t for t in ONE_EACH if t not in TEMPORAL))
    )
    steady = (*order, *MASKS)
    middle = [f"{name}:{MIDDLE}" for name in types]
    three = [f"{name}:{severity}" for name in types for severity in (1, MIDDLE, 5)]
    cues = [name for name in CUES if frames > 1 or name in MASKS]
    return [
        Rung("the fewest", (*order[:2], *order[3:], "gaussian_noise:3"), 2),
        Rung("one type of each category", (*steady, *(f"{name}:{MIDDLE}" for name in one_each)), 12),
        Rung("all types at one severity", (*steady, *middle), 100),
        Rung("all types at three severities", (*three, *cues), 300),
        Rung("all types at all severities", (*types, *cues), 1000),
    ]


TEMPORAL = ("sampling", "reversal", "jumbling", "box_jumbling", "freezing")
"""Types of the profile that need an order of frames."""


@dataclass(frozen=True)
class Costs:
    """What a video costs, measured on the first ones; seconds.

    Attributes:
        fixed: of everything but videos: building the model again, the card.
        decode: a video.
        forward: all views of a video, once.
        perturb: all views of a video under one condition, by type.
        spent: of the measurement itself.
    """

    fixed: float
    decode: float
    forward: float
    perturb: Mapping[str, float]
    spent: float = 0.0

    def video(self, cells: Sequence[Condition]) -> float:
        """A video under some conditions and the identity."""
        return self.decode + self.forward * (len(cells) + 1) + self.changing(cells)

    def changing(self, cells: Sequence[Condition]) -> float:
        """Perturbing the views of a video."""
        usual = sum(self.perturb.values()) / max(1, len(self.perturb))
        return sum(self.perturb.get(name, usual) for name, _ in [*cells, (IDENTITY, 0)] if name != CLEAN)

    def besides(self, cells: Sequence[Condition]) -> float:
        """What a run and its card take besides: film strips of one video, counted operations, pictures of a few videos."""
        return self.fixed + self.changing(cells) + 2 * self.forward + 8 * (self.decode + self.forward)


@dataclass(frozen=True)
class Choice:
    """What is asked.

    Attributes:
        rung: the conditions.
        videos: how many are tested.
        of: how many could be.
        seconds: what it is expected to take.
        costs: what was measured.
    """

    rung: Rung
    videos: int
    of: int
    seconds: float
    costs: Costs


def choose(seconds: float, of: int, frames: int, costs: Costs, minutes: float, elapsed: float) -> Choice:
    """The largest rung that leaves enough videos, and as many videos as fit.

    Args:
        seconds: that are left.
        of: videos that could be tested, at least 1.
        frames: of a clip.
        costs: of a video.
        minutes: that were asked for, for the message.
        elapsed: seconds of them that are gone.

    Raises:
        UsageError: not even the first rung fits with two videos (with the one there is); says the least that does.
    """
    found = rungs(frames)
    for rung in reversed(found):
        cells = rung.conditions
        besides, each = costs.besides(cells), costs.video(cells)
        fitting = min(of, int((seconds - besides) / each))
        if fitting >= min(of, rung.videos):
            return Choice(rung, fitting, of, besides + fitting * each, costs)
    cells = found[0].conditions
    least = (elapsed + costs.besides(cells) + min(of, found[0].videos) * costs.video(cells)) / 60
    few, each = min(of, found[0].videos), costs.video(cells)
    least = (elapsed + costs.besides(cells) + few * each) / 60
    raise UsageError(
        f"--minutes {minutes:g}: too few for anything: {few} video{'s' if few > 1 else ''} under {len(cells) + 1} conditions take about "
        f"{few * each:.0f} s here, and what stands around them {elapsed + costs.besides(cells):.0f} s. The least is about --minutes "
        f"{round_up(least)}; shorter clips (--frames, --views 1x1) take less."
    )


def round_up(minutes: float) -> str:
    """Minutes with two digits, never fewer."""
    step = 0.1 if minutes < 1 else 0.5 if minutes < 10 else 1
    return f"{(int(minutes * 1.1 / step) + 1) * step:g}"
