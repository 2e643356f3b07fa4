import pytest
import tensorflow as tf

from training.networks import precision
from training.networks.precision import choose_precision, cpu_flags


@pytest.fixture
def cpu(tmp_path, monkeypatch):
    """Pretend a CPU with these flags, and no GPU."""

    def pretend(flags):
        path = tmp_path / "cpuinfo"
        path.write_text(f"model name : some\nflags\t\t: {flags}\n\nmodel name : other\nflags\t\t: x\n")
        monkeypatch.setattr(precision, "CPU_INFORMATION", path)
        monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: [])
        monkeypatch.delenv("TF_ENABLE_ONEDNN_OPTS", raising=False)
        return path

    return pretend


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ("fpu amx_bf16", "mixed_bfloat16"),
        ("avx512_bf16 sse", "mixed_bfloat16"),
        ("fpu avx512f", "float32"),
        ("", "float32"),
    ],
)
def test_bfloat16_is_chosen_where_the_cpu_has_it(cpu, flags, expected):
    cpu(flags)
    assert choose_precision() == expected


def test_float32_is_chosen_without_onednn(cpu, monkeypatch):
    cpu("amx_bf16")
    monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", "0")
    assert choose_precision() == "float32"


def test_only_the_first_cpu_is_read_and_none_elsewhere(cpu, tmp_path):
    assert cpu_flags(cpu("a b")) == {"a", "b"}
    assert cpu_flags(tmp_path / "missing") == frozenset()
