import json
import shutil

import numpy as np
import pytest
from PIL import Image

from foundation.errors import AlreadyPublished
from foundation.processor import recorded_here
from foundation.store import FolderStore
from foundation.store.twins import describe_twin
from service.engine.devices import cpu_device
from service.engine.generator import Generator
from service.releases.golden import check_golden
from service.releases.opening import open_release
from training.errors import ExportError
from training.export import publication
from training.export.exporting import export_run
from training.export.publication import publish_run
from training.run.folder import Run


@pytest.fixture(scope="module")
def exported_folder(trained_run, tmp_path_factory):
    folder = tmp_path_factory.mktemp("published") / "run"
    shutil.copytree(trained_run.folder, folder)
    export_run(folder)
    return folder


def publish(folder, store, version="v1"):
    return publish_run(
        folder,
        store,
        name="fashion",
        version=version,
        licence="MIT",
    )


def test_a_published_run_is_a_release_that_the_service_accepts(exported_folder, tmp_path):
    store = FolderStore(tmp_path)
    assert publish(exported_folder, store) == store.manifest("fashion", "v1")
    manifest = store.manifest("fashion", "v1")
    generator = Generator(manifest, store.read(manifest, "generator.onnx"), cpu_device(1))
    assert check_golden(manifest, generator, store.read(manifest, "golden.npy")).pixels_differing <= 1e-3
    assert manifest.training["configuration"]["batch_size"] == 60
    assert manifest.training["step"] == 20
    assert (manifest.arithmetic, manifest.golden.recorded_on) == ("float", recorded_here())
    assert [row["epoch"] for row in json.loads(store.read(manifest, "metrics.json"))["epochs"]] == [1, 2]


def test_a_run_that_is_exported_as_exact_is_published_as_exact_with_its_price(
    trained_run, tmp_path, monkeypatch
):
    monkeypatch.setattr("foundation.grid.price.CALIBRATED_IMAGES", 64)  # thousands take a minute
    folder = tmp_path / "run"
    shutil.copytree(trained_run.folder, folder)
    export_run(folder, arithmetic="exact")
    store = FolderStore(tmp_path / "models")
    manifest = publish(folder, store)
    assert manifest.arithmetic == "exact"
    assert manifest.training["grid"]["images"] == 256
    assert 0 < manifest.training["grid"]["mean_levels"] < 2
    release = open_release(store, "fashion", "v1", cpu_device(1))
    assert release.golden.same_bytes
    assert release.golden.steady


def test_a_graph_that_only_its_export_calls_exact_is_not_published(exported_folder, tmp_path):
    folder = tmp_path / "run"
    shutil.copytree(exported_folder, folder)
    path = folder / "export" / "export.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"arithmetic": "exact"}))
    with pytest.raises(ExportError, match="The graph is not exact, as its export says"):
        publish(folder, FolderStore(tmp_path / "models"))


def test_the_grid_begins_with_the_golden_images(exported_folder, tmp_path):
    store = FolderStore(tmp_path)
    publish(exported_folder, store)
    folder = tmp_path / "fashion" / "versions" / "v1"
    golden = np.load(folder / "golden.npy")
    assert golden.shape == (16, 28, 28, 1)
    with Image.open(folder / "samples.png") as grid:
        assert grid.size == (466, 466)
        pixels = np.asarray(grid)[2:58:2, 2:58:2]
    np.testing.assert_array_equal(pixels, golden[0, ..., 0])


def test_a_version_is_published_once(exported_folder, tmp_path):
    store = FolderStore(tmp_path)
    publish(exported_folder, store)
    with pytest.raises(AlreadyPublished):
        publish(exported_folder, store)
    publish(exported_folder, store, version="v2")
    assert store.versions("fashion") == ["v1", "v2"]


def test_the_very_same_published_again_is_said_to_be_that(exported_folder, tmp_path):
    store = FolderStore(tmp_path)
    first = publish(exported_folder, store)
    assert describe_twin(store, first) is None
    second = publish(exported_folder, store, version="v2")
    assert describe_twin(store, second).startswith("fashion@v2 is the same as fashion@v1, but for its name")
    altered = second.model_copy(update={"metrics": {"fd_other": 1.0}})
    assert describe_twin(store, altered) is None


def test_a_run_that_is_only_read_is_published(exported_folder, tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(publication, "note_publication", refuse)
    assert publish(exported_folder, FolderStore(tmp_path)).version == "v1"


def test_a_graph_altered_after_its_comparison_is_not_published(exported_folder, tmp_path):
    folder = shutil.copytree(exported_folder, tmp_path / "run")
    graph = Run(folder).graph_path
    graph.write_bytes(graph.read_bytes() + b"\0")
    with pytest.raises(ExportError, match="is not the graph that was compared"):
        publish(folder, FolderStore(tmp_path / "store"))
    assert FolderStore(tmp_path / "store").models() == []


def test_a_graph_that_failed_its_comparison_is_not_published(exported_folder, tmp_path):
    folder = shutil.copytree(exported_folder, tmp_path / "run")
    path = Run(folder).export_report_path
    report = json.loads(path.read_text())
    report["comparison"]["max_levels"] = 2
    path.write_text(json.dumps(report))
    with pytest.raises(ExportError, match="failed its comparison"):
        publish(folder, FolderStore(tmp_path / "store"))
