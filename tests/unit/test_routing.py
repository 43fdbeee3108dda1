"""Which path belongs to which service is said once, by the routers of its part. Whatever leads requests there follows:
the gateway of `deploy/compose` and `deploy/local`, and the Ingress of `deploy/k8s`. Which paths are pages is said by
the web application; the task manager serves them."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from fastapi import FastAPI

from deploy.local.platform import SERVICES
from embedded.app import assemble
from embedded.settings import Settings
from shared.part import Part

yaml = pytest.importorskip("yaml", reason="PyYAML is not installed: the manifests are not checked")

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
PLACES = ROOT / "ui/src/shell/places.ts"
INSIDE = {"/healthz", "/readyz", "/metrics"}
"""What every process answers for those who run it."""
LOCATION = re.compile(r"location (?:(?P<kind>[=~]) )?(?P<place>\S+) \{(?P<body>[^}]*)\}")

Owners = Mapping[str, str]
"""The service of each path."""


@dataclass(frozen=True)
class Entry:
    """A line of a list: what it takes, and the service that it leads to; None: it goes no further."""

    takes: str
    service: str | None


def paths(part: Part) -> set[str]:
    """What a service serves by itself."""
    app = FastAPI()
    for router in part.routers:
        app.include_router(router)
    return set(app.openapi()["paths"])


def pages() -> set[str]:
    """The web application's own paths, for people who are signed in or not, and those of its files."""
    return {"/", "/assets/x", "/sign-in/return", "/link/x"} | set(re.findall(r'path: "(/[^/":]+)', PLACES.read_text()))


@pytest.fixture(scope="module")
def owners(tmp_path_factory: pytest.TempPathFactory) -> Owners:
    platform = assemble(Settings(data_dir=tmp_path_factory.mktemp("data"), auth="on"))
    found = {path: part.name for part in platform.parts.values() for path in paths(part)}
    [admin] = [part.name for part in platform.parts.values() if part.answers_admin]
    everything = platform.deployable.app.openapi()["paths"].keys()
    assert found.keys() <= everything
    found |= dict.fromkeys(everything - found.keys() - INSIDE, admin)
    assert {path for path, service in found.items() if path.startswith("/api/admin/")} == {
        "/api/admin/status",
        "/api/admin/services",
        "/api/admin/series",
        "/api/admin/dead",
        "/api/admin/dead/{letter_id}",
        "/api/admin/dead/replay",
        "/api/admin/quotas",
        "/api/admin/quotas/{team}",
        "/api/admin/operators",
    } | {path for path in found if path.startswith(("/api/admin/keys", "/api/admin/audit", "/api/admin/erasures"))}
    return found | dict.fromkeys(pages(), "task_manager")


def nginx(text: str) -> Callable[[str], Entry]:
    """The location that nginx takes for a path: the exact one, else the first pattern, else the longest beginning."""
    exact, patterns, prefixes = {}, [], {}
    for found in LOCATION.finditer(text):
        passed = re.search(r"proxy_pass http://(\w+);", found["body"])
        service = passed and passed[1]
        match found["kind"]:
            case "=":
                exact[found["place"]] = Entry(found["place"], service)
            case "~":
                words = re.search(r"\(([\w|/]+)\)", found["place"])
                patterns += [(found["place"].replace(words[0], word), service) for word in words[1].split("|")]
            case None:
                prefixes[found["place"]] = Entry(found["place"], service)

    def take(path: str) -> Entry:
        if path in exact:
            return exact[path]
        for pattern, service in patterns:
            if re.search(pattern, path):
                return Entry(pattern, service)
        return prefixes[max((one for one in prefixes if path.startswith(one)), key=len)]

    take.entries = {Entry(*one) for one in patterns} | set(prefixes.values())
    return take


def ingress(text: str) -> Callable[[str], Entry]:
    """The path of the Ingress that is taken: the exact one, else the longest of whole segments of the one asked for."""
    [rule] = yaml.safe_load(text)["spec"]["rules"]
    entries, exact = {}, {}
    for one in rule["http"]["paths"]:
        kind = {"Prefix": entries, "Exact": exact}[one["pathType"]]
        kind[one["path"]] = Entry(one["path"], one["backend"]["service"]["name"].replace("-", "_"))

    def take(path: str) -> Entry:
        if path in exact:
            return exact[path]
        taking = [one for one in entries if f"{path}/".startswith(f"{one}/")]
        return entries[max(taking, key=len)] if taking else Entry("", None)

    take.entries = {*entries.values(), *exact.values()}
    return take


LISTS = {
    "gateway": (DEPLOY / "gateway/quorate.conf.template", nginx),
    "ingress": (DEPLOY / "k8s/base/ingress.yaml", ingress),
}


def misled(take: Callable[[str], Entry], owners: Owners) -> set[str]:
    """Paths that lead elsewhere than to their service."""
    asked = {path: re.sub(r"\{\w+\}", "x", path) for path in owners}
    return {path for path, service in owners.items() if take(asked[path]).service != service}


def dead(take: Callable[[str], Entry], owners: Owners) -> set[str]:
    """Entries that lead to a service and that no path of a service takes."""
    taken = {take(re.sub(r"\{\w+\}", "x", path)) for path in owners}
    return {entry.takes for entry in take.entries - taken if entry.service}


@pytest.mark.parametrize("name", LISTS)
def test_every_path_leads_to_its_service_and_no_entry_is_dead(owners: Owners, name: str):
    path, read = LISTS[name]
    take = read(path.read_text())
    assert (misled(take, owners), dead(take, owners)) == (set(), set())
    assert [take(one).service for one in sorted(INSIDE)] == [None] * len(INSIDE)


@pytest.mark.parametrize("name", LISTS)
def test_a_planted_mistake_is_found(owners: Owners, name: str):
    path, read = LISTS[name]
    take = read(path.read_text().replace("leases", "loans"))
    assert misled(take, owners) == {one for one in owners if one.startswith("/api/leases")}
    [entry] = dead(take, owners)
    assert "/api/loans" in entry
    take = read(path.read_text().replace("models", "models2"))
    assert misled(take, owners) == {"/api/models"}


def test_the_lists_of_services_are_those_of_the_parts(owners: Owners):
    assert set(SERVICES) == set(owners.values())
    assert {"/", "/label", "/tasks", "/settings"} <= owners.keys()
    template = LISTS["gateway"][0].read_text()
    assert set(re.findall(r"^upstream (\w+)", template, re.MULTILINE)) == set(SERVICES)
    composed = yaml.safe_load((DEPLOY / "compose/compose.yaml").read_text())["services"]
    assert {name for name in composed if name in SERVICES} == set(SERVICES)
    assert composed["gateway"]["depends_on"].keys() == set(SERVICES)
    assert {path.parent.name.replace("-", "_") for path in (DEPLOY / "k8s/base").glob("*/deployment.yaml")} == set(
        SERVICES
    )
