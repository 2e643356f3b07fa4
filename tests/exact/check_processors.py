"""The bundled `fashion@v3` and `emoji@v4`: the same pictures on emulated processors, x86 and ARM.

They are also given `fashion@v2`, which is computed in floats, and must be seen to round otherwise.
"""

import onnx
import pytest

from tests.exact.cases import EMULATED_SEEDS, NAMES, engine, on_arm, on_openvino, on_x86
from tests.exact.engines import BATCH_IMAGES

X86_PROCESSORS = ["Nehalem", "Haswell"]
ARM_PROCESSORS = ["neoverse-n1", "max"]


@pytest.mark.parametrize("processor", X86_PROCESSORS)
@pytest.mark.parametrize("name", NAMES)
def test_emulated_processors_draw_the_same(name, processor, request, tmp_path):
    """Nehalem has no AVX at all, Haswell AVX2 and no AVX-512: ONNX Runtime takes other kernels on each."""
    case = request.getfixturevalue(name)
    found = on_x86(processor, case.graph, case.write(tmp_path, EMULATED_SEEDS))
    assert found == case.expected(EMULATED_SEEDS)


@pytest.mark.parametrize("processor", ARM_PROCESSORS)
@pytest.mark.parametrize("name", NAMES)
def test_emulated_arm_draws_the_same(name, processor, request, tmp_path):
    """Neoverse N1 has NEON alone; `max` also SVE2, bfloat16 and all else that QEMU knows."""
    case = request.getfixturevalue(name)
    found = on_arm(processor, case.graph, case.write(tmp_path, EMULATED_SEEDS))
    assert found == case.expected(EMULATED_SEEDS)


def draw_on_other(way, *arguments):
    if way == "openvino":
        return on_openvino(*arguments)
    return (on_x86 if way in X86_PROCESSORS else on_arm)(way, *arguments)


@pytest.mark.parametrize("way", ["openvino", "Nehalem", *ARM_PROCESSORS])
def test_floats_are_seen_to_differ_so_that_these_checks_can_fail(way, fashion, tmp_path):
    """Before levels are rounded: levels themselves differ in a pixel of thousands, or in none.

    Not Haswell, which this machine may be.
    """
    name = next(node.output[0] for node in fashion.floats.graph.node if node.op_type == "Tanh")
    watched = onnx.ModelProto()
    watched.CopyFrom(fashion.floats)
    watched.graph.output.append(onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None))
    graph, feeds = tmp_path / "watched.onnx", fashion.write(tmp_path, BATCH_IMAGES)
    onnx.save(watched, graph)
    here = engine("onnxruntime", graph, feeds, name)
    assert here == engine("onnxruntime", graph, feeds, name)
    assert here != draw_on_other(way, graph, feeds, name)
