"""The generators that `check_*.py` draw, each in any order of the tests once a worker."""

import pytest

from tests.exact.cases import SEEDS, Case, read_bundled
from tests.exact.graphs import conditional, feeds_of, place_small


@pytest.fixture(scope="session")
def fashion(tmp_path_factory):
    return read_bundled(tmp_path_factory.mktemp("fashion"), "fashion")


@pytest.fixture(scope="session")
def emoji(tmp_path_factory):
    return read_bundled(tmp_path_factory.mktemp("emoji"), "emoji")


@pytest.fixture(params=["fashion", "emoji"])
def bundled(request):
    return request.getfixturevalue(request.param)


@pytest.fixture(scope="session")
def small(tmp_path_factory):
    floats = conditional()
    exact = place_small(floats).model
    return Case(tmp_path_factory.mktemp("small"), "small", floats, exact, feeds_of(exact, SEEDS))
