"""The settings of archiving: what is found, how it is read and sent."""

from __future__ import annotations

import os

from pipeline.settings.sections.key import Key
from pipeline.settings.types import DEFAULT_LEAVE_OUT, STAGING_NAME

KEYS: tuple[Key, ...] = (
    Key(
        "archive.leave_out",
        "patterns",
        "Names of files and folders that are never archived (* and ? match).",
        default=DEFAULT_LEAVE_OUT,
    ),
    Key(
        "archive.ephys_layouts",
        "patterns",
        "Further folder layouts of this lab's recordings; `{h2o=SC077}` gives one's folders to an animal.",
        default=(),
        example=["{h2o}/{date:%Y-%m-%d}/{ident}", "[catgt_]{h2o}_{date:%Y-%m-%d}_g{gate}"],
    ),
    Key(
        "archive.video_layouts",
        "patterns",
        "Further folder layouts of this lab's videos.",
        default=(),
        example=["{h2o}/{date:%Y_%m_%d}/video"],
    ),
    Key(
        "archive.staging_name",
        "text",
        "Folder in a local root for what the program itself sends along; never archived, never scanned.",
        default=STAGING_NAME,
    ),
    Key(
        "archive.quiet_seconds",
        "integer",
        "A file changed less than so many seconds ago is still being written (s).",
        default=60,
        highest=7 * 86400,
    ),
    Key(
        "archive.timezone",
        "text",
        "Time zone of the rigs, such as America/New_York.",
        shown_default="this computer's",
        example="America/New_York",
    ),
    Key(
        "archive.hash_threads",
        "integer",
        "Files whose checksums are computed at the same time.",
        default=max(1, min(4, os.cpu_count() or 1)),
        shown_default="as many as the computer has cores, at most 4",
        lowest=1,
        highest=64,
    ),
    Key(
        "archive.hash_mb_per_second",
        "number",
        "Most that is read from this computer's disks for checksums (MB/s, all threads together).",
        shown_default="no limit",
        lowest=1,
        highest=100_000,
    ),
    Key(
        "archive.pause_while_recording",
        "flag",
        "Read and send nothing while a file on the same disk grows.",
        default=True,
    ),
    Key(
        "archive.wait_for_quiet",
        "number",
        "How long a run waits until nothing grows there; then what is left stays queued (s).",
        default=3600.0,
        highest=7 * 86400,
    ),
    Key(
        "archive.poll_seconds",
        "number",
        "Longest pause between two questions to Globus about a running transfer (s).",
        default=10.0,
        lowest=0.05,
        highest=3600,
    ),
    Key(
        "archive.stall_seconds",
        "number",
        "How long a transfer that only meets errors is waited for; afterwards it goes on without us (s).",
        default=300.0,
        highest=7 * 86400,
    ),
    Key(
        "archive.computer",
        "text",
        "Name of this computer for others that share the database; every rig needs one of its own.",
        shown_default="the computer's network name",
        env=("MAPSHELL_COMPUTER",),
        example="rig-1",
    ),
)
