"""Transfer tasks."""

from __future__ import annotations

from fnmatch import fnmatchcase
from operator import methodcaller
from typing import TYPE_CHECKING, Any

from pipeline.errors import GlobusError
from pipeline.globus import documents
from pipeline.globus.calls import Caller, caused_by
from pipeline.globus.errors import Doing

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime

    from pipeline.archive.ports import TaskEvent, TaskStatus, TransferRequest
    from pipeline.errors import MapshellError

_TASKS_PER_CALL = 50  # ids in one question; more make the address too long
_TASK_PAGE = 1000


class Tasks(Caller):
    """The part of ``pipeline.archive.ports.Store`` that concerns transfer tasks."""

    encrypt = True

    def new_submission_id(self) -> str:
        """Ask the service for a submission id, which it executes once."""
        doing = Doing("get a submission id")
        answer = self._ask(doing, "get_submission_id")
        return self._read(doing, lambda each: str(each["value"]), answer)

    def body(self, request: TransferRequest) -> dict[str, Any]:
        """Return the document that ``submit`` would send; pure."""
        return documents.body(request, encrypt=self.encrypt)

    def body_hash(self, request: TransferRequest) -> str:
        """Return the SHA-256 of the document that ``submit`` would send; pure."""
        return documents.body_hash(self.body(request))

    def submit(self, request: TransferRequest) -> str:
        """Submit and return the task id; the same submission id gives the same task.

        Raises
        ------
        GlobusError
            The service refused, with its reason (``refused`` is True when it will never run); ``LoginNeeded`` when a
            consent is missing.
        """
        document = self.body(request)
        try:
            names = [
                self._call(Doing("look at the collection", collection=each), methodcaller("name", each))
                for each in (request.source_endpoint, request.destination_endpoint)
            ]
            doing = Doing(f"submit the transfer {request.label!r} from {names[0]} to {names[1]}")
            answer = self._ask(doing, "submit_transfer", document)
        except GlobusError as error:
            answer = _duplicate(error)
            if not answer:
                error.refused = _is_refusal(error)
                raise
        return self._read(doing, lambda each: str(each["task_id"]), answer)

    def tasks(self, task_ids: Sequence[str]) -> dict[str, TaskStatus]:
        """Return the status of many tasks, fifty a call; those that this login does not see are left out."""
        found: dict[str, TaskStatus] = {}
        wanted = list(dict.fromkeys(task_ids))
        for start in range(0, len(wanted), _TASKS_PER_CALL):
            some = wanted[start : start + _TASKS_PER_CALL]
            found |= {each.task_id: each for each in self._task_list(f"task_id:{','.join(some)}", len(some))}
        return {each: found[each] for each in wanted if each in found}

    def task(self, task_id: str) -> TaskStatus | None:
        """Look at one task; None when the service says that this login has no such task."""
        doing = Doing(f"look at task {task_id}")
        try:
            answer = self._ask(doing, "get_task", task_id)
        except GlobusError as error:
            if getattr(error.__cause__, "http_status", None) == 404 and getattr(error.__cause__, "raw_json", None):
                return None
            raise
        return self._read(doing, documents.task, answer)

    def find_tasks(self, *labels: str, since: datetime | None = None) -> list[TaskStatus]:
        """Return the own transfer tasks with one of these labels, newest first.

        Parameters
        ----------
        labels
            Whole labels, case and all; with ``*`` for any text, patterns.
        since
            Only those requested at this instant (UTC) or later.
        """
        clauses = ["type:TRANSFER"]
        if labels and not any(set(label) & set("/,") or not label for label in labels):  # these mean something there
            clauses.append("label:" + ",".join(f"{'~' if '*' in label else '='}{label}" for label in labels))
        if since is not None:
            clauses.append(f"request_time:{since:%Y-%m-%d %H:%M:%S},")
        found = self._task_list("/".join(clauses), _TASK_PAGE)
        patterns = [label.replace("[", "[[]").replace("?", "[?]") for label in labels]
        return [each for each in found if any(fnmatchcase(each.label, pattern) for pattern in patterns)]

    def _task_list(self, clauses: str, limit: int) -> Iterator[TaskStatus]:
        doing, offset = Doing("list transfer tasks"), 0
        while True:
            answer = self._ask(
                doing, "task_list", filter=clauses, limit=limit, offset=offset, orderby="request_time DESC"
            )
            page = self._items(doing, answer)
            for document in page:
                yield self._read(doing, documents.task, document)
            offset += len(page)
            total = answer.get("total")
            if not page or not isinstance(total, int) or offset >= total:
                return

    def events(self, task_id: str, *, limit: int = 20) -> list[TaskEvent]:
        """Return the newest events of a task, oldest of them first."""
        doing = Doing(f"read the events of task {task_id}")
        answer = self._ask(doing, "task_event_list", task_id, limit=limit)
        return [self._read(doing, documents.event, each) for each in reversed(self._items(doing, answer))]

    def skipped(self, task_id: str) -> Iterable[str]:
        """Yield the source paths that a task skipped with an error."""
        return self._marked(Doing(f"read what task {task_id} skipped"), "task_skipped_errors", task_id, "source_path")

    def transferred(self, task_id: str) -> Iterable[str]:
        """Yield the destination paths of the files that a task moved."""
        doing = Doing(f"read what task {task_id} transferred")
        return self._marked(doing, "task_successful_transfers", task_id, "destination_path")

    def _marked(self, doing: Doing, method: str, task_id: str, field: str) -> Iterator[str]:
        """Yield a field of all items of a list that is paged by markers."""
        from globus_sdk import MISSING

        marker: Any = MISSING
        while marker is not None:
            answer = self._ask(doing, method, task_id, marker=marker)
            for document in self._items(doing, answer):
                yield self._read(doing, lambda each: str(each[field]), document)
            marker = answer.get("next_marker")

    def cancel(self, task_id: str) -> None:
        """Cancel a task; one that has ended already is fine."""
        doing = Doing(f"cancel task {task_id}")
        try:
            self._ask(doing, "cancel_task", task_id)
        except GlobusError as error:
            if not caused_by(error, "TaskComplete"):
                raise


def _duplicate(error: MapshellError) -> dict[str, Any]:
    """Return the answer of a service that tells "submitted before" as an error; empty when it was another error."""
    raw = getattr(error.__cause__, "raw_json", None)
    return raw if caused_by(error, "Duplicate") and isinstance(raw, dict) and raw.get("task_id") else {}


def _is_refusal(error: MapshellError) -> bool:
    """Tell whether the service has said no for good: an error of the request, neither of the moment nor unanswered."""
    status = getattr(error.__cause__, "http_status", None)
    return isinstance(status, int) and 400 <= status < 500 and status not in {401, 408, 409, 425, 429}
