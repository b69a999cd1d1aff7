"""Tracking videos of our own making: small uncompressed AVI files that players open, and their trial maps."""

from __future__ import annotations

import struct
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING

from mapshell.demo.recordings import set_times

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

WIDTH, HEIGHT, FRAME_RATE = 64, 48, 400


def write_videos(
    folder: Path,
    h2o: str,
    day: date,
    *,
    cameras: Sequence[str] = ("side", "bottom"),
    trials: int = 3,
    frames: int = 12,
    start: datetime | None = None,
    timezone: str = "UTC",
    seed: int = 1,
) -> list[Path]:
    """Write one video per camera and trial and each camera's trial map; return the files.

    Parameters
    ----------
    folder
        The folder of the videos themselves, such as ``SC038/11192019/video``.
    start
        Local wall time of the first trial; noon of the day by default.
    frames
        Frames in each video.
    """
    folder.mkdir(parents=True, exist_ok=True)
    begin = start or datetime.combine(day, time(12))
    files = []
    for number, camera in enumerate(cameras):
        for trial in range(trials):
            video = folder / f"{h2o}_{camera}_{trial + 1:03d}-0000.avi"
            with video.open("xb") as file:
                file.write(avi(frames, seed=seed * 7919 + number * 101 + trial))
            set_times([video], begin + timedelta(seconds=8 * (trial + 1)), timezone)
            files.append(video)
        trial_map = folder / f"{h2o}_{day:%m%d%y}_{camera}.txt"
        with trial_map.open("x", encoding="utf-8", newline="") as text:
            text.writelines(f"{trial + 1}\t{trial + 1}\n" for trial in range(trials))
        set_times([trial_map], begin + timedelta(seconds=8 * trials + 60), timezone)
        files.append(trial_map)
    return files


def avi(frames: int, *, seed: int = 1) -> bytes:
    """Return a grey-scale AVI: a bright spot that wanders over a grid, ``frames`` frames at 400 Hz."""
    size = WIDTH * HEIGHT
    stream_format = struct.pack("<IiiHHIIiiII", 40, WIDTH, HEIGHT, 1, 8, 0, size, 0, 0, 256, 0)
    stream_format += b"".join(bytes((grey, grey, grey, 0)) for grey in range(256))
    stream = struct.pack(
        "<4s4sIHHIIIIIIIIhhhh",
        b"vids",
        b"DIB ",
        0,
        0,
        0,
        0,
        1,
        FRAME_RATE,
        0,
        frames,
        size,
        0xFFFFFFFF,
        0,
        0,
        0,
        WIDTH,
        HEIGHT,
    )
    main = struct.pack(
        "<14I", 1_000_000 // FRAME_RATE, size * FRAME_RATE, 0, 0x10, frames, 0, 1, size, WIDTH, HEIGHT, 0, 0, 0, 0
    )
    header = _list(
        b"hdrl", _chunk(b"avih", main), _list(b"strl", _chunk(b"strh", stream), _chunk(b"strf", stream_format))
    )
    pictures = [_chunk(b"00db", _picture(index, seed)) for index in range(frames)]
    index = b"".join(struct.pack("<4sIII", b"00db", 0x10, 4 + i * (size + 8), size) for i in range(frames))
    body = b"AVI " + header + _list(b"movi", *pictures) + _chunk(b"idx1", index)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def _picture(index: int, seed: int) -> bytes:
    picture = bytearray(((x ^ y) & 8) * 2 + 40 for y in range(HEIGHT) for x in range(WIDTH))
    column, row = (seed * 13 + index * 3) % (WIDTH - 6), (seed * 29 + index * 2) % (HEIGHT - 6)
    for y in range(row, row + 6):
        picture[y * WIDTH + column : y * WIDTH + column + 6] = bytes([250 - seed % 50]) * 6
    return bytes(picture)


def _chunk(name: bytes, data: bytes) -> bytes:
    return name + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2)


def _list(name: bytes, *chunks: bytes) -> bytes:
    return _chunk(b"LIST", name + b"".join(chunks))
