"""All that is fuzzed, by name: by Hypothesis in the test suite, and for minutes by `make fuzz`."""

from collections.abc import Iterable

from tests.fuzz.bodies import BODY_TARGETS
from tests.fuzz.releases import RELEASE_TARGETS
from tests.fuzz.target import Target

DATA_NAMES = ("idx", "idx-gzipped", "npz", "picture")
"""What reads training data: it takes TensorFlow's seconds to import."""


def by_name(targets: Iterable[Target]) -> dict[str, Target]:
    """The targets under their names."""
    return {target.name: target for target in targets}


SERVICE_TARGETS = by_name((*BODY_TARGETS, *RELEASE_TARGETS))
NAMES = (*SERVICE_TARGETS, *DATA_NAMES)


def find_target(name: str) -> Target:
    """The target of that name."""
    if name in SERVICE_TARGETS:
        return SERVICE_TARGETS[name]
    from tests.fuzz.data import DATA_TARGETS

    return by_name(DATA_TARGETS)[name]
