"""What is said where TensorFlow finds no GPU: found out by inspections made up here."""

from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from training.config import override
from training.data import Pictures, batches
from training.errors import ConfigurationError
from training.launch.gpus import (
    Card,
    Inspection,
    count_cards,
    describe_gpus,
    describe_inspection,
    explain_missing_gpu,
    inspect_gpus,
)
from training.launch.rewrites import choose_compiler, wants_xla
from training.presets import find_preset
from training.shape import PictureShape

A10G = Card("NVIDIA A10G", 24_000_000_000, (8, 6))
WORKING: dict[str, Any] = {
    "driver": True,
    "driver_cuda": (12, 8),
    "cards": (A10G,),
    "tensorflow_cuda": "12.5.1",
}


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (Inspection(), "There is no NVIDIA driver (libcuda.so.1 is missing). Install NVIDIA's driver"),
        (Inspection(cards_on_the_bus=2), "2 NVIDIA card(s) are on this machine's bus, but no driver"),
        (Inspection(driver=True, driver_error=803), "does not start (CUDA error 803)"),
        (Inspection(driver=True, driver_cuda=(12, 4)), "lists no card: see nvidia-smi, and CUDA_VISIBLE"),
        (
            Inspection(driver=True, driver_cuda=(12, 4), cards=(A10G,)),
            "There is NVIDIA A10G, but this TensorFlow was built without CUDA. Install",
        ),
        (
            Inspection(**WORKING | {"driver_cuda": (11, 4)}),
            "knows CUDA 11.4, and TensorFlow needs 12.5.1: install a newer driver",
        ),
        (
            Inspection(**WORKING | {"cards": (Card("Tesla K80", 12_000_000_000, (3, 7)),)}),
            "Tesla K80 has compute capability 3.7, and TensorFlow needs 6.0",
        ),
        (Inspection(**WORKING), "CUDA's libraries are not installed beside TensorFlow"),
        (Inspection(**WORKING, cuda_packages=True), "TF_CPP_MIN_LOG_LEVEL=0"),
    ],
)
def test_what_is_missing_is_named_with_what_to_do(found, words):
    assert words in explain_missing_gpu(found)


def test_a_gpu_that_is_found_is_named_with_its_memory():
    found = Inspection(**WORKING, cuda_packages=True, found=1)
    assert explain_missing_gpu(found) == ""
    assert describe_gpus(found) == "NVIDIA A10G, 24 GB, capability 8.6"
    assert describe_gpus(Inspection()) == ""


def test_this_machine_is_inspected_without_an_error():
    found = inspect_gpus()
    assert bool(explain_missing_gpu(found)) == (found.found == 0)
    assert "cards on the bus: " in describe_inspection(found)


def test_cards_are_counted_on_the_bus(tmp_path):
    cards = {"a": ("0x10de", "0x030200"), "b": ("0x10de", "0x040300"), "c": ("0x8086", "0x03")}
    for name, (vendor, kind) in cards.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "vendor").write_text(f"{vendor}\n")
        (tmp_path / name / "class").write_text(f"{kind}\n")
    (tmp_path / "broken").mkdir()
    assert count_cards(tmp_path) == 1
    assert count_cards(tmp_path / "none") == 0


def test_batches_are_copied_to_the_one_gpu_and_are_the_same(monkeypatch):
    """The CPU stands for it, and its small set is held in memory."""
    pictures = Pictures(
        np.arange(4 * 64, dtype=np.uint8).reshape(4, 8, 8, 1), np.arange(4), PictureShape(size=8, channels=1)
    )
    plain = list(batches.epoch_batches(pictures, 2, 10, seed=1))
    monkeypatch.setattr(batches, "find_device", lambda: "/CPU:0")
    copied = list(batches.epoch_batches(pictures, 2, 10, seed=1))
    assert len(copied) == len(plain) == 2
    for (images, labels), (expected, of) in zip(copied, plain, strict=True):
        np.testing.assert_array_equal(images, expected)
        np.testing.assert_array_equal(labels, of)
    assert batches.hold_small(pictures) is pictures
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda _: ["GPU"])
    held = batches.hold_small(pictures)
    assert not np.shares_memory(held.images, pictures.images)
    np.testing.assert_array_equal(held.images, pictures.images)
    monkeypatch.setattr(batches, "HELD_BYTES", 100)
    assert batches.hold_small(pictures) is pictures


def test_xla_compiles_on_gpus_alone(monkeypatch):
    configuration = find_preset("modern").defaults
    assert not wants_xla(configuration)
    with pytest.raises(ConfigurationError, match="xla=true is for GPUs"):
        choose_compiler(override(configuration, ["xla=true"]))
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda _: ["GPU"])
    assert wants_xla(configuration)
    assert not wants_xla(override(configuration, ["xla=false"]))
