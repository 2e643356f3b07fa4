"""The Dockerfile: what builds an image runs on the builder's own processor, whatever the image is for."""

import re

from tests.conftest import REPOSITORY

DOCKERFILE = (REPOSITORY / "Dockerfile").read_text()
STAGES = re.findall(
    r"^FROM (--platform=\S+ )?(\S+) AS (\S+)\n(.*?)(?=^FROM |\Z)", DOCKERFILE, re.MULTILINE | re.DOTALL
)


def test_nothing_of_another_processor_is_run_so_that_no_emulation_is_needed():
    """Pip alone took more than ten minutes of it."""
    ours: dict[str, bool] = {}
    running = []
    for platform, base, name, body in STAGES:
        ours[name] = platform.strip() == "--platform=$BUILDPLATFORM" or ours.get(base, False)
        if re.search(r"^RUN ", body, re.MULTILINE):
            running.append(name)
    assert len(STAGES) == len(re.findall(r"^FROM ", DOCKERFILE, re.MULTILINE)) >= 10
    assert running
    assert all(ours[name] for name in running), running
    assert not any(ours[name] for name in ("cpu", "gpu", "training", "training-gpu"))
