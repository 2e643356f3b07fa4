"""The memory a run takes: estimated near what was measured, and refused in words where it is not there."""

import pytest

from tests.training.conftest import train_quietly
from training.config import override
from training.errors import ConfigurationError
from training.launch import memory
from training.launch.memory import estimate_bytes, read_cgroups, require_memory
from training.presets import find_preset
from training.shape import PictureShape


def shape(size):
    return PictureShape(size=size, channels=3, class_names=("a", "b"))


@pytest.mark.parametrize(
    ("size", "batch_size", "width", "measured_gb"),
    [(32, 64, 128, 1.27), (64, 64, 128, 2.05), (128, 64, 128, 4.94), (64, 64, 256, 2.41)],
)
def test_the_estimate_is_near_the_peaks_that_were_measured(size, batch_size, width, measured_gb):
    configuration = override(find_preset("modern").defaults, [f"batch_size={batch_size}", f"width={width}"])
    assert estimate_bytes(configuration, shape(size)) == pytest.approx(measured_gb * 1e9, rel=0.3)


def test_the_estimate_of_residual_networks_is_near_theirs():
    configuration = override(find_preset("modern").defaults, ["residual=true", "batch_size=16"])
    assert estimate_bytes(configuration, shape(256)) == pytest.approx(5.29e9, rel=0.3)


def test_the_estimate_of_dcgan_is_too():
    grey = PictureShape(size=28, channels=1)
    assert estimate_bytes(find_preset("dcgan").defaults, grey) == pytest.approx(1.17e9, rel=0.3)


def test_a_run_that_does_not_fit_is_refused_with_what_would_and_no_folder_is_made(tmp_path, monkeypatch):
    monkeypatch.setenv("GANYMEDE_TRAINING_MEMORY_GB", "3")
    configuration = override(find_preset("modern").defaults, ["batch_size=512", "evaluation_epochs=0"])
    with pytest.raises(ConfigurationError, match=r"take about .* GB, and 3\.0 GB are all") as refusal:
        require_memory(configuration, shape(64))
    fitting = int(str(refusal.value).split("batch_size=")[1].split(",")[0])
    assert 64 < fitting < 512
    require_memory(override(configuration, [f"batch_size={fitting}"]), shape(64))
    require_memory(configuration, shape(64), replicas=8)
    monkeypatch.setenv("GANYMEDE_TRAINING_MEMORY_GB", "0.5")
    with pytest.raises(ConfigurationError, match="GANYMEDE_TRAINING_MEMORY_GB"):
        train_quietly(configuration, tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("given", ["much", "0", "-1", "nan", "inf"])
def test_a_wrong_override_names_itself(monkeypatch, given):
    monkeypatch.setenv("GANYMEDE_TRAINING_MEMORY_GB", given)
    with pytest.raises(ConfigurationError, match=f"MEMORY_GB={given}: write a number of GB"):
        require_memory(find_preset("modern").defaults, shape(32))


def test_the_least_of_machine_and_container_counts(tmp_path, monkeypatch):
    for name, text in (("none", "max\n"), ("some", "2000000000\n")):
        (tmp_path / name).write_text(text)
    paths = [tmp_path / "gone", tmp_path / "none", tmp_path / "some"]
    assert read_cgroups(paths) == [2_000_000_000]
    monkeypatch.setattr(memory, "CGROUP_LIMITS", paths)
    monkeypatch.delenv("GANYMEDE_TRAINING_MEMORY_GB", raising=False)
    assert memory.read_limit() == 2_000_000_000
