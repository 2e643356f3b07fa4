"""Thousands of requests an operation, made from the API's own description."""

import pytest

from tests.conftest import run_server
from tests.faults.described_api import KEY, attack_described_api, run_described_server

CASES = 2000
LIMIT_S = 6 * 3600
"""Two cores of their own take well under an hour; the limit only ends what hangs."""


@pytest.mark.timeout(LIMIT_S)
def test_thousands_of_requests_made_from_the_description_find_nothing(tiny_store, tmp_path):
    with run_server(tiny_store, tmp_path, "--default-model", "grey", "--ui", "off") as server:
        attack_described_api(server, cases=CASES, seed=2)


@pytest.mark.timeout(LIMIT_S)
def test_no_operation_lets_a_request_through_without_its_key(tiny_store, tmp_path):
    with run_described_server(tiny_store, tmp_path) as server:
        attack_described_api(server, cases=CASES // 4, seed=3, key=KEY)
