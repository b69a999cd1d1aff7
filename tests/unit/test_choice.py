"""File types and probes as people write them, and the probe that a file belongs to."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.archive.choice import file_types, probe_of, probes
from pipeline.archive.filenames import ProbeNumber, probe_folder
from pipeline.archive.filetypes import RULES, classify
from pipeline.errors import UsageError

KNOWN = {rule.name for rule in RULES}


def test_file_types_by_name_and_by_pattern():
    assert file_types("ephys-raw-neuropixels-ap-bin", KNOWN) == {"ephys-raw-neuropixels-ap-bin"}
    nidq = file_types(["ephys-raw-nidq*", "tracking-video-trial"], KNOWN)
    assert {"ephys-raw-nidq-bin", "ephys-raw-nidq-meta", "tracking-video-trial"} <= nidq
    assert "ephys-raw-neuropixels-ap-bin" not in nidq


@pytest.mark.parametrize(
    ("wrong", "suggested"),
    [
        ("ephys-raw-neuropixels-ap-bn", "ephys-raw-neuropixels-ap-bin"),
        ("nidq", "ephys-raw-nidq"),
        ("ephys-row-*", "ephys-raw"),
        ("", "publication.FileType"),
    ],
)
def test_an_unknown_file_type_is_refused_with_a_suggestion(wrong, suggested):
    with pytest.raises(UsageError) as refused:
        file_types(["ephys-raw-nidq-bin", wrong], KNOWN)
    assert suggested in refused.value.remedy


def test_nothing_is_not_everything():
    for choose in (lambda: file_types([], KNOWN), lambda: probes([])):
        with pytest.raises(UsageError):
            choose()


def test_probes_as_files_and_as_the_tables_name_them():
    assert probes("imec0") == probes(1) == probes("1") == {1}
    assert probes(["imec0", "IMEC2", 2, " 5 "]) == {1, 2, 3, 5}
    assert probes("imec1013") == {2}  # shank 3 of probe 1


@pytest.mark.parametrize("wrong", ["0", 0, -1, "imec", "imec-1", "probe1", "1.0", True, "", "imec٣", "imec123456"])
def test_what_is_no_probe_is_refused(wrong):
    with pytest.raises(UsageError, match="There is no probe"):
        probes([wrong])


@given(st.integers(0, 98))
def test_probes_of_both_spellings_are_one(number):
    assert probes(f"imec{number}") == probes(number + 1) == {number + 1}


SESSION = "SC038/catgt_SC038_111919_115124_g0"


@pytest.mark.parametrize(
    ("subpath", "insertion"),
    [
        (f"{SESSION}/SC038_111919_g0_imec0/SC038_111919_g0_tcat.imec0.ap.bin", 1),
        (f"{SESSION}/SC038_111919_g0_imec2/imec2_ks2/spike_times.npy", 3),
        (f"{SESSION}/SC038_111919_g0_tcat.imec1.ap.bin", 2),  # all in one folder
        (f"{SESSION}/SC038_111919_g0_imec0/SC038_111919_g0_tcat.nidq.bin", None),
        (f"{SESSION}/SC038_111919_g0_tcat.nidq.bin", None),
        (f"{SESSION}/SC038_111919_g0_ct_offsets.txt", None),
        (f"{SESSION}/SC038_111919_g0_t0.obx0.obx.bin", None),
        (f"{SESSION}/SC038_111919_g0_imec1013/SC038_111919_g0_t0.imec1013.ap.bin", 2),
        ("SC011/2019-02-13/2/SC011_021319_g0_t0.imec.ap.bin", 2),  # the oldest layout
        ("SC011/2019-02-13/1/rez.mat", 1),
        ("SC011/SC011_021319_g0/SC011_021319_g0_t0.imec.ap.bin", 1),  # one probe without a number
        ("SC038/11192019/video/SC038_side_001-0001.avi", None),
        ("SC038/SC038_20191119_s3_ephys.manifest-0001.json", None),
    ],
)
def test_the_probe_of_a_file(subpath, insertion):
    assert probe_of(subpath) == insertion


@given(
    probe=st.integers(0, 60),
    shank=st.none() | st.integers(0, 9),
    run=st.from_regex(r"[A-Z]{2}[0-9]{3}_[0-9]{6}(_[a-z1-9]{1,6})?", fullmatch=True),
    inside=st.sampled_from(["", "imec_ks/", "a/b/"]),
)
def test_whatever_lies_in_a_probe_folder_is_that_probes(probe, shank, run, inside):
    folder = f"SC038/catgt_{run}_g0/{probe_folder(run, 0, probe, shank)}"
    assert probe_of(f"{folder}/{inside}notes.txt") == probe + 1
    number = ProbeNumber(probe, shank).number
    assert probe_of(f"{folder}/{inside}{run}_g0_tcat.imec{number}.ap.bin") == probe + 1
    assert probe_of(f"{folder}/{run}_g0_tcat.imec{number}.ap.bin") in probes(f"imec{number}")


@given(st.text(max_size=60))
def test_any_text_has_a_probe_or_none(text):
    assert probe_of(text) is None or probe_of(text) >= 1


def test_probe_files_alone_and_all_of_ephys_as_the_help_of_reclaim_says():
    probes = file_types("ephys-raw-neuropixels-*", KNOWN)
    assert {"ephys-raw-neuropixels-ap-bin", "ephys-raw-neuropixels-lf-meta"} <= probes
    assert classify("SC1/x/SC1_g0_tcat.imec0.ap.bin") in probes
    assert not [name for name in probes if any(word in name for word in ("catgt", "ks2", "jrclust"))]
    every = file_types("ephys-raw-*", KNOWN)
    assert {"ephys-raw-catgt-log", "ephys-raw-ks2-spike-times", "ephys-raw-jrclust-results"} <= every
    assert "unknown" not in every
