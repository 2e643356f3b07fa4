"""Which device the graphs run on, and what it wants from us."""

import ctypes
from dataclasses import dataclass, replace
from typing import Any, Literal

from foundation.errors import GanymedeError
from foundation.onnx_runtime import onnxruntime

Precision = Literal["exact", "fast"]
Provider = tuple[str, dict[str, Any]]


class DeviceMissing(GanymedeError):
    """A device, or what only a device can do, was asked for that is not there; nothing stands in for it."""

    code = "device-missing"


@dataclass(frozen=True, slots=True)
class Device:
    """An execution provider of ONNX Runtime, and the batch sizes that it is given."""

    name: Literal["cpu", "cuda", "tensorrt"]
    providers: tuple[Provider, ...]
    batch_sizes: tuple[int, ...] = ()
    """Batches are filled up to the next of these, so that a GPU sees few shapes; empty: any size runs."""
    threads: int = 1
    precision: Precision = "exact"


_CPU: Provider = ("CPUExecutionProvider", {})
_DRIVER = "libcuda.so.1"


def choose_device(
    wanted: str, *, threads: int, max_batch_images: int, precision: Precision = "exact"
) -> Device:
    """The device that `auto`, `cpu`, `cuda` or `tensorrt` means; `auto` is CUDA where it is, else the CPU.

    On the CPU there is no arithmetic that is faster and good enough, so that `fast` names a GPU's.

    Raises:
        DeviceMissing: a named device is not there, or `fast` was asked for and the device is the CPU.
    """
    available = onnxruntime.get_available_providers()
    fast = precision == "fast"
    cuda: Provider = (
        "CUDAExecutionProvider",
        {"cudnn_conv_algo_search": "EXHAUSTIVE", "use_tf32": int(fast)},
    )
    if wanted in ("cuda", "tensorrt") or (wanted == "auto" and cuda[0] in available and has_gpu()):
        tensorrt: Provider = ("TensorrtExecutionProvider", {"trt_fp16_enable": fast})
        providers = (tensorrt, cuda) if wanted == "tensorrt" else (cuda,)
        missing = [name for name, _ in providers if name not in available]
        if missing:
            raise DeviceMissing(
                f"GANYMEDE_DEVICE={wanted}, but this ONNX Runtime has no {missing[0]} (it has "
                f"{', '.join(available)}). Install ganymede[gpu] instead of ganymede[service] on a machine "
                "with an NVIDIA GPU, or choose cpu."
            )
        if not has_gpu():
            raise DeviceMissing(
                f"GANYMEDE_DEVICE={wanted}, but no NVIDIA GPU answers here: its driver ({_DRIVER}) is "
                "missing or sees no device. Give the container one (docker run --gpus all), or choose cpu."
            )
        onnxruntime.preload_dlls()  # CUDA and cuDNN from the nvidia-* wheels
        name: Literal["cuda", "tensorrt"] = "tensorrt" if wanted == "tensorrt" else "cuda"
        return Device(name, (*providers, _CPU), _batch_sizes(max_batch_images), threads, precision)
    if fast:
        raise DeviceMissing(
            f"GANYMEDE_PRECISION=fast lets a GPU round more, and with DEVICE={wanted} this is the CPU, "
            "which has nothing faster that is good enough. Leave GANYMEDE_PRECISION out, or run on a GPU."
        )
    return cpu_device(threads)


def exact_device(device: Device) -> Device:
    """`device` as a release of exact arithmetic is run on it: in float32, by sums of products.

    TF32 and float16 round what goes in, and Winograd's and Fourier's ways to a convolution round on the way:
    cuDNN's default is a plain product of matrices, and TensorRT, which chooses for itself, is left out.
    """
    if device.name == "cpu":
        return device
    options = {"cudnn_conv_algo_search": "DEFAULT", "use_tf32": 0}
    providers: tuple[Provider, ...] = (("CUDAExecutionProvider", options), _CPU)
    return replace(device, name="cuda", providers=providers, precision="exact")


def has_gpu() -> bool:
    """Whether NVIDIA's driver finds a device; ONNX Runtime lists CUDA wherever it was built with it."""
    try:
        return int(ctypes.CDLL(_DRIVER).cuInit(0)) == 0  # CUDA_SUCCESS
    except (OSError, AttributeError):
        return False


def cpu_device(threads: int) -> Device:
    """The CPU with so many threads."""
    return Device("cpu", (_CPU,), threads=threads)


def _batch_sizes(limit: int) -> tuple[int, ...]:
    """1, 4, 16, 64, … up to `limit`, which is the last."""
    sizes = [1]
    while sizes[-1] * 4 < limit:
        sizes.append(sizes[-1] * 4)
    return (*sizes, limit) if limit > 1 else (1,)
