"""A run folder without a training: the files that a run of a few epochs leaves, small and at once."""

import json

import numpy as np
from PIL import Image

from training.config import override
from training.presets import find_preset
from training.run.folder import Run
from training.run.stats import EpochStats
from training.shape import FASHION_MNIST_SHAPE

FIGURE = "fd_fashion_cnn_5k_train"


def make_run(folder, epochs=8, data="fashion-mnist"):
    """Write configuration, stats with a figure every other epoch, and grids."""
    run = Run(folder)
    run.start(
        override(
            find_preset("modern").defaults,
            [f"epochs={epochs}", f"data={data}", "learning_rate=0.002", "batch_size=64"],
        ),
        FASHION_MNIST_SHAPE,
    )
    run.write_stats([describe_epoch(epoch) for epoch in range(1, epochs + 1)])
    random = np.random.default_rng(0)
    for epoch in range(1, epochs + 1):
        Image.fromarray(random.integers(0, 255, (59, 59), np.uint8)).save(run.sample_path(epoch))
    return run


def describe_epoch(epoch):
    return EpochStats(
        epoch=epoch,
        step=100 * epoch,
        images=6400,
        seconds=500,
        images_per_s=12.8,
        generator_loss=2 / epoch,
        discriminator_loss=0.5,
        figures={FIGURE: 10 / epoch} if epoch % 2 == 0 else {},
    )


def add_release(run):
    """Write what export, evaluate and publish leave."""
    run.export_folder.mkdir()
    comparison = {"max_float_difference": 6.7e-06}
    export = {"sha256": "ab", "epochs": 6, "versions": {"keras": "3.15.1"}, "comparison": comparison}
    export |= {"width": 28, "height": 28, "channels": 1}
    run.export_report_path.write_text(json.dumps(export))
    figures = {"fd_fashion_cnn_10k": 0.2006, "fd_fashion_cnn_10k_real": 0.0209}
    run.figures_path.write_text(json.dumps({"sha256": "ab", "figures": figures}))
    line = {"name": "fashion", "version": "v3", "created_at": "2026-11-22T05:00:00+00:00"}
    run.publications_path.write_text(json.dumps({**line, "store": "s3://models", "epochs": 6}) + "\n")
