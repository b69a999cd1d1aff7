from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.archive.filetypes import MAX_NAME, RULES, UNKNOWN, FileTypeRule, classify
from pipeline.archive.naming import CAMERAS

EXPECTED = {
    "AB026_080619_g0_tcat.imec2.ap.bin": "ephys-raw-neuropixels-ap-bin",
    "AB026_080619_g0_t0.imec0.ap.meta": "ephys-raw-neuropixels-ap-meta",
    "AB026_080619_g0_t0.imec0.lf.bin": "ephys-raw-neuropixels-lf-bin",
    "AB026_080619_g0_t0.imec0.lf.meta": "ephys-raw-neuropixels-lf-meta",
    "ab25_2018-02-25_1_g0_t0.imec.ap.bin": "ephys-raw-neuropixels-ap-bin",
    "myrun_g0_t0.imec1013.ap.bin": "ephys-raw-neuropixels-ap-bin",
    "x_g0_tcat.exported.imec0.ap.bin": "ephys-raw-neuropixels-ap-exported-bin",
    "x_g0_tcat.exported.imec0.ap.meta": "ephys-raw-neuropixels-ap-exported-meta",
    "x_g0_t0.imec0.ap.cbin": "ephys-raw-neuropixels-ap-cbin",
    "x_g0_t0.imec0.ap.ch": "ephys-raw-neuropixels-ap-ch",
    "x_g0_t0.imec0.lf.cbin": "ephys-raw-neuropixels-lf-cbin",
    "x_g0_t0.imec0.lf.ch": "ephys-raw-neuropixels-lf-ch",
    "x_g0_t0.nidq.bin": "ephys-raw-nidq-bin",
    "x_g0_t0.nidq.meta": "ephys-raw-nidq-meta",
    "x_g0_t0.nidq.cbin": "ephys-raw-nidq-cbin",
    "x_g0_t0.nidq.ch": "ephys-raw-nidq-ch",
    "AAA_g0_t0.obx0.bin": "ephys-raw-onebox-bin",
    "run_g0_t0.obx3.obx.bin": "ephys-raw-onebox-bin",
    "run_g0_t0.obx3.obx.meta": "ephys-raw-onebox-meta",
    "run_g0_tcat.obx3.obx.xd_2_0_500.txt": "ephys-raw-onebox-events",
    "x_g0_tcat.imec0.SY_384_6_500.txt": "ephys-raw-neuropixels-sy",
    "x_g0_tcat.imec0.ap.SY_384_6_500.txt": "ephys-raw-neuropixels-sy",
    "x_g0_tcat.imec0.ap.xd_384_6_500.txt": "ephys-raw-neuropixels-xd",
    "x_g0_tcat.imec0.ap.xid_384_6_500.txt": "ephys-raw-neuropixels-xd",
    "x_g0_tcat.nidq.iXA_4_3.txt": "ephys-raw-nidq-xa",
    "x_g0_tcat.nidq.XA_0_500.txt": "ephys-raw-nidq-xa",
    "x_g0_tcat.nidq.XD_7_2_0.txt": "ephys-raw-nidq-xd",
    "x_g0_tcat.nidq.xid_7_2_0.txt": "ephys-raw-nidq-xd",
    "x_g0_tcat.nidq.bft_7_2_0.txt": "ephys-raw-nidq-bitfield",
    "x_g0_tcat.nidq.times.npy": "ephys-raw-nidq",
    "run_g0_ct_offsets.txt": "ephys-raw-catgt-offsets",
    "run_g0_sc_offsets.txt": "ephys-raw-catgt-offsets",
    "run_g0_fyi.txt": "ephys-raw-catgt-fyi",
    "CatGT.log": "ephys-raw-catgt-log",
    "AB022_g0_t0.imec0.ap_res.mat": "ephys-raw-jrclust-results",
    "ab40_g0_t50.imec.ap_imec3_opt3_jrc.mat": "ephys-raw-jrclust-v3-results",
    "x_filt.jrc": "ephys-raw-jrclust-spikes",
    "x.prm": "ephys-raw-jrclust-parameters",
    "AB022_030319_Imec3_bitcode.mat": "ephys-raw-bitcode",
    "whatever.mat": "ephys-raw-matlab-misc",
    "amplitudes.npy": "ephys-raw-ks2-amplitudes",
    "channel_map.npy": "ephys-raw-ks2-channel-map",
    "channel_positions.npy": "ephys-raw-ks2-channel-positions",
    "cluster_Amplitude.tsv": "ephys-raw-ks2-cluster-amplitude",
    "cluster_ContamPct.tsv": "ephys-raw-ks2-cluster-contam",
    "cluster_group.tsv": "ephys-raw-ks2-cluster-group",
    "cluster_groups.csv": "ephys-raw-ks2-cluster-groups-csv",
    "cluster_KSLabel.tsv": "ephys-raw-ks2-cluster-kslabel",
    "cluster_info.tsv": "ephys-raw-ks2-cluster-info",
    "cluster_snr.npy": "ephys-raw-ks2-cluster-snr",
    "cluster_purity.tsv": "ephys-raw-ks2-cluster-other",
    "clus_Table.npy": "ephys-raw-ks2-cluster-table",
    "mean_waveforms.npy": "ephys-raw-ks2-mean-waveforms",
    "metrics.csv": "ephys-raw-ks2-metrics",
    "waveform_metrics.csv": "ephys-raw-ks2-waveform-metrics",
    "overlap_matrix.npy": "ephys-raw-ks2-overlap-matrix",
    "overlap_summary.npy": "ephys-raw-ks2-overlap-summary",
    "overlap_summary.csv": "ephys-raw-ks2-overlap-summary",
    "overlap_x.npy": "ephys-raw-ks2-overlap-other",
    "params.py": "ephys-raw-ks2-parameters",
    "pc_feature_ind.npy": "ephys-raw-ks2-pc-feature-ind",
    "pc_features.npy": "ephys-raw-ks2-pc-features",
    "rez.mat": "ephys-raw-ks2-results",
    "rez2.mat": "ephys-raw-ks2-results",
    "similar_templates.npy": "ephys-raw-ks2-similar-templates",
    "spike_times.npy": "ephys-raw-ks2-spike-times",
    "spike_clusters.npy": "ephys-raw-ks2-spike-clusters",
    "spike_templates.npy": "ephys-raw-ks2-spike-templates",
    "spike_sizes.npy": "ephys-raw-ks2-spike-other",
    "template_feature_ind.npy": "ephys-raw-ks2-template-feature-ind",
    "template_features.npy": "ephys-raw-ks2-template-features",
    "templates.npy": "ephys-raw-ks2-templates",
    "templates_ind.npy": "ephys-raw-ks2-templates-ind",
    "templates_unw.npy": "ephys-raw-ks2-templates-other",
    "whitening_mat.npy": "ephys-raw-ks2-whitening-mat",
    "whitening_mat_inv.npy": "ephys-raw-ks2-whitening-mat-inv",
    "whitening_mat_dat.npy": "ephys-raw-ks2-whitening-other",
    "temp_wh.dat": "ephys-raw-ks2-whitened",
    "phy.log": "ephys-raw-ks2-phy",
    ".phy/state.json": "ephys-raw-ks2-phy",
    "AB026_side_735-0000.avi": "tracking-video-trial",
    "AB038_111919_side_face_1-0000.mp4": "tracking-video-trial",
    "film.mp4": "tracking-video-other",
    "AB026_080819_side.txt": "tracking-video-map",
    "AB026_080819_side_face.txt": "tracking-video-map",
    "AB026_side_735-0000.csv": "tracking-video-csv",
    "AB027_2021_07_01_bottom_0_proc.npy": "tracking-video-proc",
    "x.imec0.what": "ephys-raw-neuropixels",
    "notes.docx": UNKNOWN,
    "amplitudes.npy.bak": UNKNOWN,
    "AMPLITUDES.NPY": UNKNOWN,
    "a\nb": UNKNOWN,
    "[x]*?": UNKNOWN,
    "": UNKNOWN,
}

# Keys in databases out there: a type may be added to this list, none may go or change.
FOR_EVER = [
    "ephys-raw-neuropixels-ap-bin",
    "ephys-raw-neuropixels-ap-meta",
    "ephys-raw-neuropixels-lf-bin",
    "ephys-raw-neuropixels-lf-meta",
    "ephys-raw-neuropixels-sy",
    "ephys-raw-nidq",
    "ephys-raw-nidq-bin",
    "ephys-raw-nidq-meta",
    "ephys-raw-matlab-misc",
    "tracking-video-trial",
    "tracking-video-map",
    "unknown",
]


@pytest.mark.parametrize(("name", "file_type"), EXPECTED.items())
def test_types_of_files(name, file_type):
    assert classify(name) == file_type
    assert classify(f"AB026/catgt_AB026_080619_g0/imec0_ks2/{name}") == file_type


def _example(glob):
    for wild, plain in (("*", "x1"), ("[0-9]", "7"), ("[tv]", "t"), ("[TV]", "T")):
        glob = glob.replace(wild, plain)
    return glob


def test_every_rule_can_be_reached():
    by_name = {rule.name: rule for rule in RULES}
    for rule in RULES:
        reached = [classify(_example(glob)) for glob in rule.globs]
        assert rule.name in reached, (rule.name, reached)
    assert len(by_name) == len(RULES)


def test_names_fit_their_columns_and_families():
    for rule in RULES:
        assert len(rule.name) <= MAX_NAME
        assert len(rule.glob) <= 1024
        assert 0 < len(rule.description) <= 255
        assert rule.name.isascii()
        assert rule.name == rule.name.lower()
        assert rule.family in {"ephys-raw", "tracking-video", "unknown"}
        assert rule.name.startswith(rule.family)
    assert RULES[-1].name == UNKNOWN
    assert set(FOR_EVER) <= {rule.name for rule in RULES}


@pytest.mark.parametrize("camera", CAMERAS)
def test_every_camera_has_its_trial_map(camera):
    assert classify(f"AB026_080819_{camera}.txt") == "tracking-video-map"
    assert classify(f"AB026_{camera}_3-0000.csv") == "tracking-video-csv"


def test_rules_of_a_lab_come_first():
    rule = FileTypeRule("ephys-raw-histology", "*.tif brain/*.mat", "Slices", "ephys-raw")
    assert classify("a/x.tif", [rule]) == "ephys-raw-histology"
    assert classify("a/brain/x.mat", [rule]) == "ephys-raw-histology"
    assert classify("brain/a/x.mat", [rule]) == "ephys-raw-matlab-misc"
    assert classify("x.tif") == UNKNOWN


@given(st.text(max_size=300))
def test_every_file_has_a_type(name):
    assert classify(name) in {rule.name for rule in RULES}
