"""What a manifest says of its arithmetic and of the processor that recorded it, and what it may not say."""

import json
import platform

import pytest
from pydantic import ValidationError

from foundation.manifest import LatentInput, Manifest, RecordedOn
from foundation.names import WrongName, is_name, require_name
from foundation.processor import describe_processor, read_instruction_sets, recorded_here
from foundation.store import FolderStore
from tests.conftest import REPOSITORY
from tests.tiny_models import TinyModel, publish_tiny_model

AMD = """processor\t: 0
vendor_id\t: AuthenticAMD
model name\t: AMD EPYC 9R14\u00ae  96-Core
flags\t\t: fpu sse sse4_1 avx fma avx2 avx512f avx512_vnni avx512_bf16

processor\t: 1
flags\t\t: amx_bf16
"""
ARM = "processor\t: 0\nBogoMIPS\t: 50.00\nFeatures\t: fp asimd evtstrm aes sve\n"


def read_back(manifest, **changes):
    return Manifest.model_validate_json(json.dumps({**manifest.model_dump(mode="json"), **changes}))


def test_arithmetic_and_the_recording_processor_come_back_from_a_store(tmp_path):
    manifest = publish_tiny_model(tmp_path, TinyModel())
    golden = manifest.golden.model_copy(update={"recorded_on": recorded_here()})
    said = manifest.model_copy(update={"version": "v2", "arithmetic": "exact", "golden": golden})
    graph = tmp_path / "grey" / "versions" / "v1" / "generator.onnx"
    FolderStore(tmp_path).publish(said, {"generator.onnx": graph})
    assert FolderStore(tmp_path).manifest("grey", "v2") == said
    assert said.golden.recorded_on.onnxruntime.count(".") == 2


def test_a_manifest_from_before_is_of_floats_and_of_a_processor_that_nobody_noted():
    for version in ("fashion/versions/v1", "fashion/versions/v2", "emoji/versions/v1"):
        text = (REPOSITORY / "models" / version / "manifest.json").read_text()
        assert '"arithmetic"' not in text
        manifest = Manifest.model_validate_json(text)
        assert manifest.arithmetic == "float"
        assert manifest.golden.recorded_on is None


def test_an_arithmetic_that_nobody_knows_is_refused_and_other_new_fields_are_not(tmp_path):
    manifest = publish_tiny_model(tmp_path, TinyModel())
    assert read_back(manifest, arithmetic="exact", added_later={"a": 1}).arithmetic == "exact"
    with pytest.raises(ValidationError, match="arithmetic"):
        read_back(manifest, arithmetic="decimal")


@pytest.mark.parametrize("processor", ["x" * 301, "two\nlines", "\x1b[31mred", "é"])
def test_a_processor_is_a_short_line_of_plain_characters(processor):
    with pytest.raises(ValidationError):
        RecordedOn(processor=processor, onnxruntime="1.31.1")


def test_a_processor_is_described_by_its_model_and_the_instruction_sets_that_round(tmp_path, monkeypatch):
    monkeypatch.setattr(platform, "machine", lambda: "machine")
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text(AMD)
    sets = "sse4.1 avx avx2 fma avx512f avx512_vnni avx512_bf16"
    assert describe_processor(cpuinfo) == f"AMD EPYC 9R14? 96-Core machine {sets}"
    assert read_instruction_sets(cpuinfo) == ("machine", *sets.split())
    cpuinfo.write_text(ARM)
    assert describe_processor(cpuinfo) == "machine neon sve"
    assert describe_processor(tmp_path / "none") == "machine"


def test_whatever_the_system_says_of_a_processor_a_manifest_can_hold(tmp_path):
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_bytes(b"model name\t: " + b"\xff\x00" * 5000 + b"\nflags\t: avx2 " + b"x " * 10**5)
    RecordedOn(processor=describe_processor(cpuinfo), onnxruntime="1")


def test_what_is_recorded_of_this_machine_names_neither_it_nor_a_path():
    said = recorded_here().model_dump_json()
    assert platform.node() not in said
    assert "/" not in json.loads(said)["processor"].replace("w/", "")
    assert platform.machine() in said


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_a_version_was_made_at_a_time_that_http_can_say(tmp_path, moment):
    manifest = publish_tiny_model(tmp_path, TinyModel())
    for offset in ("+14:00", "-14:00", "Z"):
        read_back(manifest, created_at=f"2026-11-26T00:00:00{offset}")
    with pytest.raises(ValidationError, match="no time in UTC"):
        read_back(manifest, created_at=moment)


@pytest.mark.parametrize("seed", [-1, 2**32, 2**70])
def test_golden_seeds_are_seeds(tmp_path, seed):
    manifest = publish_tiny_model(tmp_path, TinyModel())
    golden = manifest.golden.model_dump(mode="json")
    read_back(manifest, golden={**golden, "seeds": [0, 2**32 - 1]})
    with pytest.raises(ValidationError, match=r"golden\.seeds\.1"):
        read_back(manifest, golden={**golden, "seeds": [0, seed]})


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e300", "-3.5e38"])
def test_a_mean_is_of_numbers_that_float32_holds(number):
    assert LatentInput.model_validate_json('{"size": 1, "mean": [3.4028234e38]}').mean == (3.4028234e38,)
    with pytest.raises(ValidationError, match=r"mean\.0"):
        LatentInput.model_validate_json(f'{{"size": 1, "mean": [{number}]}}')


@pytest.mark.parametrize(
    ("text", "near"),
    [
        ("Fash", "'fash'"), ("my model", "'my-model'"), ("a/b", "'a-b'"), ("-x", "'x'"), ("Émile", "'emile'"),
        ("a" * 70, "'" + "a" * 64 + "'"), ("", None), ("🦊", None),
    ],
)  # fmt: skip
def test_what_cannot_be_a_name_is_told_in_words_with_the_nearest_that_can(text, near):
    with pytest.raises(WrongName) as refusal:
        require_name(text, "a model's name")
    said = str(refusal.value)
    assert "cannot be a model's name: a name has 1 to 64 lower-case letters, digits" in said
    assert "[a-z" not in said
    assert (f"such as {near}" in said) if near else ("such as" not in said)
    assert near is None or is_name(near.strip("'"))
