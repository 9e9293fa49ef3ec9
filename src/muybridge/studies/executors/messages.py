"""What a worker says of the cell it was given. The last word is Done, Busy, Failed or Died."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Progress:
    """How far it is."""

    done: int
    total: int
    detail: str = ""


@dataclass(frozen=True)
class Done:
    """The run is finished.

    Attributes:
        signature: how the worker signed it.
        peak: most memory it took, bytes; 0 where that is not known.
        seconds: how long it took.
    """

    signature: str
    peak: int = 0
    seconds: float = 0.0


@dataclass(frozen=True)
class Busy:
    """A process of another study or machine computes it."""

    text: str


@dataclass(frozen=True)
class Failed:
    """It cannot be computed.

    Attributes:
        text: one paragraph for people.
        trace: the log.
    """

    text: str
    trace: str = ""


@dataclass(frozen=True)
class Died:
    """The process ended without a word."""

    text: str


Message = Progress | Done | Busy | Failed | Died
