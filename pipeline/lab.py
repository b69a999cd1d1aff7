"""The lab's people, animals and devices, as far as archiving needs them."""

from __future__ import annotations

from pipeline.database.binding import TableGroup
from pipeline.database.table_classes import Manual

schema = TableGroup("lab")


@schema
class Person(Manual):
    """Somebody who works in the lab."""

    definition = """
    # somebody who works in the lab
    username: varchar(24)          # short login-like name
    ---
    fullname = "" : varchar(255)   # name as it is written
    """


@schema
class Rig(Manual):
    """A recording rig."""

    definition = """
    # recording rig
    rig: varchar(24)                    # short name
    ---
    room = "" : varchar(32)             # where it stands
    rig_description = "" : varchar(1024)  # what is special about it
    """


@schema
class AnimalSource(Manual):
    """Where animals come from."""

    definition = """
    # where animals come from
    animal_source: varchar(32)   # breeder or institute
    """


@schema
class Subject(Manual):
    """An animal."""

    definition = """
    # animal
    subject_id: int32                 # number that the institute gave
    ---
    -> [nullable] AnimalSource
    sex = "U" : char(1)               # M, F or U (unknown)
    date_of_birth = null : date       # local calendar date
    subject_description = "" : varchar(1024)  # strain, genotype, remarks
    """


@schema
class WaterRestriction(Manual):
    """The short name under which the lab knows an animal; folders and files are named by it."""

    definition = """
    # short name of an animal under water restriction; first component of its folders
    -> Subject
    ---
    water_restriction_number: varchar(16)   # such as SC038
    wr_start_date = null : date             # local calendar date on which the restriction began
    wr_start_weight = null : float64        # g, weight on that day
    unique index (water_restriction_number)
    """


@schema
class Probe(Manual):
    """A physical probe."""

    definition = """
    # physical probe, known by its serial number
    probe: varchar(32)               # serial number
    ---
    probe_type = "" : varchar(64)    # type number or name of the maker
    probe_comment = "" : varchar(1024)  # remarks
    """
