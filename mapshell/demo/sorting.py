"""A Kilosort 2 output folder of our own making, with the files that phy and the metrics programs expect."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

from mapshell.demo.recordings import set_times

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    import numpy as np

_UNITS, _SPIKES, _TEMPLATE_SAMPLES = 8, 400, 82


def write_kilosort(
    folder: Path,
    dat_path: str,
    *,
    channels: int = 32,
    seconds: float = 0.5,
    when: datetime,
    timezone: str = "UTC",
    seed: int = 1,
) -> list[Path]:
    """Write a small sorting into a new folder and return its files.

    Parameters
    ----------
    folder
        Such as ``.../imec0_ks2``.
    dat_path
        The binary file that was sorted, as ``params.py`` names it.
    channels, seconds
        Electrode channels and length (s) of that file.
    when
        Local wall time at which the sorting ended.
    """
    import numpy as np

    random = np.random.Generator(np.random.PCG64([seed, 2]))
    folder.mkdir(parents=True)
    for name, array in _arrays(random, channels, seconds).items():
        np.save(folder / f"{name}.npy", array)
    texts = _tables(random)
    texts["params.py"] = (
        f"dat_path = {dat_path!r}\nn_channels_dat = {channels + 1}\ndtype = 'int16'\noffset = 0\n"
        "sample_rate = 30000.\nhp_filtered = False\n"
    )
    for name, text in texts.items():
        (folder / name).write_bytes(text.encode())
    (folder / "rez.mat").write_bytes(_mat_file("ops", float(channels)))
    files = sorted(folder.iterdir())
    set_times(files, when, timezone)
    return files


def _arrays(random: np.random.Generator, channels: int, seconds: float) -> dict[str, Any]:
    import numpy as np

    near = min(12, channels)
    clusters = random.integers(0, _UNITS, _SPIKES).astype("<i4")
    times = np.sort(random.integers(0, max(1, round(seconds * 30000)), _SPIKES)).astype("<i8")
    positions = np.array([[27 + 32 * (i % 2), 20 * (i // 2)] for i in range(channels)], dtype="<f8")
    unit_rows = np.tile(np.arange(near, dtype="<u4"), (_UNITS, 1))
    small = random.integers(-1000, 1000, (_UNITS, _TEMPLATE_SAMPLES, channels)).astype("<f4") / 1000
    return {
        "amplitudes": random.integers(20, 120, _SPIKES).astype("<f8"),
        "channel_map": np.arange(channels, dtype="<i4").reshape(-1, 1),
        "channel_positions": positions,
        "mean_waveforms": small.transpose(0, 2, 1).astype("<f8"),
        "overlap_matrix": np.eye(_UNITS, dtype="<f8"),
        "pc_feature_ind": unit_rows,
        "pc_features": random.integers(-99, 99, (_SPIKES, 3, near)).astype("<f4"),
        "similar_templates": np.eye(_UNITS, dtype="<f4"),
        "spike_clusters": clusters,
        "spike_templates": clusters.astype("<u4").reshape(-1, 1),
        "spike_times": times.astype("<u8").reshape(-1, 1),
        "spike_times_sec": times / 30000.0,
        "template_feature_ind": unit_rows[:, : min(near, _UNITS)],
        "template_features": random.integers(-99, 99, (_SPIKES, min(near, _UNITS))).astype("<f4"),
        "templates": small,
        "templates_ind": np.tile(np.arange(channels, dtype="<f8"), (_UNITS, 1)),
        "whitening_mat": np.eye(channels, dtype="<f8"),
        "whitening_mat_inv": np.eye(channels, dtype="<f8"),
    }


def _tables(random: np.random.Generator) -> dict[str, str]:
    labels = ["good" if flag else "mua" for flag in random.integers(0, 2, _UNITS)]
    amplitudes = random.integers(200, 900, _UNITS)
    rows = list(zip(range(_UNITS), labels, amplitudes, strict=True))
    info = "cluster_id\tAmplitude\tContamPct\tKSLabel\tamp\tch\tdepth\tfr\tgroup\tn_spikes\tsh\n"
    info += "".join(
        f"{i}\t{a / 10}\t{i}.5\t{label}\t{a / 10}\t{i}\t{20 * i}.0\t5.0\t{label}\t50\t0\n" for i, label, a in rows
    )
    metrics = ",cluster_id,firing_rate,presence_ratio,isi_viol,amplitude_cutoff\n"
    return {
        "cluster_Amplitude.tsv": "cluster_id\tAmplitude\n" + "".join(f"{i}\t{a / 10}\n" for i, _, a in rows),
        "cluster_ContamPct.tsv": "cluster_id\tContamPct\n" + "".join(f"{i}\t{i}.5\n" for i, _, _ in rows),
        "cluster_KSLabel.tsv": "cluster_id\tKSLabel\n" + "".join(f"{i}\t{label}\n" for i, label, _ in rows),
        "cluster_group.tsv": "cluster_id\tgroup\n" + "".join(f"{i}\t{label}\n" for i, label, _ in rows),
        "cluster_info.tsv": info,
        "metrics.csv": metrics + "".join(f"{i},{i},5.0,1.0,0.02,0.05\n" for i, _, _ in rows),
        "overlap_summary.csv": ",within_unit_overlap,across_unit_overlap\n"
        + "".join(f"{i},0.0,0.0\n" for i in range(_UNITS)),
    }


def _mat_file(name: str, value: float) -> bytes:
    """Return a MATLAB 5 file that holds one number."""
    header = b"MATLAB 5.0 MAT-file, made for a synthetic lab".ljust(116) + bytes(8) + struct.pack("<H2s", 0x0100, b"IM")
    label = name.encode()
    body = struct.pack("<IIII", 6, 8, 6, 0)  # flags of a double array
    body += struct.pack("<IIii", 5, 8, 1, 1)  # 1 x 1
    body += struct.pack("<II", 1, len(label)) + label.ljust(-(-len(label) // 8) * 8, b"\0")
    body += struct.pack("<IId", 9, 8, value)
    return header + struct.pack("<II", 14, len(body)) + body
