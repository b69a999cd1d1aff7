"""A rig that a doctor looks at, in this process or as a command."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from pipeline import settings
from pipeline.doctor import World
from pipeline.doctor.run import look
from pipeline.work import SystemClock


@dataclass(frozen=True)
class Seen:
    """A report by check and subject."""

    report: Any
    lines: dict = field(default_factory=dict)

    def of(self, check, about=None):
        """Return the findings of a check, of all its subjects by default."""
        found = [line for line in self.report.lines if line.check == check and about in (None, line.about)]
        return [line.finding for line in found]

    def one(self, check, level, about=None, says=(), remedy=()):
        """Return the one finding of a level, which says and advises what it should."""
        found = [each for each in self.of(check, about) if each.level == level]
        assert len(found) == 1, (check, self.told())
        for word in (says,) if isinstance(says, str) else says:
            assert word in found[0].message, found[0]
        for word in (remedy,) if isinstance(remedy, str) else remedy:
            assert word in found[0].remedy, found[0]
        assert found[0].remedy or level in {"ok", "skipped"}, found[0]
        return found[0]

    def levels(self, check, about=None):
        return {each.level for each in self.of(check, about)}

    def bad(self):
        """Return checks with a warning or a failure."""
        return {line.check for line in self.report.lines if line.finding.level in {"warning", "failure"}}

    def told(self):
        return [(line.check, line.about, line.finding.level, line.finding.message) for line in self.report.lines]


def examined(rig, *, only=(), limit=60.0, **options):
    """Look at a rig in this process; every trouble has a remedy, and every failure an error."""
    options.setdefault("file", rig.folder / "dj_local_conf.json")
    world = World(rig.environ, options.pop("clock", SystemClock()), **options)
    seen = Seen(look(world, only=only, limit=limit))
    for line in seen.report.lines:
        assert line.finding.remedy or line.finding.level in {"ok", "skipped"}, line
        assert (line.finding.error is None) == (line.finding.level != "failure"), line
        assert "unexpected" not in line.finding.message
        assert "could not be looked at (" not in line.finding.message, line
    return seen


def rewrite(rig, change):
    """Change the settings file of a rig."""
    file = rig.folder / "dj_local_conf.json"
    document = json.loads(file.read_text())
    change(document)
    file.write_text(json.dumps(document))
    rig.settings = settings.load(file=file)


def roots_of(document):
    return document["custom"]["globus.local_endpoints"]


def tree(folder):
    """Return everything below a folder, with its size and time."""
    return {
        path.relative_to(folder).as_posix(): (path.stat().st_size, path.stat().st_mtime_ns) if path.is_file() else None
        for path in sorted(folder.rglob("*"))
    }
