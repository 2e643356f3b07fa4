from service.engine.cores import read_quota, usable_cores


def files(folder, **texts):
    for name, text in texts.items():
        (folder / name).write_text(text)
    return folder / "max", folder / "quota", folder / "period"


def test_a_container_quota_counts_not_the_hosts_cores(tmp_path):
    assert read_quota(*files(tmp_path, max="150000 100000\n")) == 1.5


def test_the_older_kernel_interface_is_read_too(tmp_path):
    assert read_quota(*files(tmp_path, quota="400000\n", period="100000\n")) == 4


def test_without_a_quota_there_is_none(tmp_path):
    assert read_quota(*files(tmp_path, max="max 100000\n")) is None
    (tmp_path / "max").unlink()
    assert read_quota(*files(tmp_path, quota="-1\n", period="100000\n")) is None
    assert read_quota(tmp_path / "a", tmp_path / "b", tmp_path / "c") is None


def test_at_least_one_core_is_usable():
    assert usable_cores() >= 1
