"""The bill of materials of an image, as CycloneDX: `python -P sbom.py FILE`, run while the image is built.

It lists what is installed for this Python, and Debian's packages of the base image.
"""

import json
import re
import sys
from collections.abc import Iterable, Iterator
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import Any

DPKG_STATUS = Path("/var/lib/dpkg/status")


def bill(found: Iterable[Distribution], dpkg_status: str) -> dict[str, Any]:
    """The components in the order of their names: the same for the same image."""
    components = [*map(_python_package, found), *_debian_packages(dpkg_status)]
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "components": sorted(components, key=lambda one: one["purl"]),
    }


def _python_package(one: Distribution) -> dict[str, Any]:
    name = re.sub(r"[-_.]+", "-", one.metadata["Name"]).lower()
    component = _component(name, one.version, f"pkg:pypi/{name}@{one.version}")
    told = one.metadata.json
    licence = str(told.get("license_expression") or told.get("license", ""))
    if licence and "\n" not in licence:  # some packages put the whole text there
        component["licenses"] = [{"license": {"name": licence}}]
    return component


def _debian_packages(status: str) -> Iterator[dict[str, Any]]:
    for entry in status.split("\n\n"):
        fields = dict(re.findall(r"^(Package|Version|Architecture|Status): (.*)$", entry, re.MULTILINE))
        if fields.get("Status", "").endswith(" installed"):
            name, version = fields["Package"], fields["Version"]
            yield _component(name, version, f"pkg:deb/debian/{name}@{version}?arch={fields['Architecture']}")


def _component(name: str, version: str, purl: str) -> dict[str, Any]:
    return {"type": "library", "name": name, "version": version, "purl": purl, "bom-ref": purl}


if __name__ == "__main__":
    status = DPKG_STATUS.read_text() if DPKG_STATUS.exists() else ""
    Path(sys.argv[1]).write_text(json.dumps(bill(distributions(), status), indent=1))
