"""What computes here: the processor and those of its instruction sets that decide how float sums round."""

import platform
import re
from pathlib import Path

from foundation.manifest import RecordedOn
from foundation.onnx_runtime import onnxruntime

_NAMES = {
    "sse4_1": "sse4.1",
    "avx": "avx",
    "avx2": "avx2",
    "fma": "fma",
    "avx512f": "avx512f",
    "avx512_vnni": "avx512_vnni",
    "avx512_bf16": "avx512_bf16",
    "amx_bf16": "amx_bf16",
    "asimd": "neon",
    "sve": "sve",
}
"""Linux's names, and ours. ONNX Runtime chooses its kernels by these; each sums in an order of its own."""

CPUINFO = Path("/proc/cpuinfo")
_MAX_READ = 65_536
"""More than the lines of one processor, which come first; a machine may have hundreds."""
_MAX_MODEL = 120


def read_instruction_sets(cpuinfo: Path = CPUINFO) -> tuple[str, ...]:
    """The architecture, and the instruction sets that decide how sums round, as far as the system tells."""
    found = set(_field(_read(cpuinfo), "flags", "Features").split())
    return (platform.machine(), *(ours for theirs, ours in _NAMES.items() if theirs in found))


def describe_processor(cpuinfo: Path = CPUINFO) -> str:
    """The processor's model and its instruction sets, without a word on which machine it is in.

    At most 300 printable characters of ASCII; outside Linux the architecture alone.
    """
    model = re.sub(r"[^ -~]", "?", _field(_read(cpuinfo), "model name"))[:_MAX_MODEL]
    return " ".join([*model.split(), *read_instruction_sets(cpuinfo)])


def recorded_here() -> RecordedOn:
    """This machine, for the golden check of a release that is made on it."""
    return RecordedOn(processor=describe_processor(), onnxruntime=onnxruntime.__version__)


def _read(cpuinfo: Path) -> str:
    try:
        with cpuinfo.open("rb") as file:
            return file.read(_MAX_READ).decode(errors="replace")
    except OSError:
        return ""


def _field(text: str, *names: str) -> str:
    """The value of the first line `NAME : VALUE` of any of the names, empty where there is none."""
    found = re.search(rf"^(?:{'|'.join(names)})[ \t]*:(.*)$", text, re.MULTILINE)
    return found[1].strip() if found else ""
