"""Files of every age and type: imported, they draw what the file draws; or they are refused."""

import errno
import io
import os
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from foundation.errors import ReleaseRefused
from foundation.graphs import other_kinds
from foundation.latents import draw_latents
from foundation.onnx_runtime import onnxruntime
from ganymede.imports import release
from ganymede.imports.file import read_file
from ganymede.imports.graph import ImportRefused
from ganymede.imports.wrapping import wrap_graph
from tests.store.foreign import SIDE, SIZE, constant, draw_graph, prepare, value

ENLARGED = [1, 3, 2 * SIDE, 2 * SIDE]


def run_bytes(path: Path, *, rows: int = 16) -> np.ndarray:
    """What ONNX Runtime draws from the file as it lies there."""
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return session.run(None, {session.get_inputs()[0].name: draw_latents(range(rows), SIZE)})[0]


def enlarging(operator: str, opset: int, mode: str) -> onnx.ModelProto:
    return draw_graph(
        after=[helper.make_node(operator, ["t", "scales"], ["image"], mode=mode)],
        outputs=[value("image", ["n", *ENLARGED[1:]])],
        constants=[constant("scales", [1, 1, 2, 2])],
        opset=opset,
        ir_version=5,
    )


@pytest.mark.parametrize("mode", ["linear", "nearest"])
@pytest.mark.parametrize(("operator", "opset"), [("Upsample", 9), ("Resize", 10)])
def test_a_graph_of_an_old_opset_enlarges_as_it_did(
    tmp_path: Path, operator: str, opset: int, mode: str
) -> None:
    prepared = prepare(enlarging(operator, opset, mode), tmp_path, value_range="-1,1")
    expected = np.round((run_bytes(tmp_path / "foreign.onnx").transpose(0, 2, 3, 1) + 1) * 127.5)
    drawn = np.load(prepared.files["golden.npy"]).astype(int)
    assert np.abs(drawn - expected).max() <= 1
    assert "the file's own pictures" in prepared.description
    served = onnx.load(prepared.files["generator.onnx"])
    assert [entry.version for entry in served.opset_import] == [opset]


@pytest.mark.parametrize("opset", [7, 8, 9, 10, 11, 12, 13, 18, 23])
def test_opsets_since_seven_are_kept(tmp_path: Path, opset: int) -> None:
    prepared = prepare(draw_graph(opset=opset), tmp_path)
    expected = np.round((run_bytes(tmp_path / "foreign.onnx").transpose(0, 2, 3, 1) + 1) * 127.5)
    assert np.abs(np.load(prepared.files["golden.npy"]) - expected).max() <= 1


LEVELS = [
    helper.make_node("Add", ["t", "one"], ["positive"]),
    helper.make_node("Mul", ["positive", "half"], ["levels"]),
]
CONSTANTS = [constant("one", 1), constant("half", 127.5)]


@pytest.mark.parametrize("kind", ["FLOAT16", "BFLOAT16", "DOUBLE"])
def test_pictures_in_other_floats_are_the_files_own(tmp_path: Path, kind: str) -> None:
    number = getattr(TensorProto, kind)
    model = draw_graph(
        after=[helper.make_node("Cast", ["t"], ["image"], to=number)],
        outputs=[value("image", ["n", 3, SIDE, SIDE], number)],
    )
    prepared = prepare(model, tmp_path)
    drawn = np.load(prepared.files["golden.npy"]).astype(int)
    (tmp_path / "plain").mkdir()
    expected = np.load(prepare(draw_graph(), tmp_path / "plain").files["golden.npy"]).astype(int)
    assert np.abs(drawn - expected).max() <= {"FLOAT16": 1, "BFLOAT16": 1, "DOUBLE": 0}[kind]


@pytest.mark.parametrize("kind", ["UINT8", "INT32", "INT64"])
def test_pictures_in_whole_numbers_are_levels_already(tmp_path: Path, kind: str) -> None:
    number = getattr(TensorProto, kind)
    model = draw_graph(
        after=[*LEVELS, helper.make_node("Cast", ["levels"], ["image"], to=number)],
        outputs=[value("image", ["n", 3, SIDE, SIDE], number)],
        constants=CONSTANTS,
    )
    prepared = prepare(model, tmp_path)
    assert "[0,255]" in prepared.description
    expected = run_bytes(tmp_path / "foreign.onnx").transpose(0, 2, 3, 1)
    assert np.array_equal(np.load(prepared.files["golden.npy"]), expected)
    with pytest.raises(ImportRefused, match="--range -1,1: the output is in whole numbers"):
        prepare(model, tmp_path, value_range="-1,1")


@pytest.mark.parametrize("kind", [TensorProto.FLOAT16, TensorProto.DOUBLE])
def test_a_latent_in_another_float_is_cast(tmp_path: Path, kind: int) -> None:
    before = [helper.make_node("Cast", ["z"], ["zz"], to=TensorProto.FLOAT)]
    model = draw_graph(before=before, latent="zz", inputs=[value("z", ["n", SIZE], kind)])
    assert "every pixel the same" in prepare(model, tmp_path).description


def test_values_beyond_the_range_that_was_given_are_counted(tmp_path: Path) -> None:
    nodes = [*LEVELS, helper.make_node("Identity", ["levels"], ["image"])]
    model = draw_graph(after=nodes, constants=CONSTANTS)
    assert "lie beyond [0,1] and are cut off" in prepare(model, tmp_path, value_range="0,1").description
    assert "cut off" not in prepare(model, tmp_path, value_range="0,255").description


@pytest.mark.parametrize("size", [1, 3])
def test_a_batch_that_is_fixed_in_the_signature_alone_is_freed(tmp_path: Path, size: int) -> None:
    model = draw_graph(inputs=[value("z", [size, SIZE])], outputs=[value("image", [size, 3, SIDE, SIDE])])
    assert "every pixel the same" in prepare(model, tmp_path).description


def test_weights_among_the_inputs_and_defaults_stay_what_they_are(tmp_path: Path) -> None:
    weights = [value("w", [SIZE, 3 * SIDE * SIDE]), value("shape", [4], TensorProto.INT64)]
    old = draw_graph(inputs=[value("z", ["n", SIZE]), *weights], opset=8, ir_version=3)
    assert "every pixel the same" in prepare(old, tmp_path).description
    default = draw_graph(
        after=[helper.make_node("Mul", ["t", "psi"], ["image"])],
        inputs=[value("z", ["n", SIZE]), value("psi", [])],
        constants=[constant("psi", 0.7)],
    )
    assert "every pixel the same" in prepare(default, tmp_path).description


def fixed_inside() -> onnx.ModelProto:
    model = draw_graph(
        inputs=[value("z", [1, SIZE])],
        outputs=[value("image", [1, 3, SIDE, SIDE])],
        constants=[constant("one_row", [1, 3, SIDE, SIDE], np.int64)],
    )
    model.graph.node[1].input[1] = "one_row"
    return model


def giving(kind: int) -> onnx.ModelProto:
    return draw_graph(
        after=[helper.make_node("Cast", ["t"], ["image"], to=kind)],
        outputs=[value("image", ["n", 3, SIDE, SIDE], kind)],
    )


def taking(*inputs: onnx.ValueInfoProto) -> onnx.ModelProto:
    return draw_graph(inputs=list(inputs))


def of_version(*, opset: int = 17, ir_version: int = 8) -> onnx.ModelProto:
    return draw_graph(opset=opset, ir_version=ir_version)


Z = value("z", ["n", SIZE])
OPTIONAL = helper.make_optional_type_proto(helper.make_tensor_type_proto(TensorProto.FLOAT, ["n", SIZE]))


@pytest.mark.parametrize(
    ("model", "sentence"),
    [
        (of_version(ir_version=99), "of IR version 99, .* reads up to .*export it with an older"),
        (of_version(opset=99), "of opset 99, .* reads up to .*opset_version=17"),
        (of_version(opset=5), "has no Tanh as of opset 1: export the graph again with opset_version=17"),
        (giving(TensorProto.INT8), r"output image is int8 \(n, 3, 8, 8\); pictures are .*Convert it"),
        (giving(TensorProto.STRING), "output image is string"),
        (giving(TensorProto.BOOL), "output image is bool"),
        (
            draw_graph(
                after=[helper.make_node("SequenceConstruct", ["t"], ["image"])],
                outputs=[helper.make_tensor_sequence_value_info("image", TensorProto.FLOAT, None)],
            ),
            "output image is a sequence",
        ),
        (taking(helper.make_value_info("z", OPTIONAL)), "input z is optional"),
        (taking(value("z", [])), r"input z is float32 \(\); a latent is"),
        (taking(value("z", [SIZE])), r"input z is float32 \(16\); a latent is"),
        (taking(value("z", ["n", 4, SIZE])), r"input z is float32 \(n, 4, 16\); a latent is"),
        (taking(value("z", ["n", SIZE], TensorProto.INT64)), "input z is int64"),
        (taking(value("z", ["n", SIZE], TensorProto.BFLOAT16)), "input z is bfloat16"),
        (taking(Z, value("noise", ["n", 1]), value("psi", [])), "inputs z, noise, psi; .*fixed"),
        (fixed_inside(), "free batch dimension"),
    ],
)  # fmt: skip
def test_what_cannot_be_imported_is_named_with_what_to_do(
    tmp_path: Path, model: onnx.ModelProto, sentence: str
) -> None:
    with pytest.raises(ImportRefused, match=sentence):
        prepare(model, tmp_path)


@pytest.mark.parametrize("content", [b"", b"\x08\x07", b"PK\x03\x04" + bytes(100), b"<html>", bytes(1000)])
def test_what_is_no_graph_is_one_sentence(tmp_path: Path, content: bytes) -> None:
    with pytest.raises((ImportRefused, ReleaseRefused), match=r"is empty|ONNX graph"):
        prepare(content, tmp_path)


def pack(*names: str) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name in names:
            archive.writestr(zipfile.ZipInfo(name), "x")  # of no time, so that tests have one name
    return content.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "seems", "advice"),
    [
        ("photo.png", b"\x89PNG\r\n\x1a\n", "a picture", "ganymede train --data folder:FOLDER"),
        ("photo.onnx", b"\xff\xd8\xff\xe0", "a picture", "ganymede train"),
        ("m.h5", b"\x89HDF\r\n", "Keras' weights", "tf2onnx"),
        ("g.pt", pack("archive/data.pkl", "archive/data/0"), "PyTorch's", "torch.onnx.export"),
        ("old.pth", b"\x80\x02}q\x00.", "a pickle", "torch.onnx.export"),
        ("m.keras", pack("config.json", "model.weights.h5"), "Keras'", "model.export"),
        ("a.zip", pack("x/a.onnx"), "holds 'x/a.onnx'", "unpack"),
        ("a.npz", pack("w.npy"), "arrays of NumPy's", "name the network"),
        ("w.safetensors", b"\x02" + bytes(7) + b"{}", "weights without a graph", "torch.onnx.export"),
        ("a.onnx", b"version https://git-lfs.github.com/spec/v1\n", "Git LFS", "git lfs pull"),
        ("a.onnx", b"<!DOCTYPE html>", "a web page", "fetch the file"),
        ("a.onnx", b"\x08\x07\x12", "cut off or damaged", "export it again"),
        ("a.txt", b"my network", "text", "name the .onnx file"),
    ],
)
def test_a_file_of_another_kind_is_told_what_it_seems_to_be_and_what_to_do(
    tmp_path: Path, name: str, content: bytes, seems: str, advice: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ImportRefused) as refusal:
        read_file(tmp_path / name)
    assert seems in str(refusal.value)
    assert advice in str(refusal.value)


@pytest.mark.parametrize(
    ("start", "seems"),
    [
        (b"\x80\x04", "a pickle"),
        (b"\x89HDF\r\n\x1a\n", "an HDF5 file"),
        (b"GGUF", "a GGUF file"),
        (b"PK\x03\x04", "a ZIP archive"),
        (b"", "nothing but zeros"),
    ],
)
def test_a_large_file_of_another_kind_is_told_by_its_start(tmp_path: Path, start: bytes, seems: str) -> None:
    (tmp_path / "g.bin").write_bytes(start + bytes(2_000_000))
    with pytest.raises(ImportRefused, match=f"it seems to be {seems}"):
        read_file(tmp_path / "g.bin")


def test_into_an_archive_of_very_many_names_nobody_looks(tmp_path: Path, monkeypatch) -> None:
    (tmp_path / "a.zip").write_bytes(pack("a.onnx", "b", "c"))
    monkeypatch.setattr(other_kinds, "MANY_NAMES", 2)
    monkeypatch.setattr(zipfile, "ZipFile", None)  # it reads all of an archive's directory
    with pytest.raises(ImportRefused, match=r"it seems to be a ZIP archive\. To go on: unpack it"):
        read_file(tmp_path / "a.zip")


def test_a_folder_or_a_device_in_a_graphs_place_is_told_too(tmp_path: Path) -> None:
    for name, words in (
        ("saved_model.pb", "tf2onnx.convert --saved-model"),
        ("config.json", "seems to be a run"),
        ("a.onnx", "Name the file in it: a.onnx"),
    ):
        (tmp_path / f"of-{name}").mkdir()
        (tmp_path / f"of-{name}" / name).touch()
        with pytest.raises(ImportRefused, match=words):
            read_file(tmp_path / f"of-{name}")
    with pytest.raises(ImportRefused, match="no file, but a pipe, socket or device"):
        read_file(Path("/dev/zero"))


@pytest.mark.parametrize(
    ("name", "words"),
    [("x" * 300 + ".onnx", "File name too long"), ("a\0.onnx", r"a\\x00.*no file can have")],
)
def test_a_name_that_no_file_can_have_is_told(tmp_path: Path, name: str, words: str) -> None:
    with pytest.raises(ImportRefused, match=words):
        read_file(tmp_path / name)


@pytest.mark.parametrize("inside", ["", "generator.onnx"])
def test_a_folder_that_one_may_not_enter_is_told(monkeypatch, tmp_path: Path, inside: str) -> None:
    stat = Path.stat

    def refuse(path: Path, **options: Any) -> os.stat_result:
        if path.parent == tmp_path:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        return stat(path, **options)

    monkeypatch.setattr(Path, "stat", refuse)  # the superuser may enter every folder
    with pytest.raises(ImportRefused, match="cannot be read: Permission denied"):
        read_file(tmp_path / inside)


def test_what_was_imported_in_half_precision_has_directions(call_ganymede, tmp_path: Path) -> None:
    model = draw_graph(
        before=[helper.make_node("Cast", ["z"], ["half"], to=TensorProto.FLOAT16)],
        latent="half",
        after=[helper.make_node("Identity", ["t"], ["image"])],
        inputs=[value("z", ["n", SIZE])],
        outputs=[value("image", ["n", 3, SIDE, SIDE], TensorProto.FLOAT16)],
    )
    for tensor in model.graph.initializer:
        if tensor.name == "w":
            weights = onnx.numpy_helper.to_array(tensor)
            tensor.CopyFrom(constant("w", weights, np.float16))
    path, models = tmp_path / "half.onnx", tmp_path / "models"
    path.write_bytes(model.SerializeToString())
    for arguments in (
        ("import", path, "--name", "half", "--promote", "production"),
        ("directions", "half", "--count", "2"),
    ):
        result = call_ganymede(*arguments, "--models", models)
        assert result.returncode == 0, result.stderr


def test_a_wrapping_that_draws_otherwise_is_refused_with_by_how_much(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def wrap_wrongly(model: onnx.ModelProto, *rest: Any) -> onnx.ModelProto:
        for tensor in model.graph.initializer:
            if tensor.name == "w":
                weights = onnx.numpy_helper.to_array(tensor)
                tensor.CopyFrom(constant("w", weights * 1.1))
        return wrap_graph(model, *rest)

    monkeypatch.setattr(release, "wrap_graph", wrap_wrongly)
    with pytest.raises(ImportRefused, match=r"up to \d+ levels of 255 apart, in [\d.]+% of the pixels"):
        prepare(draw_graph(), tmp_path)


@pytest.mark.parametrize("value_range", ["0,1", "-1,1"])
def test_pictures_with_transparency_keep_their_fourth_channel(tmp_path: Path, value_range: str) -> None:
    model = draw_graph(
        after=[
            helper.make_node("Slice", ["t", "first", "one", "axis"], ["alpha"]),
            helper.make_node("Concat", ["t", "alpha"], ["image"], axis=1),
        ],
        outputs=[value("image", ["n", 4, SIDE, SIDE])],
        constants=[
            constant(name, [number], np.int64) for name, number in (("first", 0), ("one", 1), ("axis", 1))
        ],
    )
    prepared = prepare(model, tmp_path, value_range=value_range)
    drawn = np.load(prepared.files["golden.npy"])
    assert drawn.shape == (16, SIDE, SIDE, 4)
    assert np.array_equal(drawn[..., 3], drawn[..., 0])
