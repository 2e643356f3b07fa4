import json
import shutil

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from foundation.latents import draw_latents
from training.errors import ExportError
from training.export import exporting as export
from training.export.exporting import export_run, read_export
from training.export.graph import convert_generator, run_graph
from training.run.folder import Run


@pytest.fixture(scope="module")
def exported_run(trained_run, tmp_path_factory):
    folder = tmp_path_factory.mktemp("exported") / "run"
    shutil.copytree(trained_run.folder, folder)
    assert export_run(folder) == folder / "export" / "generator.onnx"
    return Run(folder)


def test_the_graph_draws_what_keras_draws_and_the_report_says_how_nearly(exported_run):
    report = json.loads(exported_run.export_report_path.read_text())
    assert report["comparison"]["latents"] == 256
    assert report["comparison"]["max_float_difference"] <= 1e-4
    assert report["comparison"]["max_levels"] <= 1
    assert (report["epochs"], report["step"]) == (2, 20)
    assert (report["height"], report["width"], report["channels"]) == (28, 28, 1)


def test_the_graph_takes_latents_of_any_batch_and_gives_pixels(exported_run):
    model = onnx.load(exported_run.graph_path)
    (latent,), (image,) = model.graph.input, model.graph.output

    def describe(tensor):
        kind = tensor.type.tensor_type
        return tensor.name, kind.elem_type, [size.dim_param or size.dim_value for size in kind.shape.dim]

    assert describe(latent) == ("latent", onnx.TensorProto.FLOAT, ["batch", 100])
    assert describe(image) == ("image", onnx.TensorProto.UINT8, ["batch", 28, 28, 1])
    assert [(opset.domain, opset.version) for opset in model.opset_import] == [("", 17)]
    assert {node.domain for node in model.graph.node} == {""}


def test_an_image_is_the_same_alone_and_in_a_batch(exported_run):
    graph, latents = exported_run.graph_path.read_bytes(), draw_latents(range(9), 100)
    (together,) = run_graph(graph, latents)
    alone = np.concatenate([run_graph(graph, latents[row : row + 1])[0] for row in range(9)])
    assert together.dtype == np.uint8
    assert np.ptp(together) > 50
    np.testing.assert_array_equal(together, alone)


def test_a_graph_that_draws_otherwise_is_refused_and_not_written(trained_run, tmp_path, monkeypatch):
    def convert_wrongly(generator, latent_size, classes):
        model = convert_generator(generator, latent_size, classes)
        weight = next(tensor for tensor in model.graph.initializer if len(tensor.dims) == 4)
        weight.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(weight) * 1.1, weight.name))
        return model

    monkeypatch.setattr(export, "convert_generator", convert_wrongly)
    folder = shutil.copytree(trained_run.folder, tmp_path / "run")
    with pytest.raises(ExportError, match="does not draw what Keras draws"):
        export_run(folder)
    assert not (folder / "export").exists()


def test_a_run_without_a_checkpoint_cannot_be_exported(trained_run, tmp_path):
    shutil.copy(Run(trained_run.folder).config_path, tmp_path)
    shutil.copy(Run(trained_run.folder).pictures_path, tmp_path)
    with pytest.raises(ExportError, match="has no checkpoint yet"):
        export_run(tmp_path)


def test_a_run_that_is_not_exported_says_so(trained_run):
    with pytest.raises(ExportError, match="is not exported yet"):
        read_export(Run(trained_run.folder))
