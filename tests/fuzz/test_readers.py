"""Whatever bytes a stranger sends or publishes, a reader answers, or refuses in its own words."""

import pytest

from tests.fuzz.attack import attack_target
from tests.fuzz.targets import SERVICE_TARGETS

NEVER_READ = {"xmp", "golden"}
"""What is written, not read, and pictures that are to differ from the graph's."""


@pytest.mark.parametrize("name", [name for name in SERVICE_TARGETS if name not in NEVER_READ])
def test_what_is_meant_is_read(name):
    target = SERVICE_TARGETS[name]
    refusals = [target.attack(content) for content in target.seeds()]
    assert "" in refusals, refusals


@pytest.mark.parametrize("name", SERVICE_TARGETS)
def test_a_reader_refuses_what_it_cannot_read_in_its_own_words(name):
    attack_target(SERVICE_TARGETS[name])
