"""Whether a registry's scan found a critical fault that a newer package mends: `fixable.py SCAN UPGRADABLE`.

SCAN is what `aws ecr describe-image-scan-findings` prints, of basic or of enhanced scanning. UPGRADABLE is
what `deploy/upgradable` prints: the image's Debian packages that have a newer version. A fault that nobody
has mended yet is listed and stops nothing: waiting would stop every release, and help nobody.
"""

import json
import sys
from collections.abc import Iterator, Set
from pathlib import Path
from typing import Any

CRITICAL = "CRITICAL"


def find_critical(scan: dict[str, Any], upgradable: Set[str]) -> Iterator[tuple[str, str, bool]]:
    """Name, package and whether a fix exists, of each critical finding."""
    findings = scan["imageScanFindings"]
    for finding in findings.get("findings", ()):
        if finding["severity"] == CRITICAL:
            attributes = {each["key"]: each["value"] for each in finding.get("attributes", ())}
            package = attributes.get("package_name", "?")
            yield finding["name"], package, package in upgradable
    for finding in findings.get("enhancedFindings", ()):
        if finding["severity"] == CRITICAL:
            details = finding.get("packageVulnerabilityDetails", {})
            packages = ", ".join(each["name"] for each in details.get("vulnerablePackages", ())) or "?"
            name = details.get("vulnerabilityId", finding.get("title", "?"))
            yield name, packages, finding.get("fixAvailable") in ("YES", "PARTIAL")


def main() -> None:
    """List the critical findings; end with 1 if one of them can be mended."""
    scan, upgradable = (Path(argument).read_text() for argument in sys.argv[1:3])
    found = sorted(find_critical(json.loads(scan), frozenset(upgradable.split())))
    for name, package, fixable in found:
        sys.stdout.write(
            f"{name} in {package}: {'a fix exists' if fixable else 'nobody has mended it yet'}\n"
        )
    if any(fixable for _, _, fixable in found):
        sys.exit("Build on a base image, or with packages, that have the fix.")


if __name__ == "__main__":
    main()
