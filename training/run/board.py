"""TensorBoard's event files: the curves and the grids, written without TensorBoard installed."""

from pathlib import Path

import tensorflow as tf
from PIL import Image
from tensorflow.core.framework.summary_pb2 import DATA_CLASS_BLOB_SEQUENCE, DATA_CLASS_SCALAR, SummaryMetadata

from training.run.stats import EpochStats

SCALARS, IMAGES = "scalars", "images"


class Board:
    """An event file in `folder`, begun with the first value; `tensorboard --logdir` shows it."""

    def __init__(self, folder: Path) -> None:
        self._writer = tf.summary.create_file_writer(str(folder))

    def write_stats(self, stats: EpochStats) -> None:
        """Write the figures of an epoch, over batches."""
        values = {
            "loss/generator": stats.generator_loss,
            "loss/discriminator": stats.discriminator_loss,
            **({} if stats.images_per_s is None else {"speed/images_per_s": stats.images_per_s}),
            **{f"distance/{name}": value for name, value in stats.figures.items()},
        }
        metadata = describe(SCALARS, DATA_CLASS_SCALAR)
        with self._writer.as_default(step=stats.step):
            for name, value in values.items():
                tf.summary.write(name, tf.constant(value, tf.float32), metadata=metadata)
        self._writer.flush()

    def write_grid(self, path: Path, step: int) -> None:
        """Write the picture in a PNG file as that after `step` batches."""
        with Image.open(path) as picture:
            width, height = picture.size
        content = [str(width).encode(), str(height).encode(), path.read_bytes()]
        with self._writer.as_default(step=step):
            metadata = describe(IMAGES, DATA_CLASS_BLOB_SEQUENCE)
            tf.summary.write("samples", tf.constant(content), metadata=metadata)
        self._writer.flush()


def describe(plugin: str, data_class: int) -> SummaryMetadata:
    """Return what tells TensorBoard which of its plugins shows a value."""
    return SummaryMetadata(plugin_data=SummaryMetadata.PluginData(plugin_name=plugin), data_class=data_class)
