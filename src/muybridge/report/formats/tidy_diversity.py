"""The sets of the diversity study as tidy rows: what was measured of each, and what its networks kept."""

import math
from collections.abc import Iterator

from muybridge.report.formats.tidy import Row
from muybridge.report.scores.diversity_runs import BY_GRADIENT, MEASURED, Registered

OF_SETS = ("D0", "Rao", *(name + end for name in BY_GRADIENT for end in ("", " low", " high")), "naive", "D6")
OF_ARMS = ("accuracy", "R_pres_all", "S_alt", "D3eff", "drift", "twin")


def set_rows(made: Registered) -> Iterator[Row]:
    """A row for each backbone, arm and set; numbers that were not measured, or are undefined, are empty.

    ``R_pres`` is a share of the accuracy above chance, with its 95 % interval; ``D*_low`` and ``D*_high`` are means over the points of the
    training of 95 % intervals over batches.
    """
    known = {tuple(one["losses"]): one for one in made.prereg["sets"]}
    for (backbone, arm), sets in made.numbers.items():
        for losses, numbers in sets.items() if arm != MEASURED else ():
            of_set = made.numbers.get((backbone, MEASURED), {}).get(losses, {})
            one, reach = known.get(losses), made.reach.get((backbone, arm), {}).get(losses)
            shown = (reach.value, reach.low, reach.high) if reach else (math.nan,) * 3
            yield {
                "backbone": backbone, "arm": arm, "set": one["id"] if one else "", "role": one["role"] if one else "control",
                "losses": " ".join(losses),
                **dict(zip(("R_pres", "R_pres_low", "R_pres_high"), map(_plain, shown), strict=True)),
                **{name: _plain(numbers.get(name, math.nan)) for name in OF_ARMS},
                **{name.replace(" ", "_"): _plain(of_set.get(name, math.nan)) for name in OF_SETS},
            }  # fmt: skip


def _plain(value: float) -> float | str:
    return value if math.isfinite(value) else ""
