"""The bad night of ``mapshell demo --faults``: what is broken, what is run, what must come of it.  Plain data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from mapshell.demo.run import RIG
from mapshell.sandbox.faults import Fault

if TYPE_CHECKING:
    from pipeline.archive.session import DatasetType

_DATA = "mapshell publish*"
_LS, _SUBMIT = "transfer/operation/endpoint/*/ls", "transfer/transfer"


@dataclass(frozen=True, slots=True)
class Visit:
    """Whose data are published: the animal, the number of its session, the kind of data."""

    h2o: str
    session: int
    kind: DatasetType


@dataclass(frozen=True, slots=True)
class Act:
    """One thing that goes wrong.

    Parameters
    ----------
    title, broken
        What a person reads: the trouble in a few words, and in a sentence.
    visit
        What is published.
    faults
        What the sandbox does wrong during the first run; all is mended after it.
    expected
        The state of the session after each run; ``killed`` for a run that is killed.
    kill
        Kill the first run, a process of its own, once its transfer is under way.
    tasks
        How many transfers of the session's data the service must have got in the end.
    """

    title: str
    broken: str
    visit: Visit
    faults: tuple[Fault, ...]
    expected: tuple[Literal["archived", "queued", "in flight", "refused", "killed"], ...]
    tasks: int = 1
    kill: bool = False


NIGHT = (
    Act(
        "The service is overloaded",
        "Listing is answered 503 twice, the submission 429 once.",
        Visit("SC038", 1, "ephys"),
        (
            Fault("status", request=_LS, status=503, count=2),
            Fault("status", request=_SUBMIT, status=429, retry_after=1),
        ),
        ("archived",),
    ),
    Act(
        "An answer is lost",
        "The transfer is accepted, but the connection breaks before the answer.",
        Visit("SC038", 2, "ephys"),
        (Fault("lost", method="POST", request=_SUBMIT),),
        ("archived",),
    ),
    Act(
        "A transfer fails halfway",
        "Two files arrive, half of a third; then the task is FAILED.",
        Visit("SC038", 3, "ephys"),
        (Fault("fail", label=_DATA, after_files=2, partial=True, description="data channel lost"),),
        ("queued", "archived"),
        tasks=2,
    ),
    Act(
        "A success that lies",
        "The task is SUCCEEDED, but one of its files is not there.",
        Visit("SC048", 1, "ephys"),
        (Fault("lie", label=_DATA, how="missing", file="*imec0.ap.meta"),),
        ("refused", "archived"),
        tasks=2,
    ),
    Act(
        "An endpoint goes offline",
        "Globus Connect Personal on the rig is switched off.",
        Visit("SC048", 2, "ephys"),
        (Fault("offline", collection=RIG),),
        ("in flight", "archived"),
    ),
    Act(
        "The access token expires",
        "All access tokens end just before a listing.",
        Visit("SC038", 1, "video"),
        (Fault("token-expired", request=_LS, nth=1),),
        ("archived",),
    ),
    Act(
        "The process is killed",
        "publication-publish is killed while its transfer is under way.",
        Visit("SC038", 3, "video"),
        (Fault("hold", label=_DATA, after_files=1),),
        ("killed", "archived"),
        kill=True,
    ),
)
