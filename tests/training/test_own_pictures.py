import io
from typing import Any

import numpy as np
import pytest
from PIL import Image
from rich.console import Console

from foundation.store import FolderStore
from service.engine.devices import cpu_device
from service.engine.generator import Generator
from service.releases.golden import check_golden
from training.config import override
from training.evaluation.evaluate import evaluate_run
from training.evaluation.features import FASHION_FEATURES
from training.export.exporting import export_run
from training.export.publication import publish_run
from training.networks.probability import choose_probability
from training.presets import find_preset
from training.run.best import read_best
from training.run.folder import Run
from training.train import train


@pytest.mark.usefixtures("general_space_at_hand")
def test_a_folder_of_pictures_becomes_a_release_with_figures_from_the_part_held_out(tmp_path, monkeypatch):
    monkeypatch.setenv("GANYMEDE_PICTURES", str(tmp_path / "prepared"))
    (tmp_path / "pictures").mkdir()
    for index, pixels in enumerate(np.random.default_rng(0).integers(0, 256, (40, 20, 30, 3), np.uint8)):
        Image.fromarray(pixels).save(tmp_path / "pictures" / f"{index}.png")
    settings = ["size=16", "width=16", "batch_size=8", "epochs=1", "precision=float32", "held_out=0.25"]
    configuration = override(
        find_preset("modern").defaults, [f"data=folder:{tmp_path / 'pictures'}", *settings]
    )
    run, said = tmp_path / "run", io.StringIO()
    console = Console(file=said, width=500)
    outcome = train(configuration, run, data_folder=None, console=console)
    assert outcome.step == 4  # 30 pictures, 8 at a time
    chosen: Any = Run(run).read_configuration()
    assert chosen.augmentation == choose_probability(30) > 0
    measured = Run(run).read_stats()[-1]
    assert list(measured.figures) == ["fd_efficientnet_lite0_30_train"]
    assert read_best(Run(run)).value == measured.figures["fd_efficientnet_lite0_30_train"]
    assert min(measured.spread, measured.measuring_s) > 0
    assert "measured by: fd_efficientnet_lite0_30_train" in said.getvalue()
    assert "The pictures were measured once, in " in said.getvalue()
    export_run(run)
    figures = evaluate_run(run, features=FASHION_FEATURES, data_folder=None)
    assert np.isfinite(figures["fd_fashion_cnn_10"])
    store = FolderStore(tmp_path / "store")
    manifest = publish_run(run, store, name="mine", version="v1", licence="mine")
    assert (manifest.image.height, manifest.image.channels, manifest.label) == (16, 3, None)
    generator = Generator(manifest, store.read(manifest, "generator.onnx"), cpu_device(1))
    assert check_golden(manifest, generator, store.read(manifest, "golden.npy")).pixels_differing <= 1e-3
