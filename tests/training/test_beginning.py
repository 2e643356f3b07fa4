"""A run that is refused, for whatever reason, leaves its folder as it was: without one, or as it stopped."""

from types import MappingProxyType

import pytest

from tests.training.conftest import train_quietly
from tests.training.toy_preset import TOY
from training import presets
from training.config import override
from training.errors import TrainingProblem
from training.launch.origin import Origin
from training.presets import PRESETS

EVERY = ["batch_size=300", "precision=float32", "evaluation_epochs=0", "epochs=1"]


@pytest.fixture(scope="module", autouse=True)
def toy():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(presets, "PRESETS", MappingProxyType({**PRESETS, TOY.name: TOY}))
        yield


def look(folder):
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*")}


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (["patience=3"], "patience=3 ends a run by its figure, and this one has none"),
        (["evaluation_epochs=1", "features=nowhere.onnx"], "nowhere.onnx"),
        (["xla=true"], "xla=true is for GPUs"),
        (["precision=mixed_float16"], "does not scale its losses"),
        (["data=folder:nowhere"], "nowhere"),
        (["--from"], "Nothing of other@v1 fits"),
    ],
)
def test_a_run_that_is_refused_writes_nothing(tmp_path, settings, words):
    options = {"origin": Origin("other@v1", {}, ())} if settings == ["--from"] else {}
    asked = override(TOY.defaults, [*EVERY, *(setting for setting in settings if "=" in setting)])
    with pytest.raises(TrainingProblem, match=words):
        train_quietly(asked, tmp_path / "runs" / "new", **options)
    assert not (tmp_path / "runs").exists()


def test_a_run_that_may_not_go_on_stays_as_it_stopped(tmp_path):
    train_quietly(override(TOY.defaults, EVERY), tmp_path)
    before = look(tmp_path)
    for settings in (["patience=3"], ["seed=1"], ["evaluation_epochs=1", "features=nowhere.onnx"]):
        with pytest.raises(TrainingProblem):
            train_quietly(override(TOY.defaults, [*EVERY, *settings, "epochs=2"]), tmp_path)
    assert look(tmp_path) == before
