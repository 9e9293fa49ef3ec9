"""What teachers said of the clips that were shown so far, so that none is asked twice about the same pixels."""

from collections.abc import Callable
from hashlib import blake2b
from typing import Any

import torch
from jaxtyping import Float, Int64, UInt8
from torch import Tensor, nn

Ask = Callable[[Float[Tensor, "b 3 t h w"]], Float[Tensor, "b n"]]


def keys_of(clips: UInt8[Tensor, "b c t h w"]) -> Int64[Tensor, "b"]:
    """A name of every clip by its bytes; clips of the same pixels have the same one."""
    rows = clips.contiguous().cpu().numpy()
    names = [
        int.from_bytes(blake2b(row.tobytes(), digest_size=8).digest(), "little", signed=True) for row in rows
    ]
    return torch.tensor(names)


class TeacherMemory(nn.Module):
    """Answers by clip, part of the saved state, so that a killed run asks no question twice and ends with the same bits.

    Args:
        flops: operations of all teachers on one clip.

    Attributes:
        asked: clips that answers were wanted to.
        passes: clips that were shown to the teachers.
        first: those of the first batch, which the meter of operations saw.
    """

    def __init__(self, flops: int = 0) -> None:
        super().__init__()
        self.flops = flops
        self.answers: dict[int, Tensor] = {}
        self.asked = self.passes = self.first = 0

    def ask(
        self, clips: Float[Tensor, "b 3 t h w"], keys: Int64[Tensor, "b"], ask: Ask
    ) -> Float[Tensor, "b n"]:
        """Answers to some clips; of those not known yet each is shown once, all together."""
        named = keys.tolist()
        places = {key: place for place, key in reversed(list(enumerate(named))) if key not in self.answers}
        if places:
            new = clips[sorted(places.values())]
            found = ask(new)
            order = [named[place] for place in sorted(places.values())]
            self.answers |= dict(zip(order, found.float().cpu(), strict=True))
            self.first = self.first or len(new)
            self.passes += len(new)
        self.asked += len(named)
        return torch.stack([self.answers[key] for key in named]).to(clips.device)

    def get_extra_state(self) -> dict[str, Tensor]:
        """Keys, answers and counts."""
        rows = torch.stack(list(self.answers.values())) if self.answers else torch.empty(0)
        counts = torch.tensor([self.asked, self.passes, self.first])
        return {
            "keys": torch.tensor(list(self.answers), dtype=torch.int64),
            "answers": rows,
            "counts": counts,
        }

    def set_extra_state(self, state: Any) -> None:
        """What ``get_extra_state`` gave."""
        self.answers = dict(zip(state["keys"].tolist(), state["answers"], strict=True))
        self.asked, self.passes, self.first = state["counts"].tolist()
