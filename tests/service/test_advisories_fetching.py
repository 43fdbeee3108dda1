"""Advisories of Label Studio and CVAT about what a server fetches, and from where, because a client said so."""

import ast
import base64
import socket
from collections.abc import AsyncIterator, Iterator
from ipaddress import ip_address
from pathlib import Path

import httpx
import pytest

from services.detector.models import ModelUnusable, download
from services.detector.models.registry import KnownFile
from shared import fetching
from shared.errors import Unavailable
from shared.fetching.addresses import networks_in
from shared.identity import ROLES
from shared.objects import s3
from tests.service import archive_samples as archive
from tests.service.access_table import BODIES, OURS, Pretended, thing
from tests.service.buckets import HERE, Bucket, begun, hurry, over, refused, serving
from tests.service.receivers import Got, receiving
from tests.service.receivers import answering as moved
from tests.service.running import Api, assert_problem, running
from tests.service.staged_uploads import commit, staged
from tests.unit.http_server import answering

REPOSITORY = Path(__file__).parents[2]
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
HTML = b"<!doctype html><script>alert(document.domain)</script>"
CONNECTING = {
    "aiohttp",
    "ftplib",
    "http.client",
    "httpcore",
    "httpx",
    "requests",
    "smtplib",
    "socket",
    "urllib.request",
    "urllib3",
}
"""Modules by which a program reaches out. Those of MongoDB, RabbitMQ and S3 go where the settings say."""


@pytest.fixture
def ear() -> Iterator[socket.socket]:
    """A server on this machine that nobody is to come to."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.setblocking(False)
        yield listening
        with pytest.raises(BlockingIOError):
            listening.accept()


@pytest.fixture
async def teams(tmp_path: Path) -> AsyncIterator[Api]:
    async with running(tmp_path / "data", auth="on") as api:
        api.app.front._authenticator = Pretended()
        yield api


def addresses(ear: socket.socket) -> list[str]:
    """This machine, its files and what only it can reach, in the ways in which filters have missed them."""
    port = ear.getsockname()[1]
    here = ("127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "2130706433", "0x7f000001", "0177.0.0.1", "127.1")
    urls = [f"http://{host}:{port}/a.png" for host in here]
    others = (f"http://example.com@127.0.0.1:{port}/", "http://169.254.169.254/latest/meta-data/")
    return [*urls, *others, "file:///etc/passwd", "/etc/passwd", "data:image/png;base64,AAAA", "gopher://127.0.0.1/"]


async def assert_not_fetched(api: Api, url: str) -> None:
    """Where a picture belongs, an address is none, by every way in."""
    task_id = await api.task()
    where = f"/api/tasks/{task_id}/images"
    for path in (where, "/api/object_detection"):
        assert_problem(await api.http.post(path, json={"id": "a", "image": url}), 422, pointer="/image")
    for files in ([("images", (None, url))], [("images", ("a.png", url.encode()))]):
        assert_problem(await api.http.post(where, files=files), 422)
    assert_problem(await commit(api, task_id, await staged(api, task_id, ("a.png", url.encode()))), 422)
    assert await api.results(task_id) == []


async def assert_unknown_fields(api: Api, fields: dict[str, object]) -> None:
    """No request takes any of these, whatever it is for and whoever sends it."""
    named = await thing(api, OURS)
    asked = 0
    for (method, path), body in BODIES.items():
        if path == "/api/me/preferences":  # an object of the page's own, which nothing here reads
            continue
        for field, value in fields.items():
            if field == "url" and path.startswith("/api/webhooks"):  # where it belongs, behind a guard of its own
                continue
            if field in ("endpoint", "bucket") and path.endswith("/imports"):  # likewise
                continue
            assert_problem(await _first_allowed(api, method, path.format(**named, **_UNNAMED), body | {field: value}),
                           422, saying=field)  # fmt: skip
            asked += 1
    assert asked > 20


_UNNAMED = {"upload_id": "0" * 32, "person_id": "x", "team": "first", "webhook_id": "0" * 32, "run_id": "0" * 32}


async def _first_allowed(api: Api, method: str, path: str, body: dict) -> httpx.Response:
    """The answer to the first role that may ask."""
    for role in ROLES:
        answer = await api.http.request(method, path, json=body, headers={"x-as": f"{role}@{OURS}"})
        if answer.status_code != 403:
            return answer
    raise AssertionError(f"nobody may ask {method} {path}")


async def assert_no_route(api: Api, *paths: str) -> None:
    for path in paths:
        for method in METHODS:
            assert_problem(await api.http.request(method, path, headers={"x-as": f"client@{OURS}"}), 404)


async def test_cve_2022_36551_an_address_is_no_picture(api: Api, ear: socket.socket):
    """Data import fetched any URL and read files of the server; here nothing that a client sends is fetched."""
    for url in addresses(ear):
        await assert_not_fetched(api, url)


async def test_cve_2022_36551_nobody_signs_up_alone(tmp_path: Path):
    """Anyone could sign up and then import; here an account needs a link, and there is no other way to make one."""
    async with running(tmp_path / "data", auth="on") as api:
        account = {"name": "Eve", "password": "correct horse"}
        for token in ("first.x", "x", "0.0"):
            assert_problem(await api.http.post("/api/sessions/link", json=account | {"token": token}), 410)
        assert_problem(await api.http.post("/api/sessions", json=account), 401)
        assert_problem(await api.http.post("/api/users", json=account), 405)
        assert_problem(await api.http.post("/api/sessions/link", json=account), 422, pointer="/token")
        await assert_no_route(api, "/user/signup", "/api/auth/register", "/api/sessions/signup")


async def test_cve_2022_36551_imports(api: Api, ear: socket.socket):
    """An import from `file:`, loopback, link-local, a mapped or a decimal address reads nothing: no connection is made.
    What is written as such an address is refused at once; what is a name, once somebody asks what it leads to."""
    task_id, port = await api.task(), ear.getsockname()[1]
    where = f"/api/tasks/{task_id}/imports"
    for url in (
        *addresses(ear),
        f"https://127.0.0.1:{port}",
        f"https://[::1]:{port}",
        f"https://[::ffff:7f00:1]:{port}",
    ):
        assert_problem(await api.http.post(where, json={"endpoint": url, "bucket": "photos"}), 422, pointer="/endpoint")
    for host in ("localhost", "2130706433", "0x7f000001", "127.1"):
        path = await begun(api, task_id, {"endpoint": f"https://{host}:{port}", "bucket": "photos"})
        shown = await over(api, path)
        assert (shown["state"], shown["trouble"]) == ("failed", "the address is not one of the open network"), host


def test_cve_2023_47116_one_place_follows_addresses():
    """The guard against SSRF was passed by redirects and by names that change; here one module connects by URL."""
    found = {
        (path.relative_to(REPOSITORY).as_posix(), module)
        for folder in ("services", "shared", "embedded")
        for path in (REPOSITORY / folder).rglob("*.py")
        for name in _imported(path)
        for module in CONNECTING
        if f"{name}.".startswith(f"{module}.")
    }
    assert found == {
        ("shared/admin/reports.py", "socket"),  # this machine's name
        ("shared/fetching/__init__.py", "httpcore"),
        (
            "shared/fetching/__init__.py",
            "socket",
        ),  # tests/unit/test_fetching_addresses.py, tests/service/test_fetching.py
        ("shared/http/listener.py", "socket"),  # listens
        ("shared/http/operations_port.py", "socket"),
        ("shared/http/serving.py", "socket"),
        ("shared/objects/s3.py", "urllib3"),  # where the settings say
    }, "what follows an address of a client's needs a guard, and a test here of redirects and rebinding"


@pytest.mark.parametrize(
    "target", ["http://127.0.0.1:1/x", "https://localhost/x", "http://[::1]/x", "http://10.0.0.1/x"]
)
def test_cve_2023_47116_a_model_server_cannot_lead_here(tmp_path: Path, monkeypatch, target: str):
    """A redirect to loopback passed the guard; `models pull` asks nobody else than an https server elsewhere."""
    asked, connected = [], []
    guarded = fetching.Fetcher._sent

    async def sent(self, method, parts, *more):
        if parts.hostname != "models.example":
            return await guarded(self, method, parts, *more)
        asked.append(parts.geturl())
        return fetching.Answer(status=302, headers={"location": target})

    async def connect(*where, **_):
        connected.append(where)
        raise OSError

    monkeypatch.setattr(fetching.Fetcher, "_sent", sent)
    monkeypatch.setattr(fetching._To, "connect_tcp", connect)
    file = KnownFile(name="a.onnx", url="https://models.example/a.onnx", sha256="0" * 64, size=10)
    with pytest.raises(ModelUnusable, match=r"refused|not one of the open network"):
        download.download(file, tmp_path, progress=lambda _: None)
    assert (asked, connected) == ([file.url], [])
    assert list(tmp_path.iterdir()) == []


async def test_cve_2023_47116_imports(tmp_path: Path, ear: socket.socket, monkeypatch):
    """A server that answers 302 to loopback, and a name that changes between look-ups: no second connection."""
    port = ear.getsockname()[1]
    looked_up: list[str] = []

    async def resolve(host: str, _port: int):
        looked_up.append(host)
        return [ip_address("127.0.0.2" if len(looked_up) == 1 else "127.0.0.1")]

    async def leads_here(got: Got, _writer) -> bytes:
        return moved(302, f"Location: http://127.0.0.1:{port}{got.line.split()[1]}")

    hurry(monkeypatch)
    async with receiving("127.0.0.2", leads_here) as at:
        fetcher = fetching.Fetcher(networks_in("127.0.0.2/32"), resolve=resolve)
        async with running(tmp_path / "data", fetcher=fetcher) as api:
            task_id = await api.task()
            wanted = {"endpoint": f"http://s3.example:{at.port}", "bucket": "photos"}
            shown = await over(api, await begun(api, task_id, wanted))
            assert (shown["state"], len(at.got)) == ("failed", 1)
            assert "302: no redirect is followed" in shown["trouble"]
            shown = await over(api, await begun(api, task_id, wanted))
            assert (shown["state"], shown["trouble"]) == ("failed", "the address is not one of the open network")
            assert (len(looked_up), len(at.got)) == (2, 1)


async def test_cve_2025_25297_the_endpoint_is_a_setting(teams: Api, ear: socket.socket):
    """Clients named the endpoint of an S3 storage, which the server asked; here only imports take one, guarded."""
    url = addresses(ear)[0]
    await assert_unknown_fields(teams, {"s3_endpoint": url, "endpoint": url, "url": url})
    await assert_no_route(teams, "/api/storages/s3", "/api/storages/s3/validate")


async def test_cve_2025_25297_answers_of_a_storage_stay_inside(monkeypatch, caplog):
    """The body of whatever answered as S3 stood in the error; ours says neither it nor where it came from."""
    monkeypatch.setattr(s3, "PAUSE_S", 0)
    body = b"<Error><Code>AccessDenied</Code><Message>root:x:0:0</Message></Error>"
    for content in (body, b"root:x:0:0:not even XML"):
        with answering(lambda *_, content=content: (403, content)) as url:
            store = s3.S3ObjectStore(endpoint=url, access_key="a", secret_key="b", bucket="pictures")
            with pytest.raises(Unavailable) as caught:
                await store.get("0" * 32 + "/0.png")
            await store.close()
        assert "the object store failed" in caplog.text
        for told in (caught.value.detail, str([vars(record).get("error") for record in caplog.records])):
            assert "root:x" not in told
            assert url.removeprefix("http://") not in told


async def test_cve_2024_23633_html_is_never_taken(api: Api):
    """A file that was imported from elsewhere was served as HTML for its name; here it is 415, and nothing is kept."""
    task_id = await api.task()
    where = f"/api/tasks/{task_id}/images"
    encoded = base64.b64encode(HTML).decode()
    for answer in (
        await api.upload(task_id, ("x.html", HTML)),
        await api.http.post(where, files=[("images", ("x.png", HTML, "image/png"))]),
        await api.http.post(where, json={"id": "x.html", "image": encoded}),
        await api.upload(task_id, ("a.zip", archive.zipped(("x.html", HTML)))),
        await commit(api, task_id, await staged(api, task_id, ("x.html", HTML))),
    ):
        assert_problem(answer, 415, saying="HTML")
    assert list((api.folder / "objects").rglob("*.*")) == []
    assert await api.results(task_id) == []


async def test_cve_2024_23633_imports(tmp_path: Path):
    """An import of `x.html`, or of HTML called `x.png`, is refused with the reason, and never served."""
    with serving(Bucket({"x.html": HTML, "x.png": HTML})) as bucket:
        async with running(tmp_path / "data", **HERE) as api:
            path = await begun(api, await api.task(), bucket.body())
            assert (await over(api, path))["rejected"] == 2
            told = await refused(api, path)
            assert set(told) == {"x.html", "x.png"}
            assert all("HTML" in reason for reason in told.values())
            assert list((api.folder / "objects").rglob("*.*")) == []


async def test_cve_2022_31188_no_remote_files(teams: Api, ear: socket.socket):
    """A task's `remote_files` were fetched by the server; here no request has such a field, and none is asked for."""
    url = addresses(ear)[0]
    await assert_unknown_fields(teams, {"remote_files": [url], "server_files": ["/etc/passwd"], "image_url": url})
    client = {"x-as": f"client@{OURS}"}
    task = (await teams.http.post("/api/tasks", json=BODIES["POST", "/api/tasks"], headers=client)).json()
    where = f"/api/tasks/{task['id']}/images"
    for field in ("remote_files", "remote_files[0]", "url"):
        assert_problem(await teams.http.post(where, files=[(field, (None, url))], headers=client), 422)
    await assert_no_route(teams, f"/api/tasks/{task['id']}/data", f"/api/tasks/{task['id']}/import", "/api/import")


async def test_ghsa_q684_4jjh_83g6_no_cloud_storages_of_clients(teams: Api, ear: socket.socket):
    """Clients made cloud storages with an endpoint inside the network; here there are none to be made."""
    url = addresses(ear)[0]
    attributes = f"endpoint_url={url}"
    await assert_unknown_fields(teams, {"cloud_storage_id": 1, "specific_attributes": attributes, "endpoint_url": url})
    await assert_no_route(teams, "/api/cloudstorages", "/api/cloudstorages/1/content", "/api/cloudstorages/1/preview")


async def test_ghsa_q684_4jjh_83g6_imports(api: Api, ear: socket.socket):
    """An endpoint or a bucket that a client names is refused, or passes the guard of CVE-2023-47116."""
    where, port = f"/api/tasks/{await api.task()}/imports", ear.getsockname()[1]
    for bucket in ("..", "../x", "a/b", "a?b", "a#b", "@127.0.0.1", f"127.0.0.1:{port}", "a%2fb"):
        body = {"endpoint": "https://s3.example", "bucket": bucket}
        assert_problem(await api.http.post(where, json=body), 422, pointer="/bucket")
    for host in ("10.0.0.1", "192.168.1.1", "169.254.169.254", "[fd00::1]", "100.64.0.1"):
        body = {"endpoint": f"https://{host}:{port}", "bucket": "photos"}
        assert_problem(await api.http.post(where, json=body), 422, pointer="/endpoint")


async def test_ghsa_x396_w86c_gf6w_no_place_is_a_clients(teams: Api):
    """Clients chose in which storage and where a file was written; here no request takes a place."""
    places = {"storage": "share", "path": "../x", "bucket": "other", "target_storage": {"location": "cloud_storage"}}
    await assert_unknown_fields(teams, places)
    client = {"x-as": f"client@{OURS}"}
    named = await thing(teams, OURS)
    for query in ("path=x", "location=local", "cloud_storage_id=1", "filename=../x.csv"):
        export = await teams.http.get(f"/api/tasks/{named['task_id']}/export?{query}", headers=client)
        assert_problem(export, 422)


def _imported(path: Path) -> list[str]:
    """All that a module imports, by its whole name."""
    found = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            found += [f"{node.module}.{alias.name}" for alias in node.names]
    return found
