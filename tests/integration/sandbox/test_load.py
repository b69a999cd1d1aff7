"""Many small files and one large one: correct, with bounded memory; ``MAPSHELL_TEST_LOAD=full`` measures real sizes.

Nothing is timed in the normal run.  The full run needs about 45 GB of free disk and prints its figures::

    MAPSHELL_TEST_LOAD=full python3 scripts/test.py tests/integration/sandbox/test_load.py -s
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import globus_sdk
import psutil
import pytest

from pipeline.services import wait_until

from .conftest import GUEST, RIG

MEGABYTE = 1 << 20


@dataclass(frozen=True)
class Load:
    """How much is moved."""

    files: int
    file_size: int
    large_size: int
    rounds: int
    seconds: float


NORMAL = Load(files=5_000, file_size=700, large_size=200 * MEGABYTE, rounds=1, seconds=240)
FULL = Load(files=100_000, file_size=4_096, large_size=20_000 * MEGABYTE, rounds=2, seconds=3_000)
#: What the process may use at its peak, whatever the number and the sizes of files.
MOST_MEMORY = 400 * MEGABYTE


knows_memory = pytest.mark.skipif(
    not Path("/proc/self/status").exists() and os.name != "nt", reason="the peak of memory is not told here"
)


@pytest.fixture(scope="module")
def load():
    # Any other number is a number of small files; the large one is 200 kB for each of them, as in the full run.
    wanted = os.environ.get("MAPSHELL_TEST_LOAD", "")
    if wanted.isdigit():
        return Load(int(wanted), FULL.file_size, int(wanted) * 200_000, FULL.rounds, FULL.seconds)
    return FULL if wanted == "full" else NORMAL


def measured(load):
    return load is not NORMAL


def make_small(folder: Path, load: Load) -> None:
    for number in range(load.files):
        if number % 1_000 == 0:
            place = folder / f"{number // 1_000:03d}"
            place.mkdir(parents=True)
        (place / f"{number:06d}.bin").write_bytes(f"{number:016d}".encode() * (load.file_size // 16))


def make_large(path: Path, size: int) -> None:
    block = os.urandom(8 * MEGABYTE)
    with path.open("wb") as stream:
        for number in range(0, size, len(block)):
            # Every block differs, so that blocks in a wrong order are found.
            stream.write(number.to_bytes(8, "big") + block[8 : min(len(block), size - number)])
        stream.truncate(size)


def checksum(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "md5").hexdigest()


def tree(folder: Path) -> dict[str, str]:
    return {path.relative_to(folder).as_posix(): checksum(path) for path in sorted(folder.rglob("*.bin"))}


def plain_copy(source: Path, target: Path) -> float:
    """``cp`` and a checksum of what arrived, as a person would do it; returns seconds."""
    began = time.monotonic()
    subprocess.run(["cp", "-r", source, target], check=True)
    if source.is_dir():
        subprocess.run(["sh", "-c", 'find "$1" -type f -print0 | xargs -0 md5sum >/dev/null', "sh", target], check=True)
    else:
        subprocess.run(["md5sum", target], check=True, stdout=subprocess.DEVNULL)
    return time.monotonic() - began


def moved(client, load, *pairs, **options) -> globus_sdk.GlobusHTTPResponse:
    data = globus_sdk.TransferData(RIG, GUEST, verify_checksum=True)
    for source, target in pairs:
        data.add_item(source, target, **options)
    task_id = client.submit_transfer(data)["task_id"]
    # Asked a few times a second only: what is measured is not to be kept busy with answers.
    assert wait_until(lambda: client.get_task(task_id)["status"] != "ACTIVE", timeout=load.seconds)
    task = client.get_task(task_id)
    assert task["status"] == "SUCCEEDED", task
    return task


def tell(text: str) -> None:
    print(f"\n{text}", end="")  # noqa: T201 - figures for whoever asked for them


def settle() -> None:
    if hasattr(os, "sync"):
        os.sync()


def compared(name: str, load: Load, ours, plain, clean) -> None:
    """Run both by turns and print the figures."""
    if not measured(load):
        ours()
        return
    figures: dict[str, list[float]] = {"sandbox": [], "cp and md5sum": []}
    for _ in range(load.rounds):
        for title, run in (("sandbox", ours), ("cp and md5sum", plain)):
            clean()
            settle()
            began = time.monotonic()
            run()
            figures[title].append(time.monotonic() - began)
    best = {title: min(values) for title, values in figures.items()}
    for title, values in figures.items():
        tell(f"{name}: {title}: " + ", ".join(f"{value:.1f} s" for value in values))
    tell(f"{name}: ratio of the best {best['sandbox'] / best['cp and md5sum']:.2f}")


def peak(sandbox) -> int:
    """Most memory that the process has held, in bytes."""
    if os.name == "nt":
        return psutil.Process(sandbox.info.pid).memory_info().peak_wset
    with Path(f"/proc/{sandbox.info.pid}/status").open() as stream:
        return next(int(line.split()[1]) * 1024 for line in stream if line.startswith("VmHWM"))


@knows_memory
def test_many_small_files(sandbox, client, load):
    make_small(sandbox.rig / "many", load)
    target = sandbox.folder / "guest" / "many"

    def clean():
        shutil.rmtree(target, ignore_errors=True)
        shutil.rmtree(sandbox.folder / "plain", ignore_errors=True)

    compared(
        f"{load.files} files of {load.file_size} bytes in folders",
        load,
        lambda: moved(client, load, ("/many/", "/many/"), recursive=True),
        lambda: plain_copy(sandbox.rig / "many", sandbox.folder / "plain"),
        clean,
    )
    if not measured(load):
        assert tree(target) == tree(sandbox.rig / "many")
    clean()
    assert peak(sandbox) < MOST_MEMORY
    if measured(load):
        tell(f"peak of memory: {peak(sandbox) // MEGABYTE} MB")


@knows_memory
def test_one_large_file(sandbox, client, load):
    source, target = sandbox.rig / "large", sandbox.folder / "guest" / "large"
    make_large(source, load.large_size)

    def clean():
        target.unlink(missing_ok=True)
        (sandbox.folder / "plain").unlink(missing_ok=True)

    compared(
        f"one file of {load.large_size // MEGABYTE} MB",
        load,
        lambda: moved(client, load, ("/large", "/large")),
        lambda: plain_copy(source, sandbox.folder / "plain"),
        clean,
    )
    if not measured(load):
        assert checksum(target) == checksum(source)
    clean()
    source.unlink()
    assert peak(sandbox) < MOST_MEMORY
    if measured(load):
        tell(f"peak of memory: {peak(sandbox) // MEGABYTE} MB")


@knows_memory
def test_many_items_in_one_document(sandbox, client, load):
    sandbox.admin.set_realism(task_delay=600)
    try:
        data = globus_sdk.TransferData(RIG, GUEST, verify_checksum=True)
        for number in range(load.files):
            data.add_item(f"/none/of/these/{number:06d}.bin", f"/is/there/{number:06d}.bin")
        client.transport.http_timeout = 300
        began = time.monotonic()
        task_id = client.submit_transfer(data)["task_id"]
        taken = time.monotonic() - began
        assert client.get_task(task_id)["subtasks_total"] == load.files
        client.cancel_task(task_id)
        assert client.get_task(task_id)["subtasks_canceled"] == load.files
    finally:
        sandbox.admin.set_realism(realistic=False)
    assert peak(sandbox) < MOST_MEMORY
    if measured(load):
        tell(f"{load.files} items in one document: accepted within {taken:.1f} s")
        tell(f"peak of memory: {peak(sandbox) // MEGABYTE} MB")
