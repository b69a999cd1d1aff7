from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.archive.naming import compile_layout, parse_folder
from pipeline.errors import ConfigError, NameRefused

words = st.text(alphabet="ABCxyz019_-. é", min_size=1, max_size=12).filter(
    lambda w: w not in (".", "..") and w[0] != "."
)
days = st.dates(date(2000, 1, 1), date(2079, 12, 31))
PATTERNS = [
    "{h2o}/{date:%Y-%m-%d}/{ident}",
    "{h2o}/{date:%Y_%m_%d}/video",
    "{h2o}/catgt_{h2o}_{date:%m%d%y}[_{ident}]_g{gate}",
    "{h2o}/{date:%Y%m%d}[_{ident}]",
    "{h2o}/{date:%d.%m.%Y}/run{gate}/{date:%d.%m.%Y}",
    "{h2o}/{ident}",
    "{h2o}/[catgt_]{name}_g{gate}",
    "[catgt_]{h2o}_{date:%Y-%m-%d}[_{ident}]_g{gate}",
    "{h2o=SC038}{date:%-m-%-d-%Y}_g{gate}",
    "Testing Data/{h2o}/run_{ident}",
    "{date:%d.%-m.%y}/{h2o=SC038}{ident}/[raw]data",
]


@pytest.mark.parametrize("pattern", PATTERNS)
@given(h2o=words, day=days, ident=words | st.none(), gate=st.integers(0, 99999))
def test_what_a_layout_writes_it_reads(pattern, h2o, day, ident, gate):
    layout = compile_layout(pattern)
    try:
        folder = layout.format(h2o, day, ident, gate)
    except NameRefused:
        return
    said = layout.parse(folder)
    assert said is not None
    assert said.h2o == h2o
    assert "{date" not in pattern or said.day == day
    assert "{ident" not in pattern or said.ident == ident
    assert "{gate" not in pattern or said.gate == gate


@pytest.mark.parametrize("pattern", PATTERNS)
def test_plain_values_are_always_written(pattern):
    layout = compile_layout(pattern)
    folder = layout.format("SC038", date(2019, 11, 9), "2", 0, "x")
    assert layout.parse(folder).h2o == "SC038"
    above = folder
    while "/" in above:
        above = above.rpartition("/")[0]
        assert layout.above(above) in ("", "SC038")
        assert layout.parse(above) is None
    assert layout.above(folder) is None


@given(st.sampled_from(PATTERNS), st.text(max_size=60))
def test_any_path_can_be_tried(pattern, path):
    compile_layout(pattern).parse(path)


@pytest.mark.parametrize(
    "pattern",
    [
        "",
        "{h2o}",
        "{date:%Y}/{h2o}",
        "{subject}/{date:%Y%m%d}",
        "{h2o}/{date}",
        "{h2o}/{date:%Y}",
        "{h2o}/{date:%Y%m%d%H}",
        "{h2o}/{date:%Y/%m/%d}",
        "{h2o}/[{ident}",
        "{h2o}/{ident}]",
        "{h2o}/[]{ident}",
        "[{h2o}]_{ident}",
        "{ident}_g{gate}",
        "{h2o}/{h2o=SC038}{ident}",
        "{h2o=SC038}{h2o=SC039}{ident}",
        "{h2o=}{ident}",
        "{h2o=a/b}{ident}",
        "{h2o=SC038}[{h2o=SC039}{ident}]",
        "{h2o=SC038}/{ident}",
        "{h2o}_{date:%-m%d%Y}",
        "{h2o}_{date:%m-%d-%-Y}",
        "{h2o}_{date:%-m-%m-%d-%Y}",
        "{h2o}/[[{ident}]]",
        "{h2o}/[{ident}/]x",
        "{h2o}/{ident",
        "{h2o}/ident}",
        "{h2o}/../{ident}",
        "/{h2o}/{ident}",
        "{h2o}//{ident}",
        "{h2o}\\{ident}",
        "{h2o}/[{ident}]_{ident}",
        "{h2o}/{date:%Y%m%d}_{date:%m%d%Y}",
        "{h2o}/video",
        "{h2o}/{ident:x}",
        "{h2o}/" + "x" * 300 + "{ident}",
    ],
)
def test_bad_patterns_name_the_remedy(pattern):
    with pytest.raises(ConfigError) as error:
        compile_layout(pattern)
    assert "{h2o}/{date" in error.value.remedy


def test_a_layout_of_the_lab_comes_before_ours():
    layout = compile_layout("{h2o}/{date:%Y%m%d}/{ident}")
    ours = parse_folder("SC022/20190303/1", "ephys")
    theirs = parse_folder("SC022/20190303/1", "ephys", [layout])
    assert ours is not None
    assert theirs is not None
    assert (ours.layout, ours.ident, ours.number) == ("old", None, "1")
    assert (theirs.layout, theirs.ident, theirs.dates) == (layout.pattern, "1", (date(2019, 3, 3),))


def test_a_layout_tells_catgt_from_raw():
    layout = compile_layout("{h2o}/{date:%Y-%m-%d}/catgt_{name}_g{gate}")
    name = parse_folder("M1/2023-04-27/catgt_whatever_g2", "ephys", [layout])
    assert name is not None
    assert (name.origin, name.run, name.gate) == ("catgt", "whatever", 2)
    with pytest.raises(NameRefused):
        layout.format("M1", date(2023, 4, 27), gate=2)
    assert layout.format("M1", date(2023, 4, 27), gate=2, name="x") == "M1/2023-04-27/catgt_x_g2"


@pytest.mark.parametrize(
    ("pattern", "folder", "h2o", "day"),
    [
        ("[catgt_]{h2o}_{date:%Y-%m-%d}_g{gate}", "catgt_77.230125_2023-04-27_g0", "77.230125", date(2023, 4, 27)),
        ("[catgt_]{h2o}_{date:%Y-%m-%d}_g{gate}", "77.230125_2023-04-27_g0", "77.230125", date(2023, 4, 27)),
        ("{h2o=XY01}{date:%-m-%-d-%Y}_g{gate}", "3-1-2021_g0", "XY01", date(2021, 3, 1)),
        ("{h2o=XY01}{date:%-m-%-d-%Y}_g{gate}", "12-31-2021_g0", "XY01", date(2021, 12, 31)),
        ("Testing Data/{h2o}_g{gate}", "Testing Data/test4olivier_g0", "test4olivier", None),
        ("{h2o=MR01}{name}_g{gate}", "myrun_g0", "MR01", None),
    ],
)
def test_sessions_elsewhere_than_below_their_animal(pattern, folder, h2o, day):
    name = parse_folder(folder, "ephys", [compile_layout(pattern)])
    assert name is not None
    assert (name.h2o, name.gate, name.dates) == (h2o, 0, () if day is None else (day,))


def test_a_hidden_folder_is_nobodys():
    assert parse_folder(".mapshell_g0", "ephys", [compile_layout("{h2o=MR01}{name}_g{gate}")]) is None
