"""What "the same bytes" holds for: entity tags cover what this machine answers, and everyone is told."""

import asyncio

import httpx
import numpy as np
import pytest
from typer.testing import CliRunner

from foundation.errors import ReleaseRefused
from foundation.store import FolderStore
from ganymede.command import app
from service.application import create_app
from service.encoding.writers import name_writer
from service.engine.devices import cpu_device
from service.engine.generator import Generator
from service.http.entity_tags import matches, tag_answer
from service.releases.opening import Release, open_release
from service.requests.inputs import Inputs
from service.settings import Settings
from tests.conftest import REPOSITORY
from tests.tiny_models import record_levels_apart

INFER = {"inputs": [{"name": "seed", "shape": [1], "datatype": "INT64", "data": [7]}]}
DOORS = (
    ("GET", "/images/grey@v1/7.png", None),
    ("POST", "/generate", {"seed": 7, "count": 3, "format": "npy"}),
    ("POST", "/generate", {"seed": 7, "format": "webp"}),
    ("POST", "/latent-walk", {"seeds": [1, 2], "frames": 3}),
    ("POST", "/v2/models/grey/infer", INFER),
)
DESCRIBED = ("/models", "/models/grey", "/models/grey/versions/v1", "/readyz", "/v2/models/grey", "/metrics")


def ask(store, *requests, before=(), headers=None):
    """The answers of an app in this process, some `before` the model is loaded."""

    async def answer():
        app = create_app(Settings(models=str(store), default_model="grey", ui="off"))
        context = app.state.context
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app), base_url="http://ganymede"
        ) as client:
            answers = [await client.get(path) for path in before]
            await context.releases.resolve("grey")
            for method, path, body in requests:
                answers.append(await client.request(method, path, json=body, headers=headers))
        await context.engine.close()
        return answers

    return asyncio.run(answer())


def change_rounding(monkeypatch):
    """Let every generator round the first pixel otherwise from now on, as another processor might."""
    generate = Generator.generate

    def generate_elsewhere(self, *inputs, **options):
        images = generate(self, *inputs, **options).copy()
        images[:, 0, 0, 0] ^= 1
        return images

    monkeypatch.setattr(Generator, "generate", generate_elsewhere)


def open_here(store, *, threads=1) -> Release:
    return open_release(FolderStore(store), "grey", "v1", cpu_device(threads))


def tag(release, format="png"):
    return tag_answer(release, Inputs.of_seeds((7,)), format=format)


@pytest.mark.parametrize("door", DOORS, ids=lambda door: f"{door[1]}")
def test_a_machine_that_rounds_otherwise_answers_under_another_strong_tag(door, tmp_path, monkeypatch):
    record_levels_apart(tmp_path, 0)
    [here], [again] = ask(tmp_path, door), ask(tmp_path, door)
    change_rounding(monkeypatch)
    [elsewhere] = ask(tmp_path, door)
    assert here.status_code == again.status_code == elsewhere.status_code == 200
    assert (here.headers["etag"], here.content) == (again.headers["etag"], again.content)
    assert here.content != elsewhere.content
    assert here.headers["etag"] != elsewhere.headers["etag"]
    assert here.headers["etag"].startswith('"')
    assert elsewhere.headers["etag"].startswith('"')


def test_a_client_with_another_machines_picture_is_sent_this_ones(tmp_path, monkeypatch):
    record_levels_apart(tmp_path, 0)
    [here] = ask(tmp_path, DOORS[0])
    known = {"If-None-Match": here.headers["etag"]}
    assert ask(tmp_path, DOORS[0], headers=known)[0].status_code == 304
    change_rounding(monkeypatch)
    [sent] = ask(tmp_path, DOORS[0], headers=known)
    assert sent.status_code == 200
    assert sent.content != here.content


def test_kernels_of_other_instruction_sets_have_other_tags_though_the_golden_pictures_agree(
    tmp_path, monkeypatch
):
    record_levels_apart(tmp_path / "float", 0)
    record_levels_apart(tmp_path / "exact", 0, arithmetic="exact")
    before = {name: tag(open_here(tmp_path / name)) for name in ("float", "exact")}
    monkeypatch.setattr("service.releases.drawn_by.read_instruction_sets", lambda: ("x86_64", "sse4.1"))
    assert tag(open_here(tmp_path / "float")) != before["float"]
    assert tag(open_here(tmp_path / "exact")) == before["exact"]


@pytest.mark.parametrize("levels", [1, 2])
def test_an_exact_release_that_is_drawn_otherwise_is_refused(levels, tmp_path):
    record_levels_apart(tmp_path, levels, arithmetic="exact")
    with pytest.raises(ReleaseRefused, match=f"grey@v1 is broken here.*by up to {levels} levels"):
        open_here(tmp_path)
    [answer] = ask_unloaded(tmp_path)
    assert answer.status_code == 503
    assert "is broken here" in answer.json()["detail"]


def ask_unloaded(store):
    async def answer():
        app = create_app(Settings(models=str(store), default_model="grey", ui="off"))
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app), base_url="http://ganymede"
        ) as client:
            answer = await client.get("/images/grey@v1/7.png")
        await app.state.context.engine.close()
        return [answer]

    return asyncio.run(answer())


def test_a_float_release_may_be_a_level_apart_and_not_two(tmp_path):
    record_levels_apart(tmp_path / "one", 1)
    record_levels_apart(tmp_path / "two", 2)
    golden = open_here(tmp_path / "one").golden
    assert (golden.max_levels, golden.same_bytes) == (1, False)
    with pytest.raises(ReleaseRefused, match="by up to 2 levels"):
        open_here(tmp_path / "two")


@pytest.mark.parametrize(("levels", "same"), [(0, True), (1, False)])
def test_everyone_is_told_whether_this_machine_gives_the_recorded_bytes(levels, same, tmp_path):
    record_levels_apart(tmp_path, levels)
    answers = ask(
        tmp_path,
        *(("GET", path, None) for path in DESCRIBED),
        before=("/models", *DESCRIBED[2:3], DESCRIBED[4]),
    )
    unlisted, unloaded, unserved, *loaded, metrics = answers
    models, model, version, ready, served = (answer.json() for answer in loaded)
    said = {"arithmetic": "float", "same_bytes_here": same}
    assert unlisted.json()["models"][0]["loaded"] == {}
    assert unloaded.json()["same_bytes_here"] is None
    assert unserved.json()["parameters"] == {"arithmetic": "float"}
    assert models["models"] == [model]
    assert model["loaded"] == {"v1": said}
    for described in (version, ready, served["parameters"]):
        assert {name: described[name] for name in said} == said
    assert f'ganymede_golden_differs{{model="grey",version="v1"}} {float(not same)}' in metrics.text


@pytest.mark.parametrize(
    ("levels", "arithmetic", "says"),
    [
        (
            0,
            "float",
            ("4 seeds, every byte as recorded", "arithmetic: float, the same bytes on machines alike"),
        ),
        (
            0,
            "exact",
            ("4 seeds, every byte as recorded", "arithmetic: exact, the same pixels on every machine"),
        ),
        (1, "float", ("at most 1 level in 0.024 % of the pixels: another processor rounds otherwise",)),
    ],
)
def test_verify_says_what_holds_where(levels, arithmetic, says, tmp_path):
    record_levels_apart(tmp_path, levels, arithmetic=arithmetic)
    result = CliRunner().invoke(app, ["verify", "grey", "--models", str(tmp_path)])
    assert result.exit_code == 0, result.output
    for sentence in says:
        assert sentence in result.output
    [row] = CliRunner().invoke(app, ["models", "--models", str(tmp_path)]).output.splitlines()[1:]
    assert row.split()[-1] == arithmetic


def test_one_core_that_draws_otherwise_than_all_is_not_used_by_itself(tmp_path, monkeypatch, caplog):
    record_levels_apart(tmp_path, 0)
    generate = Generator.generate

    def generate_by_cores(self, *inputs, alone=True, **options):
        images = generate(self, *inputs, alone=alone, **options).copy()
        if self.has_narrow and not alone:
            images[:, 0, 0, 0] ^= 1
        return images

    monkeypatch.setattr(Generator, "generate", generate_by_cores)
    release = open_here(tmp_path, threads=2)
    assert not release.generator.has_narrow
    assert release.golden.steady
    assert "one core draws other pictures" in caplog.text


def test_where_a_picture_alone_differs_from_one_in_a_batch_its_tags_are_weak(tmp_path, monkeypatch, caplog):
    record_levels_apart(tmp_path, 0)
    assert open_here(tmp_path, threads=2).generator.has_narrow
    generate = Generator.generate

    def generate_by_rows(self, latents, *inputs, **options):
        images = generate(self, latents, *inputs, **options).copy()
        images[:, 0, 0, 0] ^= len(latents) == 1
        return images

    monkeypatch.setattr(Generator, "generate", generate_by_rows)
    weak = tag(open_here(tmp_path))
    assert weak.startswith('W/"')
    assert matches(weak, weak)
    assert matches(weak, weak.removeprefix("W/"))
    assert not matches(weak, '"other"')
    assert "its entity tags are weak" in caplog.text
    [answer] = ask(tmp_path, DOORS[0])
    assert answer.headers["etag"].startswith('W/"')
    [again] = ask(tmp_path, DOORS[0], headers={"If-None-Match": answer.headers["etag"]})
    assert again.status_code == 304


@pytest.mark.parametrize(
    ("changed", "forms", "same"),
    [
        ("isal.ISAL_VERSION", {"png", "zip", "json"}, {"npy", "tensor-binary", "jpeg"}),
        ("PIL.__version__", {"jpeg", "webp"}, {"npy", "png"}),
        ("av.__version__", {"mp4", "gif", "apng", "webp"}, {"npy", "png", "jpeg"}),
    ],
)
def test_a_tag_names_the_libraries_that_wrote_the_file_and_no_others(changed, forms, same, monkeypatch):
    write = name_writer.__wrapped__
    before = {format: write(format) for format in forms | same}
    monkeypatch.setattr(changed, "0.0")
    assert {format for format in before if write(format) != before[format]} == forms


def test_a_file_of_another_architecture_is_by_another_writer_though_the_pixels_are_the_same(monkeypatch):
    """On ARM ISA-L makes the same of the sample as on x86, and other bytes of pictures."""
    write = name_writer.__wrapped__
    before = {form: write(form) for form in ("png", "zip", "json", "webp", "npy", "tensor-binary")}
    monkeypatch.setattr("platform.machine", lambda: "aarch64")
    told = {form: write(form) for form in before}
    assert {form for form in before if told[form] != before[form]} == {"png", "zip", "json", "webp"}
    assert "aarch64" in told["png"]
    for machine in ("x86_64", "AMD64"):
        monkeypatch.setattr("platform.machine", lambda machine=machine: machine)
        assert "isa-l" in write("png")[0]
        assert len(write("png")) == 2, "one tag on all of x86"


def test_another_build_of_isal_of_the_same_version_is_another_writer(monkeypatch):
    from isal import isal_zlib

    before, compress = name_writer.__wrapped__("png"), isal_zlib.compress
    monkeypatch.setattr("isal.isal_zlib.compress", lambda content, level: compress(content, level + 1))
    assert name_writer.__wrapped__("png") != before


def test_a_picture_is_the_same_alone_in_any_batch_and_on_any_cores():
    """The promise itself, on this machine, for the bundled models whose arithmetic is float."""
    for name in ("emoji@v1", "fashion@v2"):
        model, version = name.split("@")
        release = open_release(FolderStore(REPOSITORY / "models"), model, version, cpu_device(2))
        assert release.golden.steady
        assert release.manifest.arithmetic == "float"
        assert np.array_equal(*(drawn(release.generator, alone) for alone in (True, False)))


@pytest.mark.parametrize(("name", "version"), [("fashion", "v3"), ("emoji", "v3"), ("emoji", "v4")])
def test_a_bundled_exact_release_gives_its_recorded_bytes_alone_and_in_a_batch(name, version):
    """Equality of the hash, without tolerance; its opening proves that no sum rounds."""
    release = open_release(FolderStore(REPOSITORY / "models"), name, version, cpu_device(1))
    assert release.manifest.arithmetic == "exact"
    assert release.golden.steady
    assert np.array_equal(*(drawn(release.generator, alone) for alone in (True, False)))


def drawn(generator, alone):
    from service.requests.inputs import draw_seeds

    inputs = draw_seeds(generator.manifest, range(100, 132))
    rows = (slice(0, 32),) if alone else (slice(0, 1), slice(1, 8), slice(8, 32))
    labels = inputs.labels
    return np.concatenate(
        [
            generator.generate(inputs.latents[row], None if labels is None else labels[row], alone=alone)
            for row in rows
        ]
    )
