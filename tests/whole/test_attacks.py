"""What `python -m benchmarks.attacks` concludes; the attacks themselves are tried by `make faults`."""

import pytest

from benchmarks.attacks.__main__ import Row, write_table
from benchmarks.attacks.others import Waited


def waited(*milliseconds, failed=0):
    return Waited(tuple(each / 1000 for each in milliseconds), failed)


def test_of_a_hundred_one_may_wait_longer():
    assert waited(*[1] * 99, 50).p99_s == 0.05
    assert waited(*[1] * 198, 50, 50).p99_s == 0.05
    assert waited(*[1] * 200, 50).p99_s == 0.001


def test_a_row_says_how_much_longer_others_wait_and_who_was_not_answered():
    row = Row("hang-ups", waited(*[2] * 200), waited(*[3] * 100, failed=1))
    assert row.ratio == pytest.approx(1.5)
    assert write_table([row]).splitlines()[-1].endswith("| 2.0 | 3.0 | 1.50 | 100 | 1 |")


def test_where_nobody_is_answered_the_wait_is_endless():
    assert Row("hang-ups", waited(2), waited(failed=9)).ratio == float("inf")
