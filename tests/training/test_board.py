import io

import numpy as np
import tensorflow as tf
from PIL import Image
from tensorflow.core.util.event_pb2 import Event

from tests.training.run_folders import FIGURE, describe_epoch
from training.run.board import Board


def read_values(folder):
    """(tag, step, plugin, value) of all event files in `folder`."""
    records = tf.data.TFRecordDataset([str(path) for path in sorted(folder.iterdir())])
    for record in records.as_numpy_iterator():
        event = Event.FromString(record)
        for value in event.summary.value:
            yield value.tag, event.step, value.metadata.plugin_data.plugin_name, tf.make_ndarray(value.tensor)


def test_event_files_hold_the_curves_and_the_grids_as_tensorboard_reads_them(tmp_path):
    board = Board(tmp_path / "events")
    picture = tmp_path / "grid.png"
    Image.fromarray(np.full((7, 9), 200, np.uint8)).save(picture)
    board.write_stats(describe_epoch(1))
    board.write_stats(describe_epoch(2))
    board.write_grid(picture, 200)
    values = list(read_values(tmp_path / "events"))
    losses = [(step, float(value)) for tag, step, _, value in values if tag == "loss/generator"]
    assert losses == [(100, 2.0), (200, 1.0)]
    assert [step for tag, step, _, _ in values if tag == f"distance/{FIGURE}"] == [200]
    assert {plugin for tag, _, plugin, _ in values if tag != "samples"} == {"scalars"}
    ((_, step, plugin, grid),) = [value for value in values if value[0] == "samples"]
    assert (step, plugin) == (200, "images")
    assert (grid[0], grid[1]) == (b"9", b"7")
    assert Image.open(io.BytesIO(grid[2])).size == (9, 7)
