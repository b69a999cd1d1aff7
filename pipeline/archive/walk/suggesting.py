"""A pattern for a lab's own folder names, made from one of them, to be copied into the configuration.  Pure."""

from __future__ import annotations

from pipeline.archive.dates import find_date
from pipeline.archive.layouts import compile_layout
from pipeline.archive.naming import parse_folder
from pipeline.archive.paths import printable
from pipeline.errors import MapshellError

_FORMS = {
    "Y-m-d": "%Y-%m-%d",
    "Y_m_d": "%Y_%m_%d",
    "mdY": "%m%d%Y",
    "Ymd": "%Y%m%d",
    "mdy": "%m%d%y",
    "m-d-Y": "%-m-%-d-%Y",
}


def with_example(folder: str, above: str = "") -> str:
    """Return the end of a remedy that asks for a pattern: one that reads a folder, which lies in another one."""
    pattern = printable("/".join(filter(None, (above, suggest_layout(folder)))))
    return f"{', with the name of the animal for ANIMAL' if 'h2o=ANIMAL' in pattern else ''}, such as {pattern}"


def suggest_layout(folder: str) -> str:
    """Return a pattern of ``archive.ephys_layouts`` that reads this name of a folder, as it lies at the top of a root.

    Where no animal stands in the name, the pattern has ANIMAL in its place.
    """
    said = parse_folder(f"x/{folder}", "ephys")
    run, gate = (said.run, said.gate) if said is not None else (folder, None)
    found = find_date(run)
    tail = "" if gate is None else "_g{gate}"
    pattern = f"[catgt_]{{h2o=ANIMAL}}{run}{tail}"  # no more than these: any other run may be another animal's
    if found is not None:
        before, reading, _ = found
        animal = "{h2o}_" if before else "{h2o=ANIMAL}"
        pattern = f"[catgt_]{animal}{{date:{_FORMS[reading.style]}}}[_{{ident}}]{tail}"
    try:
        read = compile_layout(pattern).parse(folder) is not None
    except MapshellError:
        read = False
    return pattern if read else f"{{h2o=ANIMAL}}{{name}}{tail}"
