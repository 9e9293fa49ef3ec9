"""In which order the pictures of an H.264 or HEVC stream are shown, read from the pictures themselves and not from their container.

Each picture says its place among its neighbours (picture order count). Of a slice header only the first few fields are read: ITU-T H.264
sections 7.3.2.1.1, 7.3.3, 8.2.1 and H.265 sections 7.3.2.2, 7.3.2.3, 7.3.6, 8.3.1.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

HEAD = 96
"""Bytes of a slice that are looked at; the fields that matter lie within its first 20 or so."""
PARAMETERS = 1024
WITH_CHROMA = frozenset({44, 83, 86, 100, 110, 118, 122, 128, 134, 135, 138, 139, 244})
"""H.264 profiles whose sequence parameters say more of colour."""


class UnknownOrderError(Exception):
    """The stream does not say its order in a way that is read here."""


class Bits:
    """Reads numbers from the payload of a NAL unit, without the bytes that only keep start codes out of it."""

    def __init__(self, payload: bytes) -> None:
        data = payload.replace(b"\0\0\3", b"\0\0")
        self.value, self.left = int.from_bytes(data, "big"), 8 * len(data)

    def take(self, count: int) -> int:
        """The next bits as a number."""
        self.left -= count
        if self.left < 0:
            raise UnknownOrderError
        return self.value >> self.left & (1 << count) - 1

    def golomb(self) -> int:
        """The next number without sign in Exp-Golomb code."""
        zeros = 0
        while not self.take(1):
            zeros += 1
            if zeros > 32:
                raise UnknownOrderError
        return (1 << zeros) - 1 + self.take(zeros)

    def signed(self) -> int:
        """The next number with sign."""
        code = self.golomb()
        return (code + 1) // 2 if code % 2 else -(code // 2)


@dataclass
class Counter:
    """Follows the picture order count through a stream: its low bits are in each picture, the high ones follow from the last reference."""

    bits: int = 0
    period: int = -1
    high: int = 0
    low: int = 0

    def place(self, low: int, starts: bool, reference: bool) -> tuple[int, int]:
        """Place of the next picture in decoding order: number of the sequence that it belongs to, and count within it."""
        span = 1 << self.bits
        if starts:
            self.period, self.high, self.low = self.period + 1, 0, 0
        high = self.high
        if low < self.low and self.low - low >= span // 2:
            high += span
        elif low > self.low and low - self.low > span // 2:
            high -= span
        if reference:
            self.high, self.low = high, low
        return self.period, high + low


@dataclass
class H264:
    """Order of the pictures of an H.264 stream of frames."""

    counter: Counter = field(default_factory=Counter)
    frame_bits: int = 0
    planes: bool = False

    def parameters(self, kind: int, payload: bytes) -> None:
        """Take in a NAL unit that says how slices are written."""
        if kind != 7:
            return
        bits = Bits(payload[1:PARAMETERS])
        profile = bits.take(24) >> 16
        bits.golomb()
        self.planes = profile in WITH_CHROMA and _colour(bits)
        self.frame_bits = bits.golomb() + 4
        if bits.golomb():  # the two other ways of counting are rare with pictures out of order
            raise UnknownOrderError
        self.counter.bits = bits.golomb() + 4
        bits.golomb(), bits.take(1), bits.golomb(), bits.golomb()
        if self.counter.bits > 16 or self.frame_bits > 16 or not bits.take(1):
            raise UnknownOrderError

    def kind(self, payload: bytes) -> int:
        """Kind of a NAL unit."""
        return payload[0] & 31

    def place(self, kind: int, payload: bytes) -> tuple[int, int] | None:
        """Place of the picture that a slice belongs to; None of what is no slice."""
        if kind not in (1, 5):
            return None
        bits = Bits(payload[1:HEAD])
        for _ in range(3):
            bits.golomb()
        bits.take(2 * self.planes + self.frame_bits)
        if kind == 5:
            bits.golomb()
        return self.counter.place(bits.take(self.counter.bits), kind == 5, bool(payload[0] & 0x60))


def _colour(bits: Bits) -> bool:
    """Skip what high profiles say of colour; whether the planes are coded apart."""
    chroma = bits.golomb()
    planes = chroma == 3 and bool(bits.take(1))
    bits.golomb(), bits.golomb(), bits.take(1)
    if bits.take(1):
        for number in range(12 if chroma == 3 else 8):
            if bits.take(1):
                _skip_scaling(bits, 16 if number < 6 else 64)
    return planes


def _skip_scaling(bits: Bits, size: int) -> None:
    last = following = 8
    for _ in range(size):
        if following:
            following = (last + bits.signed()) % 256
        last = following or last


@dataclass
class HEVC:
    """Order of the pictures of an HEVC stream."""

    counter: Counter = field(default_factory=Counter)
    skipped: int = 0
    shown: bool = False
    planes: bool = False

    def kind(self, payload: bytes) -> int:
        """Kind of a NAL unit."""
        return payload[0] >> 1 & 63

    def parameters(self, kind: int, payload: bytes) -> None:
        """Take in a NAL unit that says how slices are written."""
        bits = Bits(payload[2:PARAMETERS])
        if kind == 33:
            self._sequence(bits)
        elif kind == 34:
            bits.golomb(), bits.golomb(), bits.take(1)
            self.shown, self.skipped = bool(bits.take(1)), bits.take(3)

    def _sequence(self, bits: Bits) -> None:
        layers = bits.take(7) & 7
        bits.take(1 + 96)
        present = [bits.take(2) for _ in range(layers)]
        bits.take(2 * (8 - layers) if layers else 0)
        for flags in present:
            bits.take(88 * (flags >> 1) + 8 * (flags & 1))
        bits.golomb()
        self.planes = bits.golomb() == 3 and bool(bits.take(1))
        bits.golomb(), bits.golomb()
        if bits.take(1):
            for _ in range(4):
                bits.golomb()
        bits.golomb(), bits.golomb()
        self.counter.bits = bits.golomb() + 4
        if self.counter.bits > 16:
            raise UnknownOrderError

    def place(self, kind: int, payload: bytes) -> tuple[int, int] | None:
        """Place of the picture that a slice belongs to; None of what is no slice."""
        if kind > 21 or 9 < kind < 16:
            return None
        bits = Bits(payload[2:HEAD])
        if not bits.take(1):
            raise UnknownOrderError
        if kind >= 16:
            bits.take(1)
        bits.golomb()
        bits.take(self.skipped)
        bits.golomb()
        bits.take(self.shown + 2 * self.planes)
        starts = kind in (16, 17, 18, 19, 20) or self.counter.period < 0
        low = 0 if kind in (19, 20) else bits.take(self.counter.bits)
        followed = kind not in (0, 2, 4, 6, 7, 8, 9) and payload[1] & 7 == 1
        return self.counter.place(low, starts, followed)


STREAMS: dict[str, type[H264 | HEVC]] = {"h264": H264, "hevc": HEVC}


class DisplayOrder:
    """Places of the packets of a stream among what is shown, given in the order in which they are decoded."""

    def __init__(self, codec: str, extradata: bytes | None) -> None:
        """Begin with what the container says of the whole stream (``avcC`` or ``hvcC``).

        Raises:
            UnknownOrderError: another codec, or nothing that is understood.
        """
        if codec not in STREAMS or not extradata or len(extradata) < 23 or extradata[0] != 1:
            raise UnknownOrderError
        self.stream = STREAMS[codec]()
        at = 4 if codec == "h264" else 21
        self.length = (extradata[at] & 3) + 1
        for payload in _sets(extradata, codec):
            self.stream.parameters(self.stream.kind(payload), payload)

    def place(self, packet: bytes | memoryview) -> tuple[int, int]:
        """Place of the picture in a packet.

        Raises:
            UnknownOrderError: it has none that can be read.
        """
        view, at = memoryview(packet), 0
        while at + self.length < len(view):
            size = int.from_bytes(view[at : at + self.length], "big")
            at += self.length
            payload = bytes(view[at : at + min(size, PARAMETERS)])
            if len(payload) < 3:
                break
            kind = self.stream.kind(payload)
            found = self.stream.place(kind, payload)
            if found is not None:
                return found
            self.stream.parameters(kind, payload)
            at += size
        raise UnknownOrderError


def _sets(extradata: bytes, codec: str) -> Iterator[bytes]:
    """Parameter sets in the record of a container, each behind its length."""
    if codec == "h264":
        counts, at = [extradata[5] & 31], 6
        yield from _counted(extradata, at, counts[0])
        return
    at = 23
    for _ in range(extradata[22]):
        count = int.from_bytes(extradata[at + 1 : at + 3], "big")
        found = list(_counted(extradata, at + 3, count))
        yield from found
        at += 3 + sum(2 + len(one) for one in found)


def _counted(data: bytes, at: int, count: int) -> Iterator[bytes]:
    for _ in range(count):
        size = int.from_bytes(data[at : at + 2], "big")
        payload = data[at + 2 : at + 2 + size]
        if len(payload) < max(size, 3):
            raise UnknownOrderError
        yield payload
        at += 2 + size
