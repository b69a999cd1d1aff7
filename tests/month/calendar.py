"""What happens on which day of a month, drawn from a seed [pure].

Everything that a lab meets in a month is there once at least, as long as the month has days for it.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import date, timedelta

RIGS = ("rig-a", "rig-b")
SUNDAY_AND_SATURDAY = (5, 6)
MEND_AFTER = 2
"""Days until somebody mends what went wrong by day."""

#: What the nights bring, the gravest first: a short month has the first of them.
FAULTS = (
    "killed",
    "archive offline",
    "task fails",
    "database restarts",
    "login revoked",
    "transfer held",
    "service errors",
    "tokens expired",
    "rig offline",
    "answers lost",
)
MISTAKES = ("unfinished", "changed", "renamed")


@dataclass
class Day:
    """A day and the night that follows: who records what, what goes wrong, and which rigs are switched off."""

    number: int
    date: date
    records: list[dict] = field(default_factory=list)  # rig, which animal, hour, seconds, video
    mistake: str = ""
    fault: str = ""
    off: tuple[str, ...] = ()
    lost: bool = False  # somebody drops the database, at noon
    second_copy: bool = False  # from this noon on, ephys shall lie in two places
    kill_reclaim: bool = False  # in the night, if there is anything to reclaim
    dice: int = 0

    def __str__(self):
        what = [f"{len(self.records)} recorded"] if self.records else []
        what += [
            self.mistake,
            self.fault,
            "database lost" if self.lost else "",
            "two copies" if self.second_copy else "",
        ]
        what += [f"{rig} is off" for rig in self.off]
        return f"{self.date:%a %Y-%m-%d}  {', '.join(filter(None, what)) or 'nothing'}"


def draw(seed, first, days, *, copies=True):
    """Return the days of a month that begins on a Monday."""
    dice = random.Random(seed)
    month = [Day(number, first + timedelta(days=number), dice=dice.randrange(10**6)) for number in range(days)]
    for day in month:
        if day.date.weekday() in SUNDAY_AND_SATURDAY:
            continue
        for rig in RIGS:
            for which in (0, 1)[: 1 + (dice.random() < 0.3)]:
                seconds = round(dice.uniform(0.8, 1.6), 2)
                video = rig == "rig-a" and dice.random() < 0.6
                day.records.append(
                    {"rig": rig, "which": which, "hour": 10 + 4 * which, "seconds": seconds, "video": video}
                )
    nights = [day for day in month[:-1] if day.records]  # the last night is for what is left
    _scatter(dice, nights, "fault", FAULTS)
    off = dice.randrange(1, len(nights) - 1) if len(nights) > 5 else None
    if off is not None:
        rig = dice.choice(RIGS)
        for day in month[nights[off].number : nights[off].number + 2]:
            day.off = (rig,)
        second = month[nights[off].number + 1]
        second.records = [each for each in second.records if each["rig"] != rig]
    nights = [day for day in nights if day.records]
    mistakes = [day for day in nights if day.number + MEND_AFTER < days - 1]
    _scatter(dice, mistakes, "mistake", MISTAKES)
    if days >= 4:
        middle = month[days // 2]
        middle.lost = True
    for day in month[7:-1]:
        day.kill_reclaim = dice.random() < 0.2
    if copies and days >= 4:
        month[days // 2 + 1].second_copy = True
    return month


def _scatter(dice, days, name, values):
    """Give each of the values to a day of its own, in an order of chance; what there are no days for is left out."""
    chosen = dice.sample(days, min(len(values), len(days)))
    for day, value in zip(chosen, values, strict=False):
        setattr(day, name, value)
