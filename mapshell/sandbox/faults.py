"""Faults on demand: rules that spoil requests or tasks, matched by path, label and count."""

from __future__ import annotations

import fnmatch
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

#: How a request can be spoilt: answered with a status; done but the answer lost; delayed; answered 200 with a web page;
#: answered with half of the body.
REQUEST_MODES = ("status", "lost", "delay", "html", "cut")
#: What can happen to a task: see :meth:`FaultBook.take_task`.
TASK_ACTIONS = ("fail", "cancel", "hold", "pause", "inactive", "lie", "skip")


@dataclass
class Rule:
    """One rule with how often it still applies (None: for ever) and how many matches it lets pass first."""

    settings: dict[str, Any]
    count: int | None = 1
    after: int = 0


@dataclass
class FaultBook:
    """All rules in force.  Kept in memory: a restart forgets them."""

    _requests: list[Rule] = field(default_factory=list)
    _tasks: list[Rule] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add_request(self, settings: Mapping[str, Any]) -> None:
        """Add a rule for requests.

        Parameters
        ----------
        settings
            ``method`` and ``path`` (shell patterns; the path as counted, such as
            ``transfer/operation/endpoint/<id>/ls``, or as sent), ``mode``, ``status``, ``code``, ``message``,
            ``retry_after`` (s), ``seconds`` (of delay), ``count`` and ``after``.

        Raises
        ------
        ValueError
            The mode is unknown.
        """
        if settings.get("mode", "status") not in REQUEST_MODES:
            raise ValueError(f"mode must be one of {', '.join(REQUEST_MODES)}")
        self._add(self._requests, settings)

    def add_task(self, settings: Mapping[str, Any]) -> None:
        """Add a rule for tasks that are submitted from now on.

        Parameters
        ----------
        settings
            ``action`` (one of :data:`TASK_ACTIONS`), ``label`` (shell pattern), ``after_files``, ``partial``,
            ``path`` (shell pattern of files), ``how`` (``missing``, ``short`` or ``flip`` of a lie), ``code`` and
            ``description`` of the fatal error, ``count`` and ``after``.

        Raises
        ------
        ValueError
            The action is unknown.
        """
        if settings.get("action") not in TASK_ACTIONS:
            raise ValueError(f"action must be one of {', '.join(TASK_ACTIONS)}")
        self._add(self._tasks, settings)

    def _add(self, rules: list[Rule], settings: Mapping[str, Any]) -> None:
        count = settings.get("count", 1)
        with self._lock:
            rules.append(Rule(dict(settings), None if count is None else int(count), int(settings.get("after", 0))))

    def clear(self) -> None:
        """Forget all rules."""
        with self._lock:
            self._requests.clear()
            self._tasks.clear()

    def take_request(self, method: str, kind: str, path: str) -> dict[str, Any] | None:
        """Return what is to happen to a request, None for nothing."""

        def matches(settings: Mapping[str, Any]) -> bool:
            pattern = str(settings.get("path", "*"))
            return fnmatch.fnmatchcase(method, str(settings.get("method", "*"))) and (
                _matches(kind, pattern) or _matches(path, pattern)
            )

        return self._take(self._requests, matches)

    def take_task(self, label: str | None) -> dict[str, Any] | None:
        """Return what is to happen to a new task, None for nothing."""
        return self._take(self._tasks, lambda settings: _matches(label or "", str(settings.get("label", "*"))))

    def _take(self, rules: list[Rule], matches: Any) -> dict[str, Any] | None:
        with self._lock:
            for rule in rules:
                if not matches(rule.settings):
                    continue
                if rule.after > 0:
                    rule.after -= 1
                    continue
                if rule.count is None:
                    return rule.settings
                rule.count -= 1
                if rule.count <= 0:
                    rules.remove(rule)
                return rule.settings
        return None


def _matches(text: str, pattern: str) -> bool:
    # "<id>" and the like must not be read as a character class; only * and ? are patterns here.
    return fnmatch.fnmatchcase(text, pattern.replace("[", "[[]"))
