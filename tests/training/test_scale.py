"""Several devices that train together lose what one loses; processes: `tests/faults/check_scale.py`."""

import subprocess
import sys

import numpy as np
import pytest

from tests.conftest import REPOSITORY
from training.config import override
from training.errors import ConfigurationError
from training.launch.devices import distribute_step
from training.presets import find_preset

LIMIT_S = 600


class Two:
    num_replicas_in_sync = 2


def assert_two_devices_lose_what_one_loses(preset):
    done = subprocess.run(
        [sys.executable, "-m", "tests.training.two_devices", preset],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    one, two = (np.array(line.split(), float) for line in done.stdout.splitlines()[-2:])
    np.testing.assert_allclose(two, one, rtol=1e-3)


@pytest.mark.timeout(LIMIT_S)
def test_two_devices_lose_what_one_loses():
    assert_two_devices_lose_what_one_loses("dcgan")


def test_a_batch_that_cannot_be_split_evenly_is_refused():
    configuration = override(find_preset("dcgan").defaults, ["batch_size=61"])
    with pytest.raises(ConfigurationError, match=r"batch_size=61 .* choose a multiple of 2"):
        distribute_step(Two(), None, configuration)


def test_a_preset_of_one_device_says_so():
    with pytest.raises(ConfigurationError, match=r"'chollet' trains on one device, not on 2"):
        distribute_step(Two(), None, find_preset("chollet").defaults)
