"""The bill of materials that an image carries."""

from importlib.metadata import distributions, version

from deploy.sbom import bill

DPKG = """Package: libc6
Status: install ok installed
Architecture: amd64
Version: 2.41-12

Package: gone
Status: deinstall ok config-files
Architecture: amd64
Version: 1.0
"""


def test_it_lists_what_is_installed_and_nothing_that_is_gone():
    made = bill(distributions(), DPKG)
    purls = [one["purl"] for one in made["components"]]
    assert purls == sorted(purls)
    assert f"pkg:pypi/opentelemetry-sdk@{version('opentelemetry-sdk')}" in purls
    assert [purl for purl in purls if purl.startswith("pkg:deb/")] == ["pkg:deb/debian/libc6@2.41-12?arch=amd64"]
    assert (made["bomFormat"], made["specVersion"]) == ("CycloneDX", "1.6")


def test_it_names_licences():
    named = {one["name"]: one.get("licenses") for one in bill(distributions(), "")["components"]}
    assert named["fastapi"] == [{"license": {"name": "MIT"}}]
