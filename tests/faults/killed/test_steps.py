"""Whoever names a new step in the code aims a kill at it."""

from __future__ import annotations

import pytest

from tests.faults.killed import (
    test_copy,
    test_discover,
    test_publish,
    test_reassign,
    test_reclaim,
    test_retrieve,
    test_verify,
)
from tests.faults.killed.test_adopt import COMPARED
from tests.integration.doctor.test_killed import STEPS as OF_THE_DOCTOR
from tests.integration.kills import steps_in_the_code

AIMED = {
    *test_publish.STEPS,
    COMPARED,
    *(step for step, _ in test_reassign.STEPS),
    test_reassign.RESUMED,
    *test_discover.STEPS,
    *(step for step, _, _ in test_retrieve.CASES),
    *test_verify.READING,
    test_verify.SIZES,
    *test_copy.COPYING,
    *test_copy.MOVING,
    *test_reclaim.STEPS,
    *OF_THE_DOCTOR,
}


@pytest.mark.fault(1, 2, 3, 4, 5, 6, 7, 8, 9, 42)
def test_every_step_in_the_code_is_aimed_at():
    assert steps_in_the_code() == AIMED
