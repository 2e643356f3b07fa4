"""How many cores this process may really use: the container's quota, not the host's number."""

import math
import os
from pathlib import Path

_CGROUP_2 = Path("/sys/fs/cgroup/cpu.max")
_CGROUP_1_QUOTA = Path("/sys/fs/cgroup/cpu/cpu.cfs_quota_us")
_CGROUP_1_PERIOD = Path("/sys/fs/cgroup/cpu/cpu.cfs_period_us")


def usable_cores() -> int:
    """Cores by affinity and by cgroup quota (rounded up), whichever is less; at least 1."""
    affinity = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota = read_quota(_CGROUP_2, _CGROUP_1_QUOTA, _CGROUP_1_PERIOD)
    return affinity if quota is None else max(1, min(affinity, math.ceil(quota)))


def read_quota(cgroup_2: Path, cgroup_1_quota: Path, cgroup_1_period: Path) -> float | None:
    """The quota in cores from the kernel's files (cgroup v2, else v1), or None where there is none."""
    try:
        quota, period = cgroup_2.read_text(encoding="ascii").split()
    except (OSError, ValueError):
        try:
            quota, period = (
                cgroup_1_quota.read_text(encoding="ascii").strip(),
                cgroup_1_period.read_text(encoding="ascii").strip(),
            )
        except OSError:
            return None
    if not quota.isdigit() or not period.isdigit() or int(period) == 0:  # `max`, or -1
        return None
    return int(quota) / int(period)
