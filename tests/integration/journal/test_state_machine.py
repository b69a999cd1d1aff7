"""The journal, whoever does whatever in whichever order: compared with a small model after every step.

An entry only moves forward, along its own path; nobody without the lease writes; a generation follows the one before
it; rows are there after a commit and at no other time.
"""

from __future__ import annotations

import itertools
import uuid
from datetime import date, datetime, timedelta

import pytest
from hypothesis import HealthCheck, Phase, note, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from pipeline import database, experiment, lab, publication
from pipeline.archive.journal import Entry, Part
from pipeline.archive.manifest import FileEntry, Manifest, merged
from pipeline.archive.ports import TransferRequest
from pipeline.archive.session import Location, SessionRef, dataset_name
from pipeline.errors import LeaseLost
from pipeline.journal import TableJournal
from pipeline.locations import location_row
from tests.integration.publish.proxy import STEPS

from .model import OVER, Model

HERE = Location("raw-ephys", "5f0e4cb1-0000-4000-8000-00000000000a", "/4D", "ephys")
SESSIONS = {
    (480133, number): SessionRef(480133, number, "SC038", date(2020, 5, number), "10:00:00") for number in (1, 2)
}
KEYS = st.sampled_from(sorted(SESSIONS))
WHO = st.integers(0, 2)
STATES = st.sampled_from(["submitted", "checked", "failed", "done"])
AHEAD = st.sampled_from([1, 1, 1, 0, 2])
KILLED = st.sampled_from([False, False, True])
LONG_AGO = "2001-01-01"
BEGAN = datetime.fromisoformat("2026-01-01T00:00:00")
LONG = settings().max_examples >= 20_000
EXAMPLES, STEPS_OF_ONE = (1500, 60) if LONG else (10, 30)


class KilledHere(Exception):
    """A process that ends in the middle of a transaction."""


def die():
    raise KilledHere


class Journals(RuleBasedStateMachine):
    """Three rounds, two sessions, one database."""

    entries = Bundle("entries")

    def __init__(self):
        super().__init__()
        clear()
        self.model = Model()
        self.numbers = itertools.count(1)
        self.rounds = [self.begin() for _ in range(3)]

    def begin(self):
        number = next(self.numbers)
        journal = TableJournal(HERE, SESSIONS, f"rig-{number}")
        journal.__enter__()
        self.model.held[number] = set()
        return number, journal

    def teardown(self):
        STEPS.forget()
        for _, journal in self.rounds:
            journal.__exit__(None, None, None)
        clear()

    # ---- leases

    @rule(who=WHO, key=KEYS)
    def claim(self, who, key):
        number, journal = self.rounds[who]
        mine, free = self.model.holder.get(key) == number, self.model.free(key)
        other = journal.claim(key)
        if mine or free:
            assert other is None
            if not mine:
                self.model.drop(key)
                self.model.holder[key] = number
            self.model.held[number].add(key)
        else:
            assert f"rig-{self.model.holder[key]}" in other

    @rule(key=KEYS)
    def nothing_is_heard_of_a_holder_for_too_long(self, key):
        if key in self.model.holder:
            publication.Claim.update1({**claim_of(key), "expires_at": LONG_AGO})
            self.model.expired.add(key)

    @rule(who=WHO, keys=st.sets(KEYS))
    def give_back(self, who, keys):
        number, journal = self.rounds[who]
        journal.release(keys)
        for key in keys & self.model.held[number]:
            if self.model.holder.get(key) == number:
                self.model.drop(key)
        self.model.held[number] -= keys

    @rule(who=WHO, interrupted=st.booleans())
    def end(self, who, interrupted):
        number, journal = self.rounds[who]
        journal.__exit__(KeyboardInterrupt if interrupted else None, None, None)
        if interrupted:
            for key in [key for key, holder in self.model.holder.items() if holder == number]:
                self.model.drop(key)
        self.model.ended.add(number)
        self.rounds[who] = self.begin()

    @rule(who=WHO)
    def tidy(self, who):
        self.rounds[who][1].tidy()
        for key in [key for key, holder in self.model.holder.items() if holder in self.model.ended]:
            self.model.drop(key)

    # ---- entries

    @rule(
        target=entries,
        who=WHO,
        keys=st.lists(KEYS, min_size=1, max_size=2, unique=True),
        purpose=st.sampled_from(["publish", "publish", "publish", "manifest", "move"]),
        ahead=AHEAD,
    )
    def open(self, who, keys, purpose, ahead):
        number, journal = self.rounds[who]
        keys = keys if purpose == "manifest" else keys[:1]
        entry = self.planned(purpose, keys, ahead)
        if not self.does(self.model.may_write(number, keys), lambda: journal.open(entry)):
            return multiple()
        self.model.states[entry.transfer_id] = "planned"
        return entry

    def planned(self, purpose, keys, ahead):
        count = next(self.numbers)
        request = TransferRequest(str(uuid.uuid4()), str(uuid.uuid4()), HERE.endpoint, f"mapshell {count}", ())
        return Entry(
            transfer_id=uuid.uuid4(),
            purpose=purpose,
            state="planned",
            request=request,
            parts=tuple(Part(self.manifest(key, ahead, count)) for key in keys),
            computer="rig",
            identity="somebody",
            created_at=BEGAN + timedelta(seconds=count),
        )

    def manifest(self, key, ahead, count):
        generation = max(1, self.model.generations.get(key, 0) + ahead)
        new = FileEntry(f"SC038/run/{count}.bin", count, count, "unknown", "a" * 40, "computed", generation=generation)
        files = merged(sorted(self.model.files.get(key, ()), key=lambda entry: entry.subpath), [new])
        at, task = BEGAN + timedelta(days=count), {"task": str(uuid.uuid4())}
        return Manifest(SESSIONS[key], HERE.dataset_type, HERE.alias, generation, files, at, task)

    @rule(who=WHO, entry=entries, state=STATES)
    def advance(self, who, entry, state):
        number, journal = self.rounds[who]
        if state == "done" and entry.purpose != "manifest":
            return  # that is what commits are for
        allowed = self.model.may_write(number, keys_of(entry)) and self.model.may_become(entry, state)
        if self.does(allowed, lambda: journal.advance(entry.advanced(state, task_id=str(uuid.uuid4())))):
            self.model.states[entry.transfer_id] = state

    @rule(who=WHO, entry=entries, killed=KILLED)
    def commit(self, who, entry, killed):
        if entry.purpose != "publish":
            return
        number, journal = self.rounds[who]
        (key,) = keys_of(entry)
        manifest = entry.parts[0].manifest
        allowed = (
            self.model.may_write(number, [key])
            and self.model.may_become(entry, "done")
            and manifest.generation == self.model.generations.get(key, 0) + 1
        )
        if killed:
            STEPS.at("committing", die)
        try:
            done = self.does(allowed, lambda: journal.commit(manifest, entry.advanced("done")))
        except KilledHere:
            assert allowed
            assert killed
            return
        finally:
            STEPS.forget()
        if done:
            self.model.states[entry.transfer_id] = "done"
            self.model.generations[key] = manifest.generation
            # An entry may have been drawn up before the generation below it was there, as no round does it.
            new = {entry for entry in manifest.files if entry.generation == manifest.generation}
            self.model.files[key] = self.model.files.get(key, set()) | new

    @rule(target=entries, who=WHO, key=KEYS, ahead=AHEAD, killed=KILLED)
    def archive(self, who, key, ahead, killed):
        """Take an entry the whole way: commits are rare among steps that are drawn one by one."""
        self.claim(who, key)
        entry = self.open(who, [key], "publish", ahead)
        if not isinstance(entry, Entry):
            return entry
        for state in ("submitted", "checked"):
            self.advance(who, entry, state)
        self.commit(who, entry, killed)
        self.rows_are_there_after_a_commit_and_at_no_other_time()
        self.settle(who, entry)
        return entry

    @rule(who=WHO, entry=entries)
    def settle(self, who, entry):
        there = all(self.model.generations.get(part.key, 0) >= part.manifest.generation for part in entry.parts)
        assert self.rounds[who][1].settle(entry) == there
        if there and self.model.states[entry.transfer_id] not in OVER:
            whole = all(set(part.manifest.files) <= self.model.files[part.key] for part in entry.parts)
            self.model.states[entry.transfer_id] = "done" if whole or entry.purpose != "publish" else "failed"

    @rule(entry=consumes(entries))
    def forget(self, entry):
        """Draw it no more, so that later ones are drawn oftener."""

    def does(self, allowed, write):
        """Write, or be refused; say which.  What is refused for want of a lease or of a turn says so."""
        try:
            write()
        except LeaseLost as error:
            note(error.message)
            refused = True
        else:
            refused = False
        assert refused != allowed
        return allowed

    # ---- what must hold after every step

    @invariant()
    def the_journal_is_as_far_as_the_model(self):
        rows = publication.Transfer.to_dicts()
        assert {row["transfer_id"]: row["state"] for row in rows} == self.model.states
        assert all((row["ended_at"] is not None) == (row["state"] in OVER) for row in rows)
        unfinished = self.rounds[0][1].unfinished()
        assert {entry.transfer_id for entry in unfinished} == {
            transfer_id for transfer_id, state in self.model.states.items() if state not in OVER
        }
        assert unfinished == sorted(unfinished, key=lambda entry: entry.created_at)

    @invariant()
    def leases_are_whose_they_should_be(self):
        found = {(row["subject_id"], row["session"]): row["computer"] for row in publication.Claim.to_dicts()}
        assert found == {key: f"rig-{number}" for key, number in self.model.holder.items()}

    @invariant()
    def rows_are_there_after_a_commit_and_at_no_other_time(self):
        indexed = self.rounds[0][1].indexed(SESSIONS)
        assert {key: found.generation for key, found in indexed.items()} == self.model.generations
        assert {key: set(found.files) for key, found in indexed.items()} == self.model.files
        assert all(found.archived_at is not None for found in indexed.values())
        names = {dataset_name(HERE.dataset_type, key): number for key, number in self.model.generations.items()}
        archived = publication.ArchivedRawEphys.to_dicts()
        assert {row["dataset_name"]: row["generation"] for row in archived} == names


def keys_of(entry):
    return [part.key for part in entry.parts]


def claim_of(key):
    return {"subject_id": key[0], "session": key[1], "globus_alias": HERE.alias}


def clear():
    for table in (
        publication.ArchivedRawEphys,
        publication.DataSet.PhysicalFile,
        publication.DataSet,
        publication.Transfer.Session,
        publication.Transfer,
        publication.Claim,
    ):
        table().delete_quick()


@pytest.fixture
def _lab(lab_database):
    database.bind(lab_database)
    database.insert_if_absent(
        publication.FileType, {"file_type": "unknown", "file_glob": "*", "file_type_description": ""}
    )
    database.insert_if_absent(publication.GlobusStorageLocation, location_row(HERE))
    lab.Subject.insert1({"subject_id": 480133})
    lab.WaterRestriction.insert1({"subject_id": 480133, "water_restriction_number": "SC038"})
    for session in SESSIONS.values():
        row = {"subject_id": session.subject_id, "session": session.session, "session_date": session.session_date}
        experiment.Session.insert1({**row, "session_time": session.session_time})


@pytest.mark.usefixtures("_lab")
def test_whatever_is_done_in_whichever_order_the_journal_keeps_its_promises():
    run_state_machine_as_test(
        Journals,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS_OF_ONE,
            deadline=None,
            derandomize=not LONG,
            phases=[phase for phase in Phase if phase is not Phase.explain],
            suppress_health_check=list(HealthCheck),
        ),
    )
