"""What `deploy/compose` promises, read from its files; each promise would be missed if it were broken.

`make images` runs them.
"""

import json
import re
import shutil
import stat
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic_settings import BaseSettings

from services.accounts.settings import AccountsSettings, ProviderSettings
from services.consensus.settings import ConsensusServiceSettings
from services.detector.settings import PrelabelerSettings
from services.notifier.settings import NotifierSettings
from services.subtask_manager.settings import SubtaskManagerSettings
from services.task_manager.settings import TaskManagerSettings
from services.worker.settings import WorkerServiceSettings
from shared.http.serving import GRACE_S
from shared.identity.tokens import Claims, key_pairs_in, public, public_keys_in

yaml = pytest.importorskip("yaml", reason="PyYAML is not installed: compose.yaml is not checked")

FOLDER = Path(__file__).parents[2] / "deploy/compose"
TEMPLATE = FOLDER.parent / "gateway/quorate.conf.template"
SETTINGS: dict[str, type[BaseSettings]] = {
    "task_manager": TaskManagerSettings,
    "subtask_manager": SubtaskManagerSettings,
    "notifier": NotifierSettings,
    "consensus": ConsensusServiceSettings,
    "worker": WorkerServiceSettings,
    "detector": PrelabelerSettings,
    "accounts": AccountsSettings,
}
PUBLISHED = {"gateway", "seaweedfs", "minio"}
ROOT_ALLOWED = {"minio"}
"""Its image knows no other user."""

ONE_SHOT = {"mongodb_users"}
"""Ends, and is done."""
USERS_FIRST = "mongodb_users"

Project = dict[str, Any]
"""`base`: compose.yaml; `dev`: compose.dev.yaml; `provider`: compose.provider.yaml."""

ASKED = re.compile(r"\$\{[A-Z0-9_]+:\?[^}]+\}")
INNERMOST = re.compile(r"\$\{(?P<name>[A-Z0-9_]+)(?::(?P<kind>[-?])(?P<rest>[^${}]*))?\}")


class NotSet(Exception):
    """A variable that Compose would refuse to start without."""


def load() -> Project:
    """All files, every alias as a value of its own."""
    files = {"base": "compose.yaml", "dev": "compose.dev.yaml", "provider": "compose.provider.yaml"}
    return {key: json.loads(json.dumps(yaml.safe_load((FOLDER / name).read_text()))) for key, name in files.items()}


def filled(text: object, variables: dict[str, str]) -> str:
    """A value as Compose fills it in."""

    def value(found: re.Match[str]) -> str:
        if given := variables.get(found["name"]):
            return given
        if found["kind"] == "?":
            raise NotSet(found["name"])
        return found["rest"] or ""

    before, after = "", str(text).replace("$$", "\0")
    while after != before:
        before, after = after, INNERMOST.sub(value, after)
    return after.replace("\0", "$")


def services(project: Project) -> Iterator[tuple[str, dict[str, Any]]]:
    yield from project["base"]["services"].items()


def everything(project: Project) -> Iterator[tuple[str, dict[str, Any]]]:
    """The services of all files."""
    for file in project.values():
        yield from file["services"].items()


def without_health(project: Project) -> list[str]:
    return [
        name for name, one in services(project) if name not in ONE_SHOT and not one.get("healthcheck", {}).get("test")
    ]


def without_limits(project: Project) -> list[str]:
    found = []
    for name, one in services(project):
        resources = one.get("deploy", {}).get("resources", {})
        has_limits = {"cpus", "memory", "pids"} <= resources.get("limits", {}).keys()
        if not has_limits or "memory" not in resources.get("reservations", {}):
            found.append(name)
    return found


def not_restarted(project: Project) -> list[str]:
    wanted = {name: "on-failure:5" if name in ONE_SHOT else "unless-stopped" for name, _ in services(project)}
    return [name for name, one in services(project) if one.get("restart") != wanted[name]]


def floating_images(project: Project) -> list[str]:
    found = []
    for name, one in services(project):
        image = filled(one.get("image", ""), {})
        if not re.fullmatch(r"[a-z0-9./-]+:[A-Za-z0-9._-]*\d[A-Za-z0-9._-]*", image) or "latest" in image:
            found.append(f"{name}: {image}")
    return found


def open_ports(project: Project) -> list[str]:
    ports = [(name, port) for name, one in everything(project) for port in one.get("ports", [])]
    found = [f"{name}: {port}" for name, port in ports if not str(port).startswith("${QUORATE_BIND:-127.0.0.1}:")]
    return found + [name for name, one in services(project) if "ports" in one and name not in PUBLISHED]


def written_secrets(project: Project) -> list[str]:
    found = []
    for name, one in everything(project):
        for variable, value in one.get("environment", {}).items():
            is_secret = re.search("PASS|SECRET|KEY|TOKEN|COOKIE", variable)
            secret = str(value) if is_secret and value is not None else None  # none: from .env, if it is there
            password = re.search(r"://[^:/@]*:(.*)@", str(value))
            parts = [part for part in (secret, password and password[1]) if part is not None]
            found += [f"{name}: {variable}" for part in parts if not ASKED.fullmatch(part)]
    return found


def uncontained(project: Project) -> list[str]:
    found = []
    wanted = {"read_only": True, "cap_drop": ["ALL"], "security_opt": ["no-new-privileges:true"]}
    for name, one in services(project):
        found += [f"{name}: {key}" for key, value in wanted.items() if one.get(key) != value]
        if "max-size" not in one.get("logging", {}).get("options", {}):
            found.append(f"{name}: its log may fill the disk")
    for name, one in everything(project):
        loose = {"privileged", "cap_add", "network_mode", "pid", "ipc", "devices"} & one.keys()
        loose |= {mount for mount in one.get("volumes", []) if "docker.sock" in mount}
        found += [f"{name}: {key}" for key in loose]
    return found


def root(project: Project) -> list[str]:
    users = {name: str(one.get("user", "0")) for name, one in services(project) if name not in ROOT_ALLOWED}
    return [name for name, user in users.items() if not re.fullmatch(r"[1-9]\d*:[1-9]\d*", user)]


def unknown_settings(project: Project) -> list[str]:
    found = []
    for name, one in everything(project):
        known = {f"QUORATE_{field.upper()}" for field in SETTINGS[name].model_fields} if name in SETTINGS else set()
        found += [
            f"{name}: {key}" for key in one.get("environment", {}) if key.startswith("QUORATE_") and key not in known
        ]
    return found


def unfilled_template(project: Project) -> list[str]:
    wanted = set(re.findall(r"\$\{(\w+)\}", TEMPLATE.read_text()))
    given = dict(project["base"]["services"]["gateway"]["environment"])
    pattern = re.compile(filled(given.pop("NGINX_ENVSUBST_FILTER", ""), {}))
    others = {"http_host", "remote_addr", "scheme", "PATH", "HOSTNAME", "MY_GATEWAY_LISTEN", "GATEWAY_LISTEN_TOO"}
    found = sorted(wanted ^ given.keys()) + [name for name in wanted if not pattern.search(name)]
    return found + [name for name in others if pattern.search(name)]


def open_networks(project: Project) -> list[str]:
    networks = project["base"].get("networks", {})
    found = [] if (networks.get("backend") or {}).get("internal") is True else ["backend is not internal"]
    found += [name for name, one in services(project) if "edge" in one["networks"] and name not in PUBLISHED]
    found += [name for name, one in services(project) if "outside" in one["networks"] and name != "notifier"]
    asked = {name: one["networks"] for name, one in project["provider"]["services"].items()}
    return found if asked == {"accounts": ["outside"]} else [*found, f"a provider is reached by {asked}"]


def doubled_ports(project: Project) -> list[str]:
    """Ports of this machine that two services publish: the S3 servers never run together."""
    ports = [filled(port, {}).rpartition(":")[0] for name, one in everything(project) for port in one.get("ports", [])
             if name != "minio"]  # fmt: skip
    return sorted({port for port in ports if ports.count(port) > 1})


def hasty_stops(project: Project) -> list[str]:
    found = []
    for name, one in services(project):
        wait_s = int(str(one.get("stop_grace_period", "10s")).removesuffix("s"))
        drain_s = float(one.get("environment", {}).get("QUORATE_DRAIN_S", 0))
        if name not in ONE_SHOT and wait_s <= 2 * GRACE_S + drain_s:
            found.append(name)
    return found


def cut_short(project: Project) -> list[str]:
    """Services whose connections end while the gateway may still send on them, or that cannot be replaced unnoticed."""
    upstreams = dict(re.findall(r"^upstream (\w+) \{(.*?)^\}", TEMPLATE.read_text(), re.MULTILINE | re.DOTALL))
    kept_s = {name: re.findall(r"keepalive_timeout (\d+)s;", text) for name, text in upstreams.items()}
    found = [name for name, told in kept_s.items() if len(told) != 1]
    idle_s = [int(one) for told in kept_s.values() for one in told]
    for name in SETTINGS:
        one = project["base"]["services"][name]
        is_replaced = one.get("labels", {}).get("quorate.replaced") == "one-by-one"
        drains = float(one["environment"].get("QUORATE_DRAIN_S", 0)) > max(idle_s)
        replicas = filled(one["deploy"].get("replicas", 1), {})
        if not (is_replaced and drains and int(replicas) > 1):
            found.append(name)
    return found


def wrong_order(project: Project) -> list[str]:
    every = project["base"]["services"]
    found = []
    for name, one in services(project):
        for other, how in one.get("depends_on", {}).items():
            is_right = other in every and how["condition"] == "service_healthy"
            is_right |= (name, other) == ("gateway", "detector")  # people work without a detector
            is_right |= other in ONE_SHOT and how["condition"] == "service_completed_successfully"
            if not is_right or ("profiles" in every[other] and how.get("required") is not False):
                found.append(f"{name}: {other}")
        if "mongodb" in one.get("depends_on", {}) and not {name, *one["depends_on"]} & {USERS_FIRST}:
            found.append(f"{name}: the users of MongoDB")
    return found


def lost_files(project: Project) -> list[str]:
    found = []
    for name, one in services(project):
        for mount in one.get("volumes", []):
            source, _, rest = mount.partition(":")
            is_kept = source in project["base"]["volumes"]
            if not is_kept and not ((FOLDER / source).is_file() and rest.endswith(":ro")):
                found.append(f"{name}: {mount}")
    return found


Policy = Callable[[Project], list[str]]
POLICIES: list[Policy] = [
    without_health,
    without_limits,
    not_restarted,
    floating_images,
    open_ports,
    written_secrets,
    uncontained,
    root,
    unknown_settings,
    unfilled_template,
    open_networks,
    doubled_ports,
    hasty_stops,
    cut_short,
    wrong_order,
    lost_files,
]
GONE = object()
PLANTED: list[tuple[Policy, str, Any]] = [
    (without_health, "base services gateway healthcheck", GONE),
    (without_health, "base services mongodb healthcheck", {"disable": True}),
    (without_limits, "base services rabbitmq deploy resources limits memory", GONE),
    (without_limits, "base services minio deploy", GONE),
    (not_restarted, "base services detector restart", "no"),
    (floating_images, "base services mongodb image", "mongo:latest"),
    (floating_images, "base services mongodb image", "mongo"),
    (floating_images, "base services detector image", "quorate-detector:${QUORATE_VERSION:-latest}"),
    (open_ports, "base services gateway ports", ["8080:8080"]),
    (open_ports, "base services gateway ports", ["${QUORATE_BIND:-0.0.0.0}:8080:8080"]),
    (open_ports, "base services mongodb ports", ["${QUORATE_BIND:-127.0.0.1}:27017:27017"]),
    (open_ports, "dev services mongodb ports", ["27017:27017"]),
    (written_secrets, "base services rabbitmq environment RABBITMQ_DEFAULT_PASS", "guest"),
    (written_secrets, "base services minio environment MINIO_ROOT_PASSWORD", "${S3_SECRET_KEY:-minioadmin}"),
    (written_secrets, "base services detector environment QUORATE_AMQP_URL", "amqp://quorate:quorate@rabbitmq:5672/"),
    (written_secrets, "dev services detector environment QUORATE_S3_SECRET_KEY", "secret"),
    (uncontained, "base services task_manager read_only", GONE),
    (uncontained, "base services mongodb cap_drop", []),
    (uncontained, "base services seaweedfs security_opt", GONE),
    (uncontained, "base services gateway logging", GONE),
    (uncontained, "dev services detector privileged", True),
    (uncontained, "base services gateway volumes", ["/var/run/docker.sock:/var/run/docker.sock:ro"]),
    (root, "base services subtask_manager user", GONE),
    (root, "base services rabbitmq user", "0:0"),
    (unknown_settings, "base services task_manager environment QUORATE_LEASE_S", "60"),
    (unknown_settings, "base services detector environment QUORATE_LEASE_S", "60"),
    (unknown_settings, "base services gateway environment QUORATE_PORT", "8080"),
    (unknown_settings, "dev services subtask_manager environment QUORATE_LOGLEVEL", "debug"),
    (unfilled_template, "base services gateway environment DETECTOR_SERVERS", GONE),
    (unfilled_template, "base services gateway environment STORE_SERVERS", "server store:1;"),
    (unfilled_template, "base services gateway environment NGINX_ENVSUBST_FILTER", GONE),
    (open_networks, "base networks backend", None),
    (open_networks, "base services rabbitmq networks", ["edge", "backend"]),
    (open_networks, "base services task_manager networks", ["outside", "backend"]),
    (open_networks, "provider services accounts networks", ["edge"]),
    (doubled_ports, "dev services accounts ports", ["${QUORATE_BIND:-127.0.0.1}:${ACCOUNTS_PORT:-8084}:8080"]),
    (hasty_stops, "base services task_manager stop_grace_period", "10s"),
    (hasty_stops, "base services mongodb stop_grace_period", GONE),
    (cut_short, "base services accounts environment QUORATE_DRAIN_S", "1"),
    (cut_short, "base services detector deploy replicas", GONE),
    (wrong_order, "base services task_manager depends_on mongodb condition", "service_started"),
    (wrong_order, "base services notifier depends_on mongodb_users", GONE),
    (wrong_order, "base services task_manager depends_on minio required", GONE),
    (lost_files, "base volumes mongodb", GONE),
    (lost_files, "base services mongodb volumes", ["mongodb:/data/db", "./servers/mongodb.sh:/servers/mongodb.sh"]),
    (lost_files, "base services mongodb volumes", ["mongodb:/data/db", "./servers/gone.sh:/servers/gone.sh:ro"]),
]


@pytest.mark.parametrize("policy", POLICIES, ids=lambda policy: policy.__name__)
def test_the_files_keep_the_policy(policy: Policy):
    assert policy(load()) == []


@pytest.mark.parametrize(("policy", "path", "value"), PLANTED, ids=[f"{p.__name__}: {path}" for p, path, _ in PLANTED])
def test_a_planted_violation_is_caught(policy: Policy, path: str, value: Any):
    project = load()
    *way, last = path.split()
    place = project
    for step in way:
        place = place[step]
    if value is GONE:
        del place[last]
    else:
        place[last] = value
    assert policy(project) != []


def test_every_policy_was_broken_once():
    assert {policy for policy, _, _ in PLANTED} == set(POLICIES)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("secrets.sh", "signing_key.sh"):
        shutil.copy(FOLDER / name, tmp_path)
    return tmp_path


def make_secrets(folder: Path) -> dict[str, str]:
    subprocess.run(["sh", str(folder / "secrets.sh")], cwd="/", check=True, capture_output=True)
    lines = [line for line in (folder / ".env").read_text().splitlines() if line and not line.startswith("#")]
    return dict(line.split("=", 1) for line in lines)


def test_secrets_are_for_their_owner_and_for_ever(folder: Path):
    made = make_secrets(folder)
    assert stat.S_IMODE((folder / ".env").stat().st_mode) == 0o600
    assert make_secrets(folder) == made
    assert sorted(path.name for path in folder.iterdir()) == [".env", "secrets.sh", "signing_key.sh"]
    assert ".env" in (FOLDER / ".gitignore").read_text().split()


def test_every_installation_has_secrets_of_its_own(folder: Path):
    first = make_secrets(folder)
    (folder / ".env").unlink()
    second = make_secrets(folder)
    secret = {name for name, value in first.items() if re.fullmatch("[0-9a-f]{20,}", value)}
    assert len({first[name] for name in secret}) == len(secret) == 12
    assert not {first[name] for name in secret} & {second[name] for name in secret}
    assert len(first["S3_ACCESS_KEY"]) <= 20, "MinIO takes no longer ones"
    assert len(first["S3_SECRET_KEY"]) <= 40, "MinIO takes no longer ones"


def test_a_provider_is_what_env_says_and_what_it_leaves_out_stays_as_it_is(monkeypatch: pytest.MonkeyPatch):
    """Of a value that the file leaves open Compose passes on what .env has, and otherwise nothing."""
    told = load()["provider"]["services"]["accounts"]["environment"]
    of_provider = {f"QUORATE_{name.upper()}" for name in ProviderSettings.model_fields if name.startswith("oidc_")}
    assert told.keys() == of_provider
    required = {name: value for name, value in told.items() if value is not None}
    for value in required.values():
        with pytest.raises(NotSet):
            filled(value, {})
    variables = {
        "QUORATE_OIDC_ISSUER": "https://id.example",
        "QUORATE_OIDC_CLIENT_ID": "quorate",
        "QUORATE_OIDC_ROLES": '{"labelers": {"first": ["operator"]}}',
    }
    for name, value in required.items():
        monkeypatch.setenv(name, filled(value, variables))
    terms = ProviderSettings(public_url="https://quorate.example").provider_terms
    assert terms is not None
    assert (terms.issuer, terms.client_secret, terms.name) == ("https://id.example", None, "your organization")
    assert not any(
        name.startswith("QUORATE_OIDC_") for _, one in services(load()) for name in one.get("environment", {})
    )


def asked_for() -> set[str]:
    text = (FOLDER / "compose.yaml").read_text() + (FOLDER / "compose.dev.yaml").read_text()
    return set(re.findall(r"\$\{([A-Z0-9_]+):\?", text))


def test_what_is_asked_for_is_generated(folder: Path):
    made = make_secrets(folder)
    assert asked_for() <= made.keys()
    assert made["COMPOSE_PROFILES"] in {"seaweedfs", "minio"}


@pytest.mark.parametrize("service", SETTINGS)
def test_the_services_take_their_settings(folder: Path, service: str, monkeypatch: pytest.MonkeyPatch):
    variables = make_secrets(folder) | {"S3_PORT": "9100"}
    for name, value in load()["base"]["services"][service]["environment"].items():
        monkeypatch.setenv(name, filled(value, variables))
    settings = SETTINGS[service]()
    settings.refuse_if_unsafe()
    assert settings.hosts == {"127.0.0.1", "localhost", "[::1]", "0.0.0.0"}
    assert settings.auth == "on"
    if service == "accounts":
        signer, verifier = settings.keys()
        claims = Claims(person="p", name="", team="t", roles=(), session="s", epoch=0, expires_at=100.0)
        assert verifier.verified(signer.token(claims, 1.0), 1.0) == claims
        verifying = [public(one) for one in key_pairs_in(variables["SIGNING_KEYS"])]
        assert public_keys_in(variables["VERIFYING_KEYS"]) == verifying
    else:
        assert public_keys_in(settings.verifying_keys), "without them it knows nobody, and does not start"
    if service not in {"accounts", "notifier", "consensus"}:  # which need no pictures, and so get no key to them
        assert settings.s3_public_endpoint == "http://localhost:9100"
        assert settings.s3_secret_key.get_secret_value() == variables["S3_SECRET_KEY"]
    assert f":{variables['RABBITMQ_PASSWORD']}@" in settings.amqp_url.get_secret_value()


def test_what_env_shows_is_what_compose_takes_by_default(folder: Path):
    make_secrets(folder)
    shown = dict(re.findall(r"^# ([A-Z0-9_]+)=(.*)$", (folder / ".env").read_text(), re.MULTILINE))
    text = (FOLDER / "compose.yaml").read_text()
    for name, value in shown.items():
        found = re.findall(rf"\$\{{{name}:-((?:[^{{}}]|\{{[^}}]*\}})*)\}}", text)
        assert {filled(one, {}) for one in found} == {value}, name
