"""The folder of the page's pictures: what leaves it, and when."""

import os
import time

import pytest

from foundation.errors import Unavailable
from service.ui.folder import KEPT_S, Folder

YOUNG_S = 60


@pytest.fixture
def folder(tmp_path):
    return Folder(tmp_path, max_bytes=100_000, young_s=YOUNG_S)


def put(folder: Folder, name: str, *, age_s: float, size: int = 20_000):
    path = folder.path / name / "image.png"
    path.parent.mkdir()
    path.write_bytes(bytes(size))
    then = time.time() - age_s
    for each in (path, path.parent):
        os.utime(each, (then, then))
    return path


def test_what_is_too_old_goes_and_the_rest_stays(folder):
    old = put(folder, "old", age_s=KEPT_S + 60)
    recent = put(folder, "recent", age_s=KEPT_S - 60)
    folder.sweep()
    assert not old.exists()
    assert recent.exists()
    folder.check_room()


def test_over_the_bound_the_oldest_go_first_and_with_them_their_folders(folder):
    paths = [put(folder, str(index), age_s=800 - index) for index in range(8)]
    folder.sweep()
    assert [path.exists() for path in paths] == [False] * 3 + [True] * 5
    folder.check_room()
    then = time.time() - YOUNG_S - 1
    for path in paths[:3]:
        os.utime(path.parent, (then, then))
    folder.sweep()
    assert not any(path.parent.exists() for path in paths[:3])


def test_what_a_visitor_may_not_have_fetched_yet_stays_and_no_more_is_let_in(folder):
    paths = [put(folder, str(index), age_s=1) for index in range(8)]
    folder.sweep()
    assert all(path.exists() for path in paths)
    with pytest.raises(Unavailable, match="no room for more"):
        folder.check_room()
    then = time.time() - YOUNG_S - 1
    for path in paths:
        os.utime(path, (then, then))
    folder.sweep()
    folder.check_room()


def test_many_empty_files_count_too(folder):
    for index in range(20):
        put(folder, str(index), age_s=100, size=0)
    folder.sweep()
    assert len(list(folder.path.rglob("*.png"))) < 20


def test_a_link_to_elsewhere_is_removed_and_what_it_leads_to_stays(folder, tmp_path_factory):
    target = tmp_path_factory.mktemp("elsewhere") / "kept.png"
    target.write_bytes(b"kept")
    link = folder.path / "link.png"
    link.symlink_to(target)
    then = time.time() - KEPT_S - 60
    os.utime(link, (then, then), follow_symlinks=False)
    folder.sweep()
    assert not link.is_symlink()
    assert target.read_bytes() == b"kept"
