"""Signed releases: what a trusted key did not sign as it is, is never opened."""

import errno
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from foundation import signatures
from foundation.errors import AlreadySigned, ReleaseRefused, StoreError
from foundation.signatures import SIGNATURE_FILE, TrustedKeys, WrongKey, parse_key_files, sign_manifest
from foundation.store import FolderStore, Store, open_served_store, open_store
from foundation.store.publication import encode_manifest
from foundation.store.trusted import TrustedStore
from service.engine.cores import usable_cores
from service.engine.devices import cpu_device
from service.releases.default_model import find_default
from service.releases.opening import open_release
from tests.conftest import run_server
from tests.patience import PATIENCE_S
from tests.store.conftest import S3
from tests.store.faulty import FaultyWay
from tests.store.releases import describe_release
from tests.tiny_models import TinyModel, publish_tiny_model

PEM = serialization.Encoding.PEM


def write_keys(folder: Path, name: str, curve: ec.EllipticCurve | None = None) -> tuple[Path, Path]:
    """A private key and its public key."""
    key = ec.generate_private_key(curve or ec.SECP256R1())
    private, public = folder / f"{name}.pem", folder / f"{name}.pub"
    private.write_bytes(
        key.private_bytes(PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    public.write_bytes(key.public_key().public_bytes(PEM, serialization.PublicFormat.SubjectPublicKeyInfo))
    return private, public


@pytest.fixture(scope="module")
def keys(tmp_path_factory) -> tuple[Path, Path]:
    """The trusted pair."""
    return write_keys(tmp_path_factory.mktemp("keys"), "ours")


@pytest.fixture
def signed(keys: tuple[Path, Path], tmp_path: Path) -> Path:
    """A store with `grey`, v1 and v2, both signed."""
    root = tmp_path / "models"
    for version, seed in (("v1", 1), ("v2", 2)):
        publish_tiny_model(root, TinyModel(version=version, weight_seed=seed))
        sign(FolderStore(root), version, keys[0])
    return root


def sign(store: Store, version: str, key: Path, model: str = "grey") -> None:
    manifest = store.manifest(model, version)
    store.add_signature(manifest, sign_manifest(manifest, store.manifest_text(model, version), key))


def open_version(root: Path, version: str, *public: Path) -> None:
    open_release(
        TrustedStore(FolderStore(root), TrustedKeys(public)), "grey", version, cpu_device(usable_cores())
    )


def test_what_a_trusted_key_signed_is_opened(signed: Path, keys: tuple[Path, Path], tmp_path: Path) -> None:
    open_version(signed, "v1", keys[1])
    _, other = write_keys(tmp_path, "other", ec.SECP384R1())
    open_version(signed, "v1", other, keys[1])


@pytest.mark.parametrize("curve", [ec.SECP256R1(), ec.SECP384R1(), ec.SECP521R1()])
def test_the_reference_tool_and_ours_verify_each_others_signatures(
    tmp_path: Path, curve: ec.EllipticCurve
) -> None:
    private, public = write_keys(tmp_path, "key", curve)
    root = tmp_path / "models"
    publish_tiny_model(root, TinyModel(version="v1"))
    publish_tiny_model(root, TinyModel(version="v2"))
    sign(FolderStore(root), "v1", private)
    folder = root / "grey" / "versions"
    tool = [sys.executable, "-m", "model_signing"]
    signed, unsigned = folder / "v1", folder / "v2"
    verify = ["verify", "key", str(signed), "--signature", str(signed / SIGNATURE_FILE)]
    verify += ["--public_key", str(public)]
    done = subprocess.run([*tool, *verify], capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    make = ["sign", "key", str(unsigned), "--signature", str(unsigned / SIGNATURE_FILE)]
    subprocess.run(
        [*tool, *make, "--private_key", private], capture_output=True, timeout=PATIENCE_S, check=True
    )
    open_version(root, "v2", public)


def change_manifest(folder: Path, **fields: object) -> None:
    path = folder / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **fields}))


def swap_graph(folder: Path) -> None:
    """Another graph, with a manifest that fits it: all sums are right."""
    other = folder.parent / "v2"
    for path in ("generator.onnx", "manifest.json"):
        shutil.copy(other / path, folder / path)
    change_manifest(folder, version="v1")


def add_file(folder: Path) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "more.bin").write_bytes(b"")
    entry = {"path": "more.bin", "size_bytes": 0, "sha256": "e3b0c442" + "0" * 56}
    change_manifest(folder, files=[*manifest["files"], entry])


def drop_signature(folder: Path) -> None:
    (folder / SIGNATURE_FILE).unlink()


def spoil(folder: Path, content: bytes) -> None:
    (folder / SIGNATURE_FILE).write_bytes(content)


def alter_payload(folder: Path) -> None:
    """The signature's own list of sums altered, the rest of it as it was."""
    bundle = json.loads((folder / SIGNATURE_FILE).read_text())
    payload = bundle["dsseEnvelope"]["payload"]
    bundle["dsseEnvelope"]["payload"] = payload[:40] + ("A" if payload[40] != "A" else "B") + payload[41:]
    spoil(folder, json.dumps(bundle).encode())


def unsign(folder: Path) -> None:
    bundle = json.loads((folder / SIGNATURE_FILE).read_text())
    bundle["dsseEnvelope"]["signatures"] = []
    spoil(folder, json.dumps(bundle).encode())


ATTACKS = {
    "unsigned": (drop_signature, "grey@v1 is not signed"),
    "another graph": (swap_graph, "no signature of this release"),
    "another licence": (lambda folder: change_manifest(folder, licence="none"), "no signature"),
    "a field that readers ignore": (lambda folder: change_manifest(folder, more=1), "no signature"),
    "one more file": (add_file, "no signature"),
    "another version's": (
        lambda folder: shutil.copy(folder.parent / "v2" / SIGNATURE_FILE, folder / SIGNATURE_FILE),
        "no signature of this release",
    ),
    "another version's whole": (
        lambda folder: [
            shutil.copy(folder.parent / "v2" / path.name, path) for path in list(folder.iterdir())
        ],
        "describes grey@v2",
    ),
    "cut off": (lambda folder: spoil(folder, (folder / SIGNATURE_FILE).read_bytes()[:-50]), "no signature"),
    "empty": (lambda folder: spoil(folder, b""), "no signature"),
    "not text": (lambda folder: spoil(folder, bytes(range(256))), "no signature"),
    "no bundle": (lambda folder: spoil(folder, b"[]"), "no signature"),
    "deep": (lambda folder: spoil(folder, b"[" * 200_000), "no signature"),
    "large": (lambda folder: spoil(folder, bytes(2**20 + 1)), "model.sig has 1,048,577 bytes"),
    "altered": (alter_payload, "no signature"),
    "without the signature itself": (unsign, "no signature"),
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_what_was_altered_after_it_was_signed_is_never_opened(
    signed: Path, keys: tuple[Path, Path], attack: str
) -> None:
    alter, sentence = ATTACKS[attack]
    alter(signed / "grey" / "versions" / "v1")
    with pytest.raises(ReleaseRefused, match=sentence):
        open_version(signed, "v1", keys[1])
    open_version(signed, "v2", keys[1])


def test_another_key_of_whatever_kind_opens_nothing(
    signed: Path, tmp_path: Path, keys: tuple[Path, Path]
) -> None:
    for curve in (ec.SECP256R1(), ec.SECP521R1()):
        _, public = write_keys(tmp_path, "other", curve)
        with pytest.raises(ReleaseRefused, match=r"of this release by a trusted key \(other.pub"):
            open_version(signed, "v1", public)


def test_a_file_altered_under_a_right_signature_is_refused_by_its_name(
    signed: Path, keys: tuple[Path, Path]
) -> None:
    graph = signed / "grey" / "versions" / "v1" / "generator.onnx"
    content = bytearray(graph.read_bytes())
    content[-1] ^= 1
    graph.write_bytes(content)
    with pytest.raises(ReleaseRefused, match=r"generator\.onnx"):
        open_version(signed, "v1", keys[1])


@pytest.mark.parametrize("kind", ["missing", "text", "private", "rsa"])
def test_a_file_that_is_no_public_key_stops_the_start(
    tmp_path: Path, keys: tuple[Path, Path], kind: str
) -> None:
    path = tmp_path / "key.pub"
    if kind == "text":
        path.write_text("ssh-ed25519 AAAA")
    elif kind == "private":
        shutil.copy(keys[0], path)
    elif kind == "rsa":
        path.write_bytes(
            rsa.generate_private_key(65537, 2048)
            .public_key()
            .public_bytes(PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        )
    with pytest.raises(WrongKey, match=r"GANYMEDE_TRUSTED_KEYS: .*key\.pub is no public key in PEM"):
        parse_key_files(f"{keys[1]}, {path}")


def test_without_the_library_keys_stop_the_start_with_what_to_install(
    monkeypatch: pytest.MonkeyPatch, keys: tuple[Path, Path]
) -> None:
    monkeypatch.setitem(sys.modules, "model_signing", None)
    with pytest.raises(WrongKey, match=r"install ganymede\[signing\]"):
        parse_key_files(str(keys[1]))
    assert parse_key_files(None) is None
    assert parse_key_files(" ") is None


def test_commas_without_a_file_do_not_mean_that_all_is_trusted() -> None:
    with pytest.raises(WrongKey, match="has commas and no file"):
        parse_key_files(" , ")


def test_a_signature_is_added_once(store: Store, keys: tuple[Path, Path], tmp_path: Path) -> None:
    manifest, files = describe_release(tmp_path / "files", {"generator.onnx": b"graph"})
    store.publish(manifest, files)
    assert store.signature("grey", "v1") is None
    sign(store, "v1", keys[0])
    content = store.signature("grey", "v1")
    assert content is not None
    TrustedKeys([keys[1]]).check(manifest, store.manifest_text("grey", "v1"), content)
    with pytest.raises(AlreadySigned, match="a signature never changes"):
        sign(store, "v1", keys[0])
    assert store.signature("grey", "v1") == content


def test_a_release_is_published_signed(store: Store, keys: tuple[Path, Path], tmp_path: Path) -> None:
    manifest, files = describe_release(tmp_path / "files", {"generator.onnx": b"graph"})
    store.publish(manifest, files, signature=sign_manifest(manifest, encode_manifest(manifest), keys[0]))
    trusted = TrustedStore(store, TrustedKeys([keys[1]]))
    assert trusted.manifest("grey", "v1") == manifest
    assert trusted.read(manifest, "generator.onnx") == b"graph"


@S3
def test_what_is_kept_of_a_store_that_is_away_is_trusted_no_more_than_the_store(
    s3_server, s3_uri: str, keys: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish_tiny_model(open_store(s3_uri), TinyModel())
    sign(open_store(s3_uri), "v1", keys[0])
    way = FaultyWay(urlsplit(s3_server.endpoint).port)
    way.start()
    try:
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", f"http://127.0.0.1:{way.port}")
        store = open_served_store(
            s3_uri,
            cache=str(tmp_path / "cache"),
            cache_max_bytes=10**7,
            timeout_s=PATIENCE_S,
            trusted_keys=TrustedKeys([keys[1]]),
        )
        manifest = store.manifest("grey", "v1")
        way.mode = "refuse"
        assert store.manifest("grey", "v1") == manifest
        [kept] = (tmp_path / "cache").rglob("manifest.json")
        change_manifest(kept.parent, licence="other")
        with pytest.raises(ReleaseRefused, match="no signature of this release"):
            store.manifest("grey", "v1")
    finally:
        way.stop()


def test_a_service_with_trusted_keys_serves_signed_versions_alone(
    signed: Path, keys: tuple[Path, Path], tmp_path: Path
) -> None:
    publish_tiny_model(signed, TinyModel(version="v3", weight_seed=3))
    with (
        run_server(
            signed, tmp_path, "--reload-interval-s", "0.2", GANYMEDE_TRUSTED_KEYS=str(keys[1])
        ) as server,
        server.client() as client,
    ):
        assert client.get("/readyz").status_code == 503  # production is v3
        for path in ("/generate", "/invocations"):
            refused = client.post(
                path,
                json={"model": "grey@v3", "seed": 1, "task": "generate"}
                if path == "/invocations"
                else {"model": "grey@v3", "seed": 1},
            )
            assert refused.status_code == 503
            assert "grey@v3 is not signed" in refused.json()["detail"]
        assert client.get("/images/grey@v3/1.png").status_code == 503
        assert client.post("/generate", json={"model": "grey@v2", "seed": 1}).status_code == 200
        assert httpx.get(f"{server.url}/models/grey/versions/v3").status_code == 503
        assert httpx.get(f"{server.url}/models/grey/versions/v2").status_code == 200


def test_the_commands_sign_verify_and_refuse(call_ganymede, keys: tuple[Path, Path], tmp_path: Path) -> None:
    private, public = map(str, keys)
    models = tmp_path / "models"
    publish_tiny_model(models, TinyModel())
    trust = {"GANYMEDE_TRUSTED_KEYS": public}
    drawing = ("generate", "grey", "-o", tmp_path / "grid.png", "--models", models)
    refused = call_ganymede(*drawing, **trust)
    assert refused.returncode == 1
    assert "grey@v1 is not signed" in refused.stderr
    assert "ganymede sign grey@v1 --key FILE" in refused.stderr
    assert call_ganymede("verify", "grey", "--key", public, "--models", models).returncode == 1
    refused = call_ganymede("promote", "grey", "v1", "--alias", "x", "--models", models, **trust)
    assert refused.returncode == 1
    done = call_ganymede("sign", "grey", "--key", private, "--models", models)
    assert done.returncode == 0, done.stderr
    assert "grey@v1 is signed" in done.stdout
    again = call_ganymede("sign", "grey", "--key", private, "--models", models)
    assert again.returncode == 1
    assert "never changes" in again.stderr
    assert call_ganymede(*drawing, **trust).returncode == 0
    verified = call_ganymede("verify", "grey@v1", "--key", public, "--models", models)
    assert verified.returncode == 0, verified.stderr
    assert "signature: of a trusted key" in verified.stdout
    added = call_ganymede(
        "directions", "grey", "--count", "1", "--sign", private, "--models", models, **trust
    )
    assert added.returncode == 0, added.stderr
    assert call_ganymede("verify", "grey@v2", "--models", models, **trust).returncode == 0


def test_a_wrong_private_key_signs_nothing(signed: Path, keys: tuple[Path, Path], tmp_path: Path) -> None:
    store = FolderStore(signed)
    publish_tiny_model(signed, TinyModel(version="v4"))
    for path in (keys[1], tmp_path / "missing.pem"):
        with pytest.raises(WrongKey, match="is no private key in PEM"):
            sign(store, "v4", path)
    assert store.signature("grey", "v4") is None
    assert signatures.MAX_SIGNATURE_BYTES == 2**20


def test_the_default_model_is_one_whose_production_version_is_trusted(
    signed: Path, keys: tuple[Path, Path]
) -> None:
    """Old versions may stay unsigned: they end no start, and an unsigned model takes no place."""
    publish_tiny_model(signed, TinyModel(name="another"))
    trusted = TrustedStore(FolderStore(signed), TrustedKeys([keys[1]]))
    assert find_default(trusted).model == "grey"


def test_where_no_production_version_is_trusted_the_default_model_is_refused_in_words(
    tmp_path: Path, keys: tuple[Path, Path]
) -> None:
    publish_tiny_model(tmp_path, TinyModel())
    with pytest.raises(ReleaseRefused, match="is not signed"):
        find_default(TrustedStore(FolderStore(tmp_path), TrustedKeys([keys[1]])))


def test_a_file_system_without_links_takes_a_signature_once(
    keys: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """FAT, and many that a network or a bucket is behind."""

    def refuse(*_: object) -> None:
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(os, "link", refuse)
    publish_tiny_model(tmp_path, TinyModel())
    store = FolderStore(tmp_path)
    sign(store, "v1", keys[0])
    open_version(tmp_path, "v1", keys[1])
    with pytest.raises(AlreadySigned):
        sign(store, "v1", keys[0])


def test_a_store_that_is_only_read_takes_no_signature_and_says_so(
    keys: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish_tiny_model(tmp_path, TinyModel())

    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(tempfile, "mkdtemp", refuse)
    manifest = FolderStore(tmp_path).manifest("grey", "v1")
    with pytest.raises(
        StoreError, match=r"v1 cannot be written: Read-only file system\. Nothing was changed"
    ):
        FolderStore(tmp_path).add_signature(manifest, b"signature")


def test_keys_in_the_home_folder_are_found_behind_an_equals_sign(
    call_ganymede, keys: tuple[Path, Path], tmp_path: Path
) -> None:
    for key in keys:
        shutil.copy(key, tmp_path)
    models, home = tmp_path / "models", {"HOME": str(tmp_path)}
    publish_tiny_model(models, TinyModel())
    done = call_ganymede("sign", "grey", f"--key=~/{keys[0].name}", "--models", models, **home)
    assert done.returncode == 0, done.stderr
    for word, variables in (
        (f"--key=~/{keys[1].name}", {}),
        ("", {"GANYMEDE_TRUSTED_KEYS": "~nobody-here/x"}),
    ):
        words = [word] if word else []
        said = call_ganymede("verify", "grey", *words, "--models", models, **home, **variables)
        assert (said.returncode, "Traceback" in said.stderr) == (1 if variables else 0, False), said.stderr
