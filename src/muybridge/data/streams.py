"""Which of a file's video streams is read: the one that FFmpeg takes for the best, or the one that the path names.

``v.mkv#stream=1`` is the second video stream of the file, numbered from 0 as FFmpeg's ``-map 0:v:1``; a segment may follow
(``v.mkv#stream=1#t=2,5``). Where none is named, ``av_find_best_stream`` chooses, as in ffplay and PyAV: a stream marked as default goes
before others, then the one with more pictures and bits at its beginning. The ``ffmpeg`` command without ``-map`` takes the largest
picture of the default ones instead.
"""

import re
from pathlib import Path

_NAMED = re.compile(r"(.*)#stream=([0-9]{1,4})", re.DOTALL)


def parted(path: str | Path) -> tuple[Path, int | None]:
    """The file and, where the path names one, the number of the stream."""
    text = str(path)
    match = _NAMED.fullmatch(text) if "#" in text else None
    return (Path(match[1]), int(match[2])) if match else (Path(path), None)


def suffix(number: int | None) -> str:
    """What stands behind a file's name for one of its streams; nothing for FFmpeg's choice."""
    return "" if number is None else f"#stream={number}"
