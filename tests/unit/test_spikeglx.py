from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pipeline.spikeglx import MetaError, bin_name, defects, meta_name, parse_meta, write_meta

REAL = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "spikeglx-meta"

PROBE = {
    "acqApLfSy": "384,384,1",
    "appVersion": "20230411",
    "fileCreateTime": "2019-11-19T11:51:24",
    "fileName": "D:/My Data/AB038_111919_g0/AB038_111919_g0_imec0/AB038_111919_g0_t0.imec0.ap.bin",
    "fileSHA1": "A" * 20 + "0123456789ABCDEF0123",
    "fileSizeBytes": str(770 * 30_000),
    "fileTimeSecs": "1.0",
    "firstSample": "435123",
    "imDatPrb_pn": "PRB_1_4_0480_1_C",
    "imDatPrb_sn": "19051020361",
    "imDatPrb_type": "0",
    "imSampRate": "30000",
    "nSavedChans": "385",
    "snsApLfSy": "384,0,1",
    "typeThis": "imec",
    "userNotes": "a = b",
    "~snsChanMap": "(384,384,1)(AP0;0:0)",
}
NIDQ = {
    "fileCreateTime": "2019-11-19T11:51:24",
    "fileName": "D:/x_g0/x_g0_t0.nidq.bin",
    "fileSHA1": "0",
    "fileSizeBytes": "98945268",
    "fileTimeSecs": "824.4614456108245",
    "nSavedChans": "2",
    "niSampRate": "30003.0003",
    "snsMnMaXaDw": "0,0,1,1",
    "typeThis": "nidq",
}
ONEBOX = {
    "fileCreateTime": "2024-03-13T12:16:32",
    "fileSHA1": "0" * 40,
    "fileSizeBytes": "80",
    "fileTimeSecs": "0.00033",
    "nSavedChans": "4",
    "obSampRate": "30303",
    "snsXaDwSy": "2,1,1",
    "typeThis": "obx",
}
OLDEST = {key: value for key, value in PROBE.items() if not key.startswith("imDat")} | {
    "imProbeOpt": "3",
    "imProbeSN": "641251510",
    "fileName": "N://test_file.imec.ap.bin",
}


def meta(fields, **changes):
    changed = {key: value for key, value in (fields | changes).items() if value is not None}
    return parse_meta(write_meta(changed), name="x_g0_t0.imec0.ap.meta")


def rules(found):
    return [defect.rule for defect in found]


def test_a_probe():
    said = meta(PROBE)
    assert (said.stream, said.band, said.n_channels, said.sample_rate, said.frame_bytes) == (
        "imec",
        "ap",
        385,
        30000.0,
        770,
    )
    assert (said.size, said.duration, said.complete) == (770 * 30_000, 1.0, True)
    assert said.sha1 == PROBE["fileSHA1"].lower()
    assert (said.probe_type, said.probe_serial, said.probe_part) == ("0", "19051020361", "PRB_1_4_0480_1_C")
    assert said.created == said.written == datetime.fromisoformat("2019-11-19T11:51:24")
    assert said.channels == {"AP": 384, "LF": 0, "SY": 1}
    assert said.first_sample == 435123
    assert said.raw["userNotes"] == "a = b"
    assert said.raw["~snsChanMap"].startswith("(384")
    assert said.catgt is None
    assert defects(said, 770 * 30_000) == []


def test_other_streams():
    nidq, onebox = meta(NIDQ), meta(ONEBOX)
    assert (nidq.stream, nidq.band, nidq.n_channels, nidq.sha1) == ("nidq", None, 2, None)
    assert nidq.complete
    assert (nidq.probe_type, nidq.probe_serial) == (None, None)
    assert (onebox.stream, onebox.n_channels, onebox.sha1) == ("obx", 4, "0" * 40)
    assert onebox.channels == {"XA": 2, "DW": 1, "SY": 1}
    assert defects(nidq, 98945268) == []
    assert defects(onebox, 80) == []


def test_the_oldest_probes():
    said = meta(OLDEST)
    assert (said.probe_type, said.probe_serial) == ("3A-3", "641251510")


@pytest.mark.parametrize(
    ("sns", "name", "band"),
    [
        ("384,0,1", "x_g0_t0.imec0.lf.meta", "ap"),
        ("0,384,1", "x_g0_t0.imec0.ap.meta", "lf"),
        ("0,0,385", "x_g0_t0.imec0.lf.meta", "lf"),
        ("192,192,1", "D:/y/x_g0_t0.imec0.ap.meta", "ap"),
        ("192,192,1", "what.meta", "ap"),
    ],
)
def test_the_band_is_in_the_channels_else_in_the_name(sns, name, band):
    assert parse_meta(write_meta(PROBE | {"snsApLfSy": sns}), name=name).band == band


def test_a_running_recording():
    said = meta(PROBE, fileSHA1=None, fileSizeBytes=None, fileTimeSecs=None)
    assert (said.size, said.duration, said.sha1, said.complete) == (None, None, None, False)
    assert rules(defects(said, 770 * 10)) == ["still-recording"]
    assert rules(defects(said, 0)) == ["still-recording", "empty"]


def test_what_catgt_writes():
    once = meta(
        PROBE,
        fileSHA1="0",
        fileCreateTime="2019-11-20T03:00:00",
        fileCreateTime_original="2019-11-19T11:51:24",
        catNFiles="1",
    )
    assert (once.catgt, once.sha1, once.complete) == ("cat", None, True)
    assert once.created == datetime.fromisoformat("2019-11-19T11:51:24")
    assert once.written == datetime.fromisoformat("2019-11-20T03:00:00")
    # The first CatGT kept no original; in several runs joined the original is a time of processing.
    assert meta(PROBE, catGTCmdline0="<CatGT>").created is None
    joined = meta(PROBE, catNRuns="2", fileCreateTime_original="2019-11-20T02:00:00")
    assert (joined.catgt, joined.created) == ("supercat", None)


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"])
def test_line_ends_and_marks(newline, bom):
    raw = bom + write_meta(PROBE).replace(b"\r\n", newline.encode())
    assert parse_meta(raw, name="x").raw == PROBE


def test_other_encodings():
    notes = "Stäbchen µ"
    assert parse_meta(write_meta(PROBE | {"userNotes": notes}), name="x").raw["userNotes"] == notes
    latin = write_meta(PROBE).replace(b"a = b", notes.encode("latin-1"))
    assert parse_meta(latin, name="x").raw["userNotes"] == notes
    with pytest.raises(MetaError, match="NUL"):
        parse_meta(write_meta(PROBE).decode().encode("utf-16"), name="x")


def test_a_key_that_stands_twice():
    assert parse_meta(write_meta(PROBE) + b"userNotes=again\r\n", name="x").raw["userNotes"] == "again"
    same = parse_meta(write_meta(PROBE) + b"fileSizeBytes=23100000\r\n", name="x")
    assert same.repeated == ()
    twice = parse_meta(write_meta(PROBE) + b"fileSizeBytes=7700\r\nfileTimeSecs=0.000333\r\n", name="x")
    assert twice.repeated == ("fileSizeBytes", "fileTimeSecs")
    assert rules(defects(twice, 7700)) == ["repeated-key"]


@pytest.mark.parametrize(
    "changes",
    [
        {"nSavedChans": "0"},
        {"nSavedChans": "-385"},
        {"nSavedChans": "385.0"},
        {"nSavedChans": "٣٨٥"},
        {"nSavedChans": "9" * 5000},
        {"nSavedChans": "384"},
        {"nSavedChans": None, "snsApLfSy": None},
        {"snsApLfSy": "384,1"},
        {"snsApLfSy": "a,b,c"},
        {"imSampRate": None},
        {"imSampRate": "0"},
        {"imSampRate": "nan"},
        {"imSampRate": "inf"},
        {"imSampRate": "1e999"},
        {"imSampRate": "-30000"},
        {"typeThis": "eeg"},
        {"typeThis": None, "imSampRate": None},
        {"fileSizeBytes": "-1"},
        {"fileSizeBytes": "1e9"},
        {"fileSizeBytes": "1_000"},
        {"fileTimeSecs": "soon"},
        {"fileSHA1": "xyz"},
        {"fileSHA1": "A" * 39},
        {"firstSample": "first"},
    ],
)
def test_garbage_in_what_matters(changes):
    with pytest.raises(MetaError) as error:
        meta(PROBE, **changes)
    assert "x_g0_t0.imec0.ap.meta" in error.value.message
    assert len(error.value.message) < 300
    assert error.value.remedy


@pytest.mark.parametrize(
    "changes",
    [
        {"fileCreateTime": "yesterday"},
        {"fileCreateTime": None},
        {"fileCreateTime": "2019-11-19T11:51:99"},
        {"fileCreateTime": ""},
    ],
)
def test_a_start_that_makes_no_sense_is_unknown(changes):
    assert meta(PROBE, **changes).created is None


def test_what_may_be_missing():
    assert meta(PROBE, nSavedChans=None).n_channels == 385
    assert meta(PROBE, snsApLfSy=None).channels == {}
    assert meta(PROBE, typeThis=None).stream == "imec"
    assert meta(PROBE, fileSHA1="").sha1 is None
    assert meta(PROBE, fileCreateTime="2019-11-19T11:51:24+05:00").created == datetime.fromisoformat(
        "2019-11-19T11:51:24"
    )


@pytest.mark.parametrize("raw", [b"", b"\n\n", b"hello", b"\0" * 500, b"=", b"\xff\xfe\xfd", b"key=value", b"<html>"])
def test_what_is_no_meta(raw):
    with pytest.raises(MetaError):
        parse_meta(raw, name="x.meta")


@pytest.mark.parametrize(
    ("changes", "size", "expected"),
    [
        ({}, 770 * 30_000 - 770, ["size"]),
        ({}, 770 * 30_000 - 1, ["frames", "size"]),
        ({}, 0, ["empty", "size"]),
        ({"fileSizeBytes": "0", "fileTimeSecs": "0"}, 0, ["empty"]),
        ({"fileTimeSecs": "2.0"}, 770 * 30_000, ["duration"]),
        ({"fileTimeSecs": "1.00003"}, 770 * 30_000, []),
        ({"fileTimeSecs": "1"}, 770 * 30_000, []),
        ({"imSampRate": "30000.37"}, 770 * 30_000, []),
        ({"fileSizeBytes": "1001"}, 1001, ["frames", "duration"]),
    ],
)
def test_binary_files_that_disagree(changes, size, expected):
    found = defects(meta(PROBE, **changes), size)
    assert rules(found) == expected
    assert all(defect.message and defect.remedy for defect in found)


@pytest.mark.parametrize(
    ("meta_file", "binary"), [("x.imec0.ap.meta", "x.imec0.ap.bin"), ("a.b/x.nidq.meta", "a.b/x.nidq.bin")]
)
def test_partner_names(meta_file, binary):
    assert bin_name(meta_file) == binary
    assert meta_name(binary) == meta_file
    assert meta_name(binary.replace(".bin", ".cbin")) == meta_file


@pytest.mark.parametrize("fields", [{"a": "b\nc=d"}, {"": "x"}, {"a=b": "c"}, {" a": "b"}, {"a": "x\0"}])
def test_fields_that_cannot_stand_in_a_meta(fields):
    with pytest.raises(MetaError):
        write_meta(fields)


values = st.text(st.characters(blacklist_characters="\r\n\0", blacklist_categories=["Cs"]), max_size=20).map(str.strip)


@given(st.dictionaries(st.from_regex(r"~?[A-Za-z][A-Za-z0-9_]{0,12}", fullmatch=True), values, max_size=8))
def test_what_is_written_is_read(more):
    fields = more | PROBE
    assert parse_meta(write_meta(fields), name="x").raw == fields
    assert parse_meta(write_meta(fields, newline="\n"), name="x").raw == fields


@given(
    st.sampled_from(sorted(PROBE)),
    st.text(max_size=40) | st.from_regex(r"[0-9eE.+\-]{0,30}", fullmatch=True),
    st.integers(0, 2**40),
)
def test_any_value_is_read_or_refused(key, value, size):
    raw = "".join(f"{k}={value if k == key else v}\n" for k, v in PROBE.items()).encode("utf-8", "surrogatepass")
    try:
        said = parse_meta(raw, name="x.meta")
    except MetaError:
        return
    defects(said, size)


@given(st.binary(max_size=400))
@example(b"typeThis=imec\nimSampRate=1\nnSavedChans=1")
def test_any_bytes_are_read_or_refused(raw):
    try:
        parse_meta(raw, name="x.meta")
        parse_meta(write_meta(PROBE) + raw, name="x.meta")
    except MetaError:
        return


def test_every_real_meta_is_read():
    if not REAL.is_dir():
        pytest.skip(f"the real metas are not at hand ({REAL})")
    files = sorted(REAL.glob("*.meta"))
    assert files
    for file in files:
        said = parse_meta(file.read_bytes(), name=file.name)
        assert said.complete == ("incomplete" not in file.name), file.name
        assert said.sample_rate in (2500.0325532900833, 30003.0003) or abs(said.sample_rate - 30000) < 1
        assert (said.band is None) == (said.stream == "nidq")
        assert (said.created is None) == (said.catgt is not None), file.name
        assert said.stream == "nidq" or said.probe_type is not None
        assert said.stream == "nidq" or said.probe_serial is not None
        if said.complete:
            assert defects(said, said.size) == [], file.name
            assert (said.sha1 is None) == ("catgt" in file.name)
            assert rules(defects(said, said.size - said.frame_bytes)) == ["size"]
        else:
            assert rules(defects(said, said.frame_bytes)) == ["still-recording"]
        assert parse_meta(write_meta(said.raw), name=file.name).raw == said.raw
