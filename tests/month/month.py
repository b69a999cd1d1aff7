"""A month, day by day: recording, nights as scheduled, a look at each dawn, people who mend; then everything back."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from datetime import time as hour
from zoneinfo import ZoneInfo

from . import board, ending, explained, freed, morning, nights
from .calendar import MEND_AFTER, draw
from .look import Looker
from .people import ZONE, utc
from .world import RIGS, SECOND, World

MENDED = timedelta(days=MEND_AFTER - 1)
DISK = 8_500_000
"""Bytes of a rig's disk: what three weeks of recordings do not fit on."""
OLDER_THAN = timedelta(days=5)


@dataclass
class Turn:
    """What a rig did in a night: whether it was switched off, and how its last commands ended, by verb."""

    missed: bool
    codes: dict[str, int]
    left: set[str] = field(default_factory=set)  # verbs that could not do something, for the time being


@dataclass
class Came:
    """What a month came to."""

    database: str
    days: int = 0
    nights: list[str] = field(default_factory=list)
    counts: Counter = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    fullest: dict[str, float] = field(default_factory=dict)
    recorded: int = 0
    disk: int = 0
    seconds: float = 0.0


class Month:
    """Plays a month on one world.

    Parameters
    ----------
    world
        Entered.
    first
        Its first day, a Monday.
    days, seed
        How many, and what they are drawn from.
    say
        Is told a line for each day.
    """

    def __init__(self, world, first, days, seed, say):
        self.world, self.say = world, say
        self.calendar = draw(seed, first, days)
        self.looker = Looker(world)
        self.came = Came(world.server.kind)
        self.troubles = morning.Troubles()
        self.rounds = {}  # when each rig last came to the end of its round
        self.lost_at = None  # when the database was dropped
        self.nights = {rig: [] for rig in RIGS}
        self.free = {rig: [] for rig in RIGS}  # bytes that were free at dawns
        self.freed = set()  # rigs whose disk was freed, as far as the database can know
        self.written = {rig: [] for rig in RIGS}  # bytes of each day
        self.aliases = ["raw-ephys", "raw-video"]
        self.copies = ["raw-ephys"]
        self.older_than = OLDER_THAN if days >= 14 else timedelta(days=1)

    def play(self):
        """Play all of it; return what it came to."""
        began = time.monotonic()
        for rig in RIGS:
            self.world.run(rig, "ingest-subjects", str(self.world.folder / "subjects.csv"))
        self.jobs = {rig: self.world.scheduled(rig, self.older_than) for rig in RIGS}
        self.times = {verb: at for verb, (at, _) in self.jobs["rig-a"].items()}
        for day in self.calendar:
            self._day(day)
            night = self._night(day)
            self._dawn(day, night)
            self._mend(day, night)
            if self.came.wrong:
                break
        if not self.came.wrong:
            self._wrong(ending.bring_back(self))
        self.came.seconds = time.monotonic() - began
        return self.came

    # -- by day ------------------------------------------------------------------------------------------------------

    def _day(self, day):
        world = self.world
        if day.lost:
            self._at(day, "09:00")
            self._lose()
        if day.second_copy:
            self._at(day, "09:30")
            self._copy()
        before = {rig: disk.free() for rig, disk in world.disks.items()}
        for each in sorted(day.records, key=lambda each: each["hour"]):
            start = datetime.combine(day.date, hour(each["hour"]))
            mistake = day.mistake if day.mistake == "unfinished" and each is day.records[0] else ""
            made = world.people.record(
                each["rig"], start, each["which"], seconds=each["seconds"], video=each["video"], mistake=mistake
            )
            self.came.counts["sessions recorded"] += 1
            self.came.recorded += sum(map(world.people.size, made))
        self._at(day, "18:00")
        for rig in dict.fromkeys(each["rig"] for each in day.records):
            world.run(rig, "ingest-recordings", codes=(0, 3))
        self._err(day)
        for rig, disk in world.disks.items():
            self.written[rig].append(before[rig] - disk.free())
            self.came.fullest[rig] = max(self.came.fullest.get(rig, 0), 1 - disk.free() / disk.size)

    def _err(self, day):
        """Somebody makes the mistake of the day."""
        people = self.world.people
        if day.mistake == "changed":
            facts = self.looker.look()
            there = [
                each
                for each in people.recordings
                if each.kind == "ephys" and each.key in facts.archived and not each.mistake and people.files(each)
            ]
            if there:
                chosen = there[-1 - day.dice % min(3, len(there))]
                people.change(chosen, datetime.combine(day.date, hour(17)))
                self.troubles.began(chosen, self.world.clock.now())
        elif day.mistake == "renamed":
            chosen = next(each for each in people.recordings if each.day == day.date and each.kind == "ephys")
            people.rename(chosen)
            self.troubles.began(chosen, self.world.clock.now())
        elif day.mistake == "unfinished":
            chosen = next(each for each in people.recordings if each.mistake == "unfinished")
            self.troubles.began(chosen, self.world.clock.now())

    def _lose(self):
        """Somebody drops the database; people make a new one from the archive, and enter what is not there yet."""
        world = self.world
        world.drop_everything()
        self.came.counts["lost databases"] += 1
        world.run("rig-a", "publication-discover", "--create-sessions", codes=(0, 3))
        world.run("rig-a", "ingest-subjects", str(world.folder / "subjects.csv"))
        for rig in RIGS:
            world.run(rig, "ingest-recordings", codes=(0, 3))
        self.rounds.clear()
        self.nights = {rig: [] for rig in RIGS}
        self.free = {rig: [] for rig in RIGS}
        self.freed.clear()
        self.lost_at = world.clock.now()
        for each in world.people.recordings:
            each.row_lost = bool(each.gone)

    def _copy(self):
        """People name a second archive that shall hold all ephys, too."""
        self.world.run("rig-a", "storage", "add", "raw-ephys-2", f"{SECOND}:/raw-ephys", "--type", "ephys")
        self.world.run("rig-a", "storage", "copies", "ephys", "raw-ephys", "raw-ephys-2")
        self.copies, self.aliases = ["raw-ephys", "raw-ephys-2"], ["raw-ephys", "raw-ephys-2", "raw-video"]
        self.came.counts["archives"] = 2

    # -- by night ----------------------------------------------------------------------------------------------------

    def _night(self, day):
        self._at(day, self.times["publish"])
        night = nights.publish(self.world, day, {rig: self.jobs[rig]["publish"][1] for rig in RIGS})
        self._wrong(freed.judge(self, self.looker.look(), f"{day.date} after publishing"))
        self._at(day, self.times["reclaim"], days=1)
        nights.reclaim(self.world, day, night, {rig: self.jobs[rig]["reclaim"][1] for rig in RIGS})
        self._wrong(freed.judge(self, self.looker.look(), f"{day.date} after reclaiming"))
        for rig in RIGS:
            before = self.nights[rig][-1] if self.nights[rig] else Turn(False, {})
            off = rig in day.off
            self.nights[rig].append(Turn(off, dict(before.codes), set(before.left) if off else set()))
        self._note(night.ran)
        return night

    def _note(self, ran):
        """Remember how scheduled commands ended."""
        for each in ran:
            self.nights[each.rig][-1].codes[each.verb] = each.code
            if each.verb == "publish" and any(
                row["failed"] and row["state"] == "queued" for row in (each.document or {}).get("sessions", ())
            ):
                self.nights[each.rig][-1].left.add(each.verb)
            self.came.counts["commands"] += 1
            self.came.counts["kills"] += each.code < 0
            if each.verb == "publish" and each.code in (0, 3):
                self.rounds[each.rig] = self.world.clock.now()
            if "Traceback" in each.err or each.code not in (0, 1, 3, 4, -9):
                self.came.wrong.append(f"{each.rig}: {each.verb} ended with {each.code}\n{each.err[-3000:]}")

    def _dawn(self, day, night):
        self._at(day, self.times["report"], days=1)
        facts = self.looker.look()
        self.came.counts["dawns"] += 1
        for rig in RIGS:
            self.free[rig].append(self.world.disks[rig].free())
        for rig in RIGS:
            if rig not in day.off:
                self.came.counts["boards"] += 1
                self.came.counts["reports"] += 1
                self._wrong(board.judge(self, day, rig, facts))
                self._wrong(morning.judge(self, day, rig, facts))
                for each in explained.troubled(self, facts, rig):
                    self._wrong(explained.judge(self, each, facts, f"{day.date}"))
        self.came.nights.append(str(day))
        self.say(f"{day}: {', '.join(f'{each.rig} {each.verb} {each.code}' for each in night.ran)}")

    def _mend(self, day, night):
        """In the morning people do what the report asked them for."""
        world = self.world
        self._at(day, "08:00", days=1)
        if night.fault == "login revoked":
            world.log_in()
        tomorrow = self.calendar[day.number + 1 :]
        for rig in day.off:
            if not tomorrow or rig not in tomorrow[0].off:  # switched on again: the system makes up for what was missed
                ran = nights.one(world, rig, "publish", self.jobs[rig]["publish"][1])
                self.nights[rig].append(Turn(False, {}))
                self._note([ran])
        for task in world.admin.tasks():
            if task["status"] in ("ACTIVE", "INACTIVE"):
                world.admin.control_task(task["task_id"], "release")
        facts = self.looker.look()
        for each in world.people.recordings:
            if each.key in facts.present:  # the manifest had not come when the database was lost
                about = ["--subject", each.animal.h2o, "--session", str(facts.sessions[each.key[1:]])]
                world.run(each.rig, "publication-publish", *about, "--type", each.kind, "--adopt", codes=(0, 3))
            for name in board.halves(self, facts, each):  # as its remedy says
                there = f"{each.alias}:/{name}"
                world.run(each.rig, "mv", there, f"{there}.half")
            if each.mistake and self.world.clock.now() - self.troubles.since(each) > MENDED:
                self._mend_one(each)

    def _mend_one(self, each):
        world = self.world
        if each.mistake == "renamed":
            world.people.rename_back(each)
            self.came.counts["mended"] += 1
            self.troubles.began(each, world.clock.now())
            return
        number = self.looker.look().sessions[each.animal.h2o, each.day.isoformat()]
        command = ["publication-publish", "--subject", each.animal.h2o, "--session", str(number), "--type", each.kind]
        if each.mistake == "unfinished":
            command += ["--accept", "still-recording", "--because", "the acquisition crashed"]
        else:
            command += ["--supersede", "--because", "notes were added"]
        world.run(each.rig, *command)
        self.came.counts["mended"] += 1
        each.mistake = ""

    def places_of_recordings(self):
        """Yield every recording with each of the keys under which it shall be archived."""
        for each in self.world.people.recordings:
            for alias in self.copies if each.kind == "ephys" else [each.alias]:
                yield each, (alias, *each.key[1:])

    def today(self):
        """Return the day by the lab's calendar."""
        return self.world.clock.now().replace(tzinfo=UTC).astimezone(ZoneInfo(ZONE)).date()

    def off(self, rig):
        """Return for how many nights a rig has been switched off now."""
        count = 0
        for turn in reversed(self.nights[rig]):
            if not turn.missed:
                break
            count += 1
        return count

    def days_left(self):
        """Return when each rig's disk is full: at the rate at which its room shrinks, and at which it is written."""
        found = {}
        for rig, free in self.free.items():
            last, never = free[-14:], timedelta(days=3650)
            days = max(len(last) - 1, 1)
            shrinks = (last[0] - last[-1]) / days
            written = sum(self.written[rig][-days:]) / days
            found[rig] = tuple(
                timedelta(days=last[-1] / rate) if rate > 0 else never for rate in (shrinks, max(shrinks, written))
            )
        return found

    def told(self, recording):
        """Whether the rig of a recording has told all computers what it is like now."""
        seen = self.rounds.get(recording.rig)
        return seen is not None and seen > self.troubles.since(recording)

    # -- parts -------------------------------------------------------------------------------------------------------

    def _at(self, day, clock, days=0):
        local = datetime.combine(day.date + timedelta(days=days), hour.fromisoformat(clock))
        self.world.set(utc(local))

    def _wrong(self, violations):
        self.came.wrong += violations


def play(folder, server, first, days, seed, say=print):
    """Play a month on a server; return what it came to."""
    begins = utc(datetime.combine(first, hour(8)))
    with World(folder, server, DISK, begins) as world:
        came = Month(world, first, days, seed, say).play()
        came.days, came.disk = days, DISK
        return came
