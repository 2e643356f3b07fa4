"""What there is of NVIDIA's: card, driver, CUDA's libraries, and a TensorFlow that knows them.

TensorFlow finds no GPU without a word where one of these is missing. The driver is asked by its own library
(CUDA Driver API, https://docs.nvidia.com/cuda/cuda-driver-api/), which needs no toolkit.
"""

import ctypes
from contextlib import suppress
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path

import tensorflow as tf

DRIVER = "libcuda.so.1"
NAME_BYTES = 256
CAPABILITY_MAJOR, CAPABILITY_MINOR = 75, 76
"""CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR and _MINOR."""
LOWEST_CAPABILITY = (6, 0)
"""What TensorFlow's wheels are compiled for: https://www.tensorflow.org/install/gpu."""
PCI_DEVICES = Path("/sys/bus/pci/devices")
NVIDIA_VENDOR, DISPLAY_CLASS = "0x10de", "0x03"


@dataclass(frozen=True, slots=True)
class Card:
    """One GPU as the driver has it."""

    name: str
    memory_bytes: int
    capability: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Inspection:
    """What was found on this machine."""

    cards_on_the_bus: int = 0
    driver: bool = False
    """Its library is there."""
    driver_error: int = 0
    """What the driver said when it was asked to begin; 0 is success."""
    driver_cuda: tuple[int, int] = (0, 0)
    """The newest CUDA that the driver knows."""
    cards: tuple[Card, ...] = ()
    tensorflow_cuda: str = ""
    """The CUDA that TensorFlow was built with; empty for one without."""
    cuda_packages: bool = False
    """CUDA's libraries are installed beside TensorFlow, as `tensorflow[and-cuda]` does."""
    found: int = 0
    """By TensorFlow."""


def inspect_gpus() -> Inspection:
    """Look at bus, driver, packages and TensorFlow."""
    build = tf.sysconfig.get_build_info()
    seen = Inspection(
        cards_on_the_bus=count_cards(PCI_DEVICES),
        tensorflow_cuda=str(build.get("cuda_version", "")) if build.get("is_cuda_build") else "",
        cuda_packages=has_cuda_packages(),
        found=len(tf.config.list_physical_devices("GPU")),
    )
    try:
        driver = ctypes.CDLL(DRIVER)
    except OSError:
        return seen
    if error := driver.cuInit(0):
        return replace(seen, driver=True, driver_error=error)
    version = ctypes.c_int()
    driver.cuDriverGetVersion(ctypes.byref(version))
    knows = (version.value // 1000, version.value % 1000 // 10)
    return replace(seen, driver=True, driver_cuda=knows, cards=list_cards(driver))


def has_cuda_packages() -> bool:
    """Say whether NVIDIA's wheels of the CUDA runtime are installed."""
    with suppress(ModuleNotFoundError):
        return find_spec("nvidia.cuda_runtime") is not None
    return False


def count_cards(devices: Path) -> int:
    """Return how many display devices of NVIDIA's are on the bus, with a driver or without."""
    count = 0
    for device in devices.iterdir() if devices.is_dir() else ():
        with suppress(OSError):
            vendor, kind = ((device / name).read_text().strip() for name in ("vendor", "class"))
            count += vendor == NVIDIA_VENDOR and kind.startswith(DISPLAY_CLASS)
    return count


def list_cards(driver: ctypes.CDLL) -> tuple[Card, ...]:
    """Return the GPUs that the driver lists."""
    count = ctypes.c_int()
    driver.cuDeviceGetCount(ctypes.byref(count))
    return tuple(read_card(driver, index) for index in range(count.value))


def read_card(driver: ctypes.CDLL, index: int) -> Card:
    """Return what the driver says of a GPU."""
    device, memory = ctypes.c_int(), ctypes.c_size_t()
    name = ctypes.create_string_buffer(NAME_BYTES)
    major, minor = ctypes.c_int(), ctypes.c_int()
    driver.cuDeviceGet(ctypes.byref(device), index)
    driver.cuDeviceGetName(name, NAME_BYTES, device)
    driver.cuDeviceTotalMem_v2(ctypes.byref(memory), device)
    driver.cuDeviceGetAttribute(ctypes.byref(major), CAPABILITY_MAJOR, device)
    driver.cuDeviceGetAttribute(ctypes.byref(minor), CAPABILITY_MINOR, device)
    return Card(name.value.decode("utf-8", "replace"), memory.value, (major.value, minor.value))


def describe_gpus(inspection: Inspection) -> str:
    """Return `NVIDIA A10G, 24 GB, capability 8.6`, each GPU that TensorFlow trains on; empty for none."""
    cards = inspection.cards[: inspection.found]
    if not cards:
        return f"{inspection.found} GPU" if inspection.found else ""
    kinds = [
        f"{card.name}, {card.memory_bytes / 1e9:.0f} GB, capability {card.capability[0]}.{card.capability[1]}"
        for card in cards
    ]
    return " and ".join(
        kind if kinds.count(kind) == 1 else f"{kinds.count(kind)} × {kind}" for kind in dict.fromkeys(kinds)
    )


def explain_missing_gpu(inspection: Inspection) -> str:
    """Return why TensorFlow trains on no GPU, though there is one or one was promised; empty if it does."""
    if inspection.found:
        return ""
    if not inspection.driver:
        where = (
            f"{inspection.cards_on_the_bus} NVIDIA card(s) are on this machine's bus, but no driver"
            if inspection.cards_on_the_bus
            else "There is no NVIDIA driver"
        )
        return (
            f"{where} ({DRIVER} is missing). Install NVIDIA's driver, then nvidia-smi lists the card; in a "
            "container start it with --gpus all and NVIDIA's container toolkit on the host."
        )
    if inspection.driver_error:
        return (
            f"The NVIDIA driver is installed and does not start (CUDA error {inspection.driver_error}). Its "
            "kernel module is not loaded, or is of another version: restart the machine, and see what "
            "nvidia-smi says."
        )
    if not inspection.cards:
        return "The NVIDIA driver lists no card: see nvidia-smi, and CUDA_VISIBLE_DEVICES."
    if not inspection.tensorflow_cuda:
        return (
            f"There is {inspection.cards[0].name}, but this TensorFlow was built without CUDA. Install the "
            "extra training-gpu instead of training: make .venv/.gpu, or pip install "
            "'ganymede[training-gpu]' in a new virtual environment."
        )
    wanted = parse_version(inspection.tensorflow_cuda)
    if wanted > inspection.driver_cuda and wanted[0] > inspection.driver_cuda[0]:
        return (
            f"The NVIDIA driver knows CUDA {inspection.driver_cuda[0]}.{inspection.driver_cuda[1]}, and "
            f"TensorFlow needs {inspection.tensorflow_cuda}: install a newer driver."
        )
    oldest = min(card.capability for card in inspection.cards)
    if oldest < LOWEST_CAPABILITY:
        return (
            f"{inspection.cards[0].name} has compute capability {oldest[0]}.{oldest[1]}, and TensorFlow "
            f"needs {LOWEST_CAPABILITY[0]}.{LOWEST_CAPABILITY[1]} or more: train on the CPU or a newer card."
        )
    if not inspection.cuda_packages:
        return (
            "CUDA's libraries are not installed beside TensorFlow. Install the extra training-gpu: "
            "make .venv/.gpu, or pip install 'ganymede[training-gpu]'."
        )
    return (
        "Driver, CUDA and card are there, and TensorFlow finds no GPU all the same: run it with "
        "TF_CPP_MIN_LOG_LEVEL=0, and its log names the library that it could not load."
    )


def describe_inspection(inspection: Inspection) -> str:
    """Return what was found, as lines: what a person sends who asks why there is no GPU."""
    cuda = f"built with CUDA {inspection.tensorflow_cuda}" if inspection.tensorflow_cuda else "without CUDA"
    knows = ".".join(map(str, inspection.driver_cuda)) if inspection.driver else "no"
    cards = ", ".join(card.name for card in inspection.cards) or "none"
    found = describe_gpus(inspection) or "no GPU"
    return (
        f"cards on the bus: {inspection.cards_on_the_bus}; driver for CUDA: {knows}; its cards: {cards}\n"
        f"TensorFlow {tf.__version__}, {cuda}, finds: {found}\n{explain_missing_gpu(inspection)}"
    ).rstrip()


def parse_version(text: str) -> tuple[int, int]:
    """Return `12.5.1` as (12, 5)."""
    major, _, rest = text.partition(".")
    minor = rest.partition(".")[0]
    return int(major) if major.isdigit() else 0, int(minor) if minor.isdigit() else 0


if __name__ == "__main__":
    print(describe_inspection(inspect_gpus()))
