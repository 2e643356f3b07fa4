"""Thousands of requests an operation, made from the API's own description."""

import hashlib

import pytest

from tests.conftest import run_server
from tests.faults.described_api import attack_described_api

KEY = "the-key-of-schemathesis"
CASES = 2000


@pytest.mark.timeout(3600)
def test_thousands_of_requests_made_from_the_description_find_nothing(tiny_store, tmp_path):
    with run_server(tiny_store, tmp_path, "--default-model", "grey", "--ui", "off") as server:
        attack_described_api(server, cases=CASES, seed=2)


@pytest.mark.timeout(3600)
def test_no_operation_lets_a_request_through_without_its_key(tiny_store, tmp_path):
    keys = f"schemathesis:{hashlib.sha256(KEY.encode()).hexdigest()}"
    with run_server(
        tiny_store,
        tmp_path,
        "--default-model",
        "grey",
        "--ui",
        "off",
        GANYMEDE_API_KEYS=keys,
        GANYMEDE_WRONG_KEYS_PER_MINUTE="1000000",
    ) as server:
        attack_described_api(server, cases=CASES // 4, seed=3, key=KEY)
