"""Every block of docs/clients.md is run here against a server with the bundled models."""

import os
import re
import subprocess
import sys

import pytest

from tests.conftest import REPOSITORY, run_server

pytestmark = pytest.mark.xdist_group("clients")
TEXT = (REPOSITORY / "docs" / "clients.md").read_text()
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
RENDER = """
import { createElement } from "react";
import { renderToString } from "react-dom/server";
import Pictures from "./component.mjs";
console.log(renderToString(createElement(Pictures, { service: "http://x", model: "emoji", seeds: [1, 2] })));
"""


def blocks(language):
    return [content for kind, content in BLOCKS if kind == language]


@pytest.fixture(scope="module")
def bundled(tmp_path_factory):
    folder = tmp_path_factory.mktemp("documented")
    with run_server(REPOSITORY / "models", folder, "--ui", "off") as running:
        yield running


@pytest.fixture
def place(tmp_path):
    """A folder with the models in it, where a snippet runs."""
    (tmp_path / "models").symlink_to(REPOSITORY / "models")
    return tmp_path


def at(server, text):
    return text.replace("localhost:8000", server.url.removeprefix("http://"))


def run(folder, *words):
    done = subprocess.run(
        [str(word) for word in words],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_page_has_a_block_for_each_kind_of_client():
    kinds = [kind for kind, _ in BLOCKS]
    assert {kind: kinds.count(kind) for kind in kinds} == {
        "sh": 3,
        "python": 8,
        "js": 1,
        "html": 1,
        "jsx": 1,
    }


@pytest.mark.parametrize("block", blocks("python"), ids=range(len(blocks("python"))))
def test_python(block, bundled, place):
    (place / "snippet.py").write_text(at(bundled, block))
    run(place, sys.executable, "snippet.py")


@pytest.mark.parametrize("block", blocks("sh"), ids=range(len(blocks("sh"))))
def test_curl(block, bundled, place):
    run(place, "sh", "-ec", at(bundled, block).replace("curl ", "curl -sf "))
    for written in place.iterdir():
        assert written.is_symlink() or written.stat().st_size > 100


def test_fetch(bundled, place, tools):
    (place / "snippet.mjs").write_text(at(bundled, blocks("js")[0]))
    assert re.search(r"@v\d+ \[ 1, 2, 3 \] 3", run(place, tools.node, "snippet.mjs"))


def test_addresses(bundled):
    [page] = blocks("html")
    addresses = re.findall(r'src="([^"]+)"', page)
    assert len(addresses) == 3
    with bundled.client() as client:
        kinds = [client.get(at(bundled, address)).headers["content-type"] for address in addresses]
    assert [kind.partition(";")[0] for kind in kinds] == [
        "image/png",
        "video/mp4",
        "multipart/x-mixed-replace",
    ]


def test_react(place, tools):
    (place / "component.jsx").write_text(blocks("jsx")[0])
    (place / "node_modules").symlink_to(tools.modules)
    compiler = tools.modules / "typescript/bin/tsc"
    flags = (
        "--jsx",
        "react-jsx",
        "--allowJs",
        "--checkJs",
        "false",
        "--target",
        "es2022",
        "--module",
        "esnext",
    )
    run(
        place,
        tools.node,
        compiler,
        *flags,
        "--moduleResolution",
        "bundler",
        "component.jsx",
        "--outDir",
        "out",
    )
    (place / "component.mjs").write_text((place / "out" / "component.js").read_text())
    (place / "render.mjs").write_text(RENDER)
    shown = run(place, tools.node, "render.mjs")
    assert '<video src="http://x/latent-walk?model=emoji&amp;seeds=1,2&amp;format=mp4"' in shown
