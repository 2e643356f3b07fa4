"""Every attack of `python -m benchmarks.attacks`, for a moment each: others are answered."""

import pytest

from benchmarks.attacks.__main__ import compare
from benchmarks.attacks.attackers import ATTACKS
from tests.conftest import run_server


@pytest.fixture(scope="module")
def attacked(tiny_store, tmp_path_factory):
    with run_server(tiny_store, tmp_path_factory.mktemp("attacked"), "--default-model", "grey") as server:
        yield server


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", ATTACKS)
def test_others_are_answered_under_each_attack(attacked, name):
    row = compare(name, attacked.url, seconds=3)
    assert row.during.answers_s
    assert row.during.failed == 0
    assert attacked.process.poll() is None
    assert "Traceback" not in attacked.log.read_text()
