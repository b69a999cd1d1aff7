"""A process is killed while it writes a file of state: whoever reads it then finds the old content or the new."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.faults.killed.writers import WRITERS
from tests.integration import ready
from tests.integration.kills import needs_sigkill

ROOT = Path(__file__).resolve().parents[3]

pytestmark = [needs_sigkill, pytest.mark.fault(10)]


@pytest.mark.parametrize("name", WRITERS)
def test_it_is_the_old_or_the_new(tmp_path, name):
    code = "import sys; from tests.faults.killed.dying import main; main(*sys.argv[1:])"
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = ready.run(code, (name, str(tmp_path)), cwd=ROOT, env=environ, timeout=120)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 2
