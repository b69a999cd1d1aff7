"""Which sessions the synthetic lab has, and what each of them is there to show."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING

from mapshell.demo.metas import Probe

if TYPE_CHECKING:
    from mapshell.demo.recordings import Trigger


@dataclass(frozen=True, slots=True)
class LabSubject:
    """An animal of the lab."""

    subject_id: int
    h2o: str
    sex: str
    date_of_birth: date
    description: str


@dataclass(frozen=True, slots=True)
class EphysFolder:
    """A session folder of ephys files; ``run`` names the files in it, ``sorted`` adds a Kilosort output."""

    folder: str
    run: str
    trigger: Trigger = 0
    sorted: bool = False


@dataclass(frozen=True, slots=True)
class Day:
    """One visit to the rig, still to be written."""

    subject: LabSubject
    start: datetime
    ident: str | None
    probes: tuple[Probe, ...]
    ephys: tuple[EphysFolder, ...]
    video: str | None = None
    recording: bool = False


SUBJECTS = (
    LabSubject(480133, "SC038", "M", date(2019, 8, 12), "VGAT-ChR2-EYFP, auditory delayed response"),
    LabSubject(502716, "SC048", "F", date(2020, 9, 3), "Sst-IRES-Cre, auditory delayed response"),
)

_OLD = Probe(0, "NP1.0", "18005116811", 2, 30000.390639481)
_OLD_TOO = Probe(1, "NP1.0", "18194809281", 3, 30000.083333333)
_NEW = Probe(1, "NP2.0", "19122519691", 4)


def days(recording_since: datetime) -> tuple[Day, ...]:
    """Return the lab's sessions in the order of their starts; the last one records since ``recording_since``."""
    first, second = SUBJECTS
    today = f"{recording_since:%m%d%y}"
    return (
        # The raw run with CatGT's output and a sorting beside it, and the videos of the day.
        Day(
            first,
            datetime.fromisoformat("2019-11-18T14:03:27"),
            None,
            (_OLD, _OLD_TOO),
            (
                EphysFolder("SC038/SC038_111819_g0", "SC038_111819"),
                EphysFolder("SC038/catgt_SC038_111819_g0", "SC038_111819", "cat", sorted=True),
            ),
            "SC038/11182019",
        ),
        # Two visits on one day; the second one's ident, its start time, is missing in its probe folders.
        Day(
            first,
            datetime.fromisoformat("2019-11-19T09:41:12"),
            None,
            (_OLD,),
            (EphysFolder("SC038/SC038_111919_g0", "SC038_111919"),),
        ),
        Day(
            first,
            datetime.fromisoformat("2019-11-19T11:51:24"),
            "115124",
            (_OLD,),
            (
                EphysFolder("SC038/SC038_111919_115124_g0", "SC038_111919_115124"),
                EphysFolder("SC038/catgt_SC038_111919_115124_g0", "SC038_111919", "cat"),
            ),
            "SC038/11192019_115124",
        ),
        # Probes of both generations.
        Day(
            second,
            datetime.fromisoformat("2020-12-29T16:20:05"),
            None,
            (_OLD, _NEW),
            (EphysFolder("SC048/SC048_122920_g0", "SC048_122920"),),
            "SC048/12292020",
        ),
        # New Year's day: the ISO year of 2021-01-01 is 2020.
        Day(
            second,
            datetime.fromisoformat("2021-01-01T10:15:44"),
            None,
            (_NEW,),
            (EphysFolder("SC048/catgt_SC048_010121_g0", "SC048_010121", "cat"),),
            "SC048/01012021",
        ),
        Day(
            second,
            recording_since,
            None,
            (_NEW,),
            (EphysFolder(f"SC048/SC048_{today}_g0", f"SC048_{today}"),),
            recording=True,
        ),
    )
