"""A real run on 600 real pictures, trained once for all tests of this folder."""

import copy
import io
import os
from dataclasses import dataclass
from pathlib import Path

import pytest
from rich.console import Console

from training.config import Configuration, override
from training.presets import find_preset

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # read when TensorFlow is first imported

DATA_FOLDER = Path(__file__).parents[1] / "data" / "fashion-mnist"


def describe_small_run() -> Configuration:
    """Two epochs of ten batches, in the precision that every machine has."""
    return override(
        find_preset("dcgan").defaults,
        ["batch_size=60", "epochs=2", "learning_rate=2e-4", "precision=float32"],
    )


def pytest_collection_modifyitems(items):
    """One worker has TensorFlow and the runs that many tests look at; the largest group begins first."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.xdist_group("training"))


@pytest.fixture(scope="session")
def small_configuration() -> Configuration:
    return describe_small_run()


def train_quietly(configuration, folder, *, data_folder=DATA_FOLDER, console=None, **options):
    """Train in this process, with nobody to watch but the console, if one is given; how it ended."""
    from training.train import train

    return train(
        configuration,
        folder,
        data_folder=data_folder,
        console=console or Console(file=io.StringIO()),
        **options,
    )


@pytest.fixture
def without_tracing():
    """Compute steps at once: to trace one costs more than a hundred small ones. Whole runs are traced."""
    import tensorflow as tf

    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


@pytest.fixture
def begin_again():
    """What takes a GAN back to its `beginning`, a saved state of it: to build one costs more than a step."""
    from training.run.checkpoints import Checkpoints

    def begin(gan, beginning):
        assert Checkpoints(beginning, gan, kept=1).restore()
        return copy.copy(gan)  # what a test sets on it is not there for the next

    return begin


@pytest.fixture(scope="session")
def garments():
    """The first fifty garments, float32 (50, 28, 28, 1), and their classes (50,)."""
    import tensorflow as tf

    from training.data import load_pictures, scale_pixels

    pictures = load_pictures("fashion-mnist", DATA_FOLDER)
    return scale_pixels(pictures.images[:50]), tf.constant(pictures.labels[:50])


@dataclass(frozen=True)
class TrainedRun:
    folder: Path
    output: str


@pytest.fixture(scope="session")
def trained_run(tmp_path_factory, small_configuration) -> TrainedRun:
    folder = tmp_path_factory.mktemp("trained") / "run"
    output = io.StringIO()
    outcome = train_quietly(small_configuration, folder, console=Console(file=output))
    assert not outcome.interrupted
    return TrainedRun(folder, output.getvalue())


@pytest.fixture(scope="session")
def general_network(tmp_path_factory):
    """EfficientNet-lite0, made once of all tests into a cache of its own, which they then use."""
    from training.evaluation.features import FeatureNetwork
    from training.evaluation.spaces import general_space

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GANYMEDE_PICTURES", str(tmp_path_factory.mktemp("spaces")))
        return FeatureNetwork(general_space(32))


@pytest.fixture
def general_space_at_hand(general_network, monkeypatch):
    """What measures any pictures, wherever the cache of prepared pictures lies."""
    from training.evaluation import evaluate, spaces

    for module in (spaces, evaluate):
        monkeypatch.setattr(module, "general_space", lambda side: general_network.path)


@pytest.fixture
def small_general_space(tmp_path, monkeypatch):
    """In the place of EfficientNet-lite0 a network that takes no time: the pixels at 8x8."""
    from tests.training.test_features import flat_pixels, write_network
    from training.evaluation import evaluate

    path = write_network(tmp_path / "general.onnx", ["n", 1, 8, 8], flat_pixels())
    monkeypatch.setattr(evaluate, "general_space", lambda side: path)
