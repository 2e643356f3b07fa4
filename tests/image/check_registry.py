"""What a release pushes, in a real registry (Debian's `docker-registry`): one manifest, under one digest."""

import json
import os
import re
import shutil
import socket
import subprocess
from contextlib import contextmanager

import httpx
import pytest

from tests.conftest import REPOSITORY
from tests.image.conftest import docker, find_program
from tests.patience import wait_until

TAKEN_BY_SAGEMAKER = {
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.oci.image.manifest.v1+json",
}


@pytest.fixture(scope="module")
def registry(tmp_path_factory):
    """The address of a registry on this machine."""
    with run_registry(tmp_path_factory.mktemp("registry")) as address:
        yield address


@pytest.fixture(scope="module")
def another_registry(tmp_path_factory):
    """As another account's."""
    with run_registry(tmp_path_factory.mktemp("another")) as address:
        yield address


@contextmanager
def run_registry(folder):
    binary, _ = find_program("docker-registry", "docker-registry")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    configuration = {
        "version": "0.1",
        "storage": {"filesystem": {"rootdirectory": str(folder / "data")}},
        "http": {"addr": address},
    }
    (folder / "config.yml").write_text(json.dumps(configuration))
    process = subprocess.Popen([binary, "serve", folder / "config.yml"], stderr=subprocess.DEVNULL)

    def answers():
        try:
            return httpx.get(f"http://{address}/v2/").status_code == 200
        except httpx.TransportError:
            return False

    try:
        wait_until(answers)
        yield address
    finally:
        process.kill()
        process.wait()
        # The engine keeps what it pushed, under the address of a registry that is no more.
        if left := docker("images", "--format", "{{.Repository}}:{{.Tag}}", f"{address}/*").split():
            docker("rmi", *left)


@pytest.fixture
def source(tmp_path):
    (tmp_path / "Dockerfile").write_text("FROM scratch AS cpu\nCOPY hello /\n")
    (tmp_path / "hello").write_text("hello")
    return tmp_path


def run(name, *arguments, cwd, **variables):
    return subprocess.run(
        [REPOSITORY / "deploy" / name, *arguments],
        cwd=cwd,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def skopeo_home(tmp_path, registry, another_registry):
    """A home in which skopeo takes both registries over plain HTTP, as Docker does by itself."""
    if not shutil.which("skopeo"):
        subprocess.run(["apt-get", "install", "-y", "-qq", "skopeo"], check=True, stdout=subprocess.DEVNULL)
    folder = tmp_path / "home/.config/containers"
    folder.mkdir(parents=True)
    entries = (
        f'[[registry]]\nlocation = "{each}"\ninsecure = true\n' for each in (registry, another_registry)
    )
    (folder / "registries.conf").write_text("".join(entries))
    return str(tmp_path / "home")


def test_what_is_pushed_is_one_manifest_for_one_platform_under_the_digest_that_is_printed(registry, source):
    done = run("push", f"{registry}/ganymede:release-1", "cpu", cwd=source)
    assert done.returncode == 0, done.stderr
    digest = done.stdout.strip()
    assert re.fullmatch("sha256:[0-9a-f]{64}", digest)
    headers = {"Accept": ", ".join([*TAKEN_BY_SAGEMAKER, "application/vnd.oci.image.index.v1+json"])}
    manifest = httpx.get(f"http://{registry}/v2/ganymede/manifests/{digest}", headers=headers)
    assert manifest.headers["content-type"] in TAKEN_BY_SAGEMAKER
    content = manifest.json()
    assert "manifests" not in content
    blob = httpx.get(f"http://{registry}/v2/ganymede/blobs/{content['config']['digest']}").json()
    assert (blob["os"], blob["architecture"]) == ("linux", "amd64")
    again = run("digest", f"{registry}/ganymede:release-1", cwd=source)
    assert again.stdout.strip() == digest


def test_what_is_promoted_is_the_same_manifest_under_the_same_digest(
    registry, another_registry, source, skopeo_home
):
    digest = run("push", f"{registry}/ganymede:release-2", "cpu", cwd=source).stdout.strip()
    proven, tag = f"{registry}/ganymede@{digest}", f"{another_registry}/ganymede:release-2"
    done = run("promote", proven, tag, cwd=source, HOME=skopeo_home)
    assert (done.returncode, done.stdout) == (0, f"{digest}\n"), done.stderr
    headers = {"Accept": ", ".join(TAKEN_BY_SAGEMAKER)}
    before, after = (
        httpx.get(f"http://{each}/v2/ganymede/manifests/{digest}", headers=headers)
        for each in (registry, another_registry)
    )
    assert before.status_code == after.status_code == 200
    assert before.content == after.content
    absent = run("promote", f"{registry}/ganymede@sha256:{'0' * 64}", tag, cwd=source, HOME=skopeo_home)
    assert (absent.returncode != 0, absent.stdout) == (True, "")


def test_a_tag_that_is_not_there_has_no_digest(registry, source):
    done = run("digest", f"{registry}/ganymede:nothing", cwd=source)
    assert done.returncode != 0
    assert done.stdout == ""
