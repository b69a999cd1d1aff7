"""The end of a schedule, when nothing fails any more."""

from __future__ import annotations

import shlex

from .look import base, text
from .said import reasons
from .tombs import tombs
from .violation import Violation, same_rows


class Calm:
    """The end of a schedule: everything works again, and the same commands must lead to the same archive."""

    def __init__(self, stage):
        self._stage, self.world = stage, stage.world

    def come(self):
        """Return what has not come right."""
        stage = self._stage
        for visit in self.world.lab.visits.values():
            stage.own({"visit": visit.number})
            stage.finish({"visit": visit.number})
        if stage.unhealed:  # somebody lost the index, and discover was killed since
            stage.later({})
            yield from stage.calmly({"verb": "discover", "rig": "rig-a"}, codes=(0, 3))
        for _ in range(5):
            stage.later({})
            codes = [self._run({"verb": "publish", "rig": rig}) for rig in ("rig-a", "rig-b")]
            archived = stage.looker.look().archived
            if codes == [0, 0] and self._everywhere() <= archived:
                break
            if not self._excused():
                continue
            self._put_aside()
            self._run(
                {"verb": "discover", "rig": "rig-a"}
            )  # as what publish refuses says: a manifest came after a loss
            for rig in ("rig-a", "rig-b"):  # what discover knows from listings alone is compared when asked
                self._run({"verb": "publish", "rig": rig, "adopt": True})
            for visit in self.world.lab.visits.values():
                if self._keys(visit) <= archived and not visit.changed:
                    continue
                # A person says that what the rig has is to be kept, and not what lies there: changed, or half of it.
                self.world.lab.tidy_copies(visit)
                about = {"rig": visit.rig, "visit": visit.number}
                self._run({"verb": "verify", "checksum": True, **about})
                self._run({"verb": "publish", "supersede": True, **about})
        else:
            ended = [stage.one({"verb": "publish", "rig": rig}) for rig in ("rig-a", "rig-b")]
            text = "\n".join(f"{each.done.returncode} {reasons(each.done)}" for each in ended)
            yield Violation("I4", f"publishing does not converge: {codes}\n{text}")
        yield from self._given()
        for command in list(stage.copying):  # as whoever wants it says again
            yield from stage.calmly({**command, "kill": {}, "after": 0}, codes=(0, 1))
        yield from self._brought_back()
        for visit in self.world.lab.visits.values():  # an earlier retrieval may have brought what it was asked for then
            if visit.changed:
                self.world.lab.tidy_copies(visit)
        facts = stage.looker.look()
        yield from stage.checker.check(facts)
        yield from self._everything(facts)
        yield from self._again(facts)
        yield from self._rebuilt(facts)

    def _given(self):
        """What somebody wanted to give to another animal is given to it at last."""
        stage = self._stage
        for visit in self.world.lab.visits.values():
            if visit.other:
                stage.later({})
                yield from stage.calmly({"verb": "reassign", "rig": visit.rig, "visit": visit.number})
                facts = stage.looker.look()
                yield from stage.checker.check(facts)
                if not visit.moved:
                    yield Violation("I4", f"{visit.key} was given to {visit.other}, and is not theirs")

    def _brought_back(self):
        """What was freed comes back by the command that its tombstone names; then the tombstone goes."""
        stage, roots = self._stage, [(rig, kind) for rig in ("rig-a", "rig-b") for kind in ("ephys", "video")]
        stage.later({})
        for rig, kind in roots:
            for tomb in tombs(self.world.folder / rig / kind):
                line = [*shlex.split(tomb.command)[1:], "--format", "json"]
                yield from stage.calmly({"verb": "retrieve", "rig": rig, "to": "home", "line": line})
        yield from stage.checker.check(stage.looker.look())
        for path in sorted(self.world.lab.gone):
            yield Violation("I2", f"{path} was freed, and no tombstone's command brings it back")
        for rig, kind in roots:
            for tomb in tombs(self.world.folder / rig / kind):
                owners = [self.world.lab.owner(f"raw-{kind}", name) for name in tomb.files]
                if any(owner is not None and owner.changed for owner in owners):
                    continue  # it tells of bytes that others have taken the place of
                yield Violation("I4", f"{tomb.path} is still there, and so is what it tells of")

    def _excused(self):
        """Whether anything happened that takes a person's word; what is only killed or failed comes right by itself."""
        return self._stage.meddled or any(visit.changed for visit in self.world.lab.visits.values())

    def _put_aside(self):
        """A person renames what the index does not know and the rig has otherwise: a lost journal knew whose it was."""
        facts = self._stage.looker.look()
        known = {(key[0], subpath) for key, rows in facts.rows.items() for subpath in rows}
        for name, there in facts.files.items():
            if name[1] == base(name[1]) and name[1].endswith(".json") and name not in facts.manifests:  # half of one
                there["path"].rename(there["path"].with_name(there["path"].name + ".unfinished-00000000"))
                continue
            owner = self.world.lab.owner(*name)
            if owner is not None and (name[0], *owner.key[1:]) in facts.open:
                continue  # it may have been checked: its row is about to be written
            here = self.world.lab.subpaths(owner).get(name[1]) if owner is not None else None
            if here is not None and name not in known and there["sha1"] != self._stage.looker.sha1(here):
                there["path"].rename(there["path"].with_name(there["path"].name + ".unfinished-00000000"))

    def _run(self, command):
        (ended,) = self._stage.together([command])
        return ended.done.returncode if ended.done else None

    def _everywhere(self):
        """Return the keys of all sessions, at each place that shall hold them."""
        return {key for visit in self.world.lab.visits.values() for key in self._keys(visit)}

    def _keys(self, visit):
        return {(alias, *visit.key[1:]) for alias in self.world.places(visit.kind)}

    def _everything(self, facts):
        for key in sorted(self._everywhere()):
            visit = self.world.lab.of(key)
            if key not in facts.archived:
                yield Violation("I4", f"{key} is on {visit.rig}, and is not archived after all")
                continue
            mine, rows = set(self.world.lab.subpaths(visit)), {base(subpath) for subpath in facts.rows[key]}
            if mine != rows:
                yield Violation("I4", f"{key}: on disk and in the index differ: {sorted(mine ^ rows)[:5]}")
        for row in facts.journal:
            lost = text(row["purpose"]) == "copy" and any(visit.other for visit in self.world.lab.visits.values())
            if row["state"] not in ("done", "failed") and not lost:  # a copy of what has another name meanwhile
                yield Violation("I4", f"a transfer of the journal is still {row['state']}: {row['label']}")
        for key, rows in self._stage.before_loss.items():
            for difference in same_rows(rows, facts.rows.get(key, {})):
                yield Violation("I4", f"{key} was rebuilt otherwise than it was: {difference}")

    def _again(self, facts):
        """Once more: nothing is asked of Globus, nothing changes."""
        admin = self.world.admin
        admin.reset_counts()
        for rig in ("rig-a", "rig-b"):
            yield from self._stage.calmly({"verb": "publish", "rig": rig})
        if admin.total("transfer/"):
            yield Violation("I4", f"a night with nothing new asked Globus: {admin.counts()}")
        yield from self._stage.calmly({"verb": "verify", "rig": "rig-b", "checksum": True})
        after = self._stage.looker.look()
        yield from self._same(facts, after, "the same commands again")

    def _rebuilt(self, facts):
        """The database is lost; discover brings the same rows."""
        yield from self._stage.forget({"what": "index"})
        yield from self._stage.calmly({"verb": "discover", "rig": "rig-b"})
        after = self._stage.looker.look()
        yield from self._stage.checker.check(after)
        yield from self._same(facts, after, "discover")

    def _same(self, before, after, what):
        if before.archived != after.archived:
            yield Violation("I4", f"{what} changed what is archived: {sorted(before.archived ^ after.archived)}")
        for key in sorted(before.archived & after.archived):
            differences = same_rows(before.rows[key], after.rows[key]) + same_rows(after.rows[key], before.rows[key])
            for difference in differences:
                yield Violation("I4", f"{what} changed rows of {key}: {difference}")
        gone = {name for name in before.files if after.files.get(name, {}).get("sha1") != before.files[name]["sha1"]}
        new = set(after.files) - set(before.files)
        if gone | new:
            yield Violation("I4", f"{what} changed the archive: {sorted(gone | new)[:5]}")
