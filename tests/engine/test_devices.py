"""Which device is chosen where ONNX Runtime was built with CUDA, with and without a GPU."""

import pytest

from foundation.onnx_runtime import onnxruntime
from service.engine import devices
from service.engine.devices import DeviceMissing, choose_device, has_gpu

BUILT_WITH_CUDA = ["CUDAExecutionProvider", "CPUExecutionProvider"]


@pytest.fixture
def cuda_build(monkeypatch):
    """ONNX Runtime as onnxruntime-gpu has it; it cannot be installed beside the other one."""
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: BUILT_WITH_CUDA)


def choose(wanted, precision="exact"):
    return choose_device(wanted, threads=1, max_batch_images=32, precision=precision)


def test_auto_is_the_cpu_where_cuda_is_installed_but_no_gpu_answers(cuda_build, monkeypatch):
    monkeypatch.setattr(devices, "has_gpu", lambda: False)
    assert choose("auto").name == "cpu"


def test_auto_is_cuda_where_a_gpu_answers(cuda_build, monkeypatch):
    monkeypatch.setattr(devices, "has_gpu", lambda: True)
    assert choose("auto").name == "cuda"


def test_a_named_gpu_that_does_not_answer_stops_the_start_with_what_to_do(cuda_build, monkeypatch):
    monkeypatch.setattr(devices, "has_gpu", lambda: False)
    with pytest.raises(DeviceMissing, match=r"no NVIDIA GPU answers here.*--gpus all"):
        choose("cuda")


def test_a_named_gpu_without_its_packages_stops_the_start_with_what_to_install(monkeypatch):
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["CPUExecutionProvider"])
    with pytest.raises(DeviceMissing, match=r"ganymede\[gpu\]"):
        choose("tensorrt")


def test_no_gpu_answers_where_its_driver_cannot_be_loaded(monkeypatch):
    monkeypatch.setattr(devices, "_DRIVER", "libnothing-of-this-name.so.1")
    assert not has_gpu()


def test_no_gpu_answers_where_the_driver_is_another_library(monkeypatch):
    monkeypatch.setattr(devices, "_DRIVER", "libc.so.6")
    assert not has_gpu()


@pytest.mark.parametrize("wanted", ["auto", "cpu"])
def test_fast_means_nothing_on_a_cpu_and_stops_the_start(wanted, cuda_build, monkeypatch):
    monkeypatch.setattr(devices, "has_gpu", lambda: False)
    with pytest.raises(DeviceMissing, match=rf"PRECISION=fast.*DEVICE={wanted} this is the CPU.*Leave"):
        choose(wanted, "fast")


def test_fast_lets_a_gpu_round_more(cuda_build, monkeypatch):
    monkeypatch.setattr(devices, "has_gpu", lambda: True)
    monkeypatch.setattr(onnxruntime, "preload_dlls", lambda: None)
    chosen = {precision: dict(choose("cuda", precision).providers) for precision in ("exact", "fast")}
    assert [chosen[each]["CUDAExecutionProvider"]["use_tf32"] for each in ("exact", "fast")] == [0, 1]
