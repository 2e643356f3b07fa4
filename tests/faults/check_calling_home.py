"""Training, export and publication tell nobody of it."""

from pathlib import Path

import numpy as np

from tests.network_watch import NetworkWatch


def test_a_training_run_to_its_publication_asks_nobody(run_ganymede, tmp_path: Path) -> None:
    watch = NetworkWatch(tmp_path)
    images = np.random.default_rng(0).integers(0, 256, (128, 28, 28, 1), dtype=np.uint8)
    np.savez(tmp_path / "data.npz", images=images)
    run = tmp_path / "run"
    data, short = f"npz:{tmp_path / 'data.npz'}", ("epochs=1", "batch_size=32", "evaluation_epochs=0")
    wishes = [word for wish in short for word in ("--set", wish)]
    for arguments in (
        ("train", "--preset", "dcgan", "--data", data, "--run", run, *wishes),
        ("export", run),
        ("publish", run, "--name", "m", "--models", tmp_path / "models"),
    ):
        result = run_ganymede(*arguments, **watch.variables)
        assert result.returncode == 0, result.stderr
    assert watch.calls_away() == []
    assert watch.reports() == []
