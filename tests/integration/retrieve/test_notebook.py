"""A colleague with an account that may only read fetches one probe's AP file, in a notebook, over HTTPS."""

from __future__ import annotations

import pytest

from tests.integration.accounts import read_only

from .home import RIG, first_session

CELLS = (
    """
from pipeline import lab, publication

animal = lab.WaterRestriction & {"water_restriction_number": "SC038"}
found = publication.ArchivedRawEphys & animal & {"session": 1}
found
""",
    """
ap = found.retrieve(probes="imec0", file_types="ephys-raw-neuropixels-ap-*", to="data", via="https")
ap
""",
    """
for path in ap.paths:
    print(path, path.stat().st_size)
""",
)


@pytest.mark.filterwarnings("ignore::DeprecationWarning:jupyter_client", "ignore::DeprecationWarning:zmq")
def test_one_probes_ap_file_in_a_notebook(each_home, monkeypatch):
    nbclient = pytest.importorskip("nbclient")
    from nbformat.v4 import new_code_cell, new_notebook

    home = each_home
    monkeypatch.setenv("JUPYTER_PLATFORM_DIRS", "1")
    home.configure(lambda document: document["custom"].clear())  # no folder, no collection: only the database
    home.rig.admin.set_collection(RIG, offline=True)
    with read_only(home.rig):
        for name in ("MAPSHELL_DATABASE_USER", "MAPSHELL_DATABASE_PASSWORD"):
            if name in home.rig.environ:
                monkeypatch.setenv(name, home.rig.environ[name])
        notebook = new_notebook(cells=[new_code_cell(cell) for cell in CELLS])
        client = nbclient.NotebookClient(
            notebook, timeout=120, kernel_name="python3", resources={"metadata": {"path": str(home.rig.folder)}}
        )
        client.execute()
    shown = [output for output in notebook.cells[1].outputs if output.output_type == "execute_result"]
    assert "<table>" in shown[0].data["text/html"]
    assert "2 files" in shown[0].data["text/plain"]
    assert "may only read" in shown[0].data["text/plain"]
    data = home.rig.folder / "data"
    home.assert_same(data, only=lambda name: first_session(name) and ".ap." in name)
    printed = notebook.cells[2].outputs[0].text
    assert all(str(path) in printed for path in home.here(data).values())
    assert home.tasks() == []
