"""Advisories of Label Studio and CVAT about files: as what they are served, where they are written, what they run."""

import base64
import io
import pickle
import re
import zipfile
import zlib
from pathlib import Path

import httpx
import pytest

from services.detector.models import ModelUnusable, resolve
from services.detector.models.onnx_model import find_onnx_model
from services.detector.models.registry import read_registry
from shared.objects.keys import is_key
from tests.service import archive_samples as archive
from tests.service.access_table import BODIES, routes
from tests.service.buckets import HERE, Bucket, begun, over, serving
from tests.service.picture_samples import GOOD, png
from tests.service.running import Api, assert_problem, running
from tests.service.staged_uploads import begin, commit, stage, staged
from tests.unit.onnx_samples import write_weights_beside
from tests.unit.test_pictures_samples import encoded, jpeg_with, scene

REPOSITORY = Path(__file__).parents[2]
MEDIA_TYPES = {"application/json", "text/csv", "application/x-ndjson"}
BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
SCRIPT = "<script>alert(1)</script>"
MARKUP = "<img src=x onerror=alert(1)>"
SVG = f'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)">{SCRIPT}</svg>'.encode()


async def served(api: Api, task_id: str) -> httpx.Response:
    """The only picture of a task, as a browser gets it, whatever it hopes for."""
    [image] = await api.results(task_id)
    assert is_key(re.sub(r"^.*/objects/|\?.*$", "", image["image_url"])), image["image_url"]
    answer = await api.http.get(image["image_url"], headers=BROWSER)
    assert answer.status_code == 200
    return answer


def assert_inert(answer: httpx.Response, media_type: str) -> None:
    assert answer.headers["content-type"] == media_type
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")


async def test_ghsa_cpmr_mw4j_99r7_no_path_leads_out(api: Api):
    """nginx served what lies beside a folder by `/static../`; here no path reads a file that was not named before."""
    secret, page = (api.folder / "secret").read_bytes(), (await api.http.get("/")).content
    for prefix in ("/static", "/assets", "/objects", f"/objects/{'0' * 32}", "/api/renditions", "/data"):
        for way in ("../secret", "/../secret", "%2f..%2fsecret", "/..%2f..%2fsecret", "/%2e%2e/secret", "/..%5csecret"):
            for suffix in ("", "%00.png", "?expires=99999999999&signature=" + "0" * 64):
                answer = await api.http.get(prefix + way + suffix)
                assert answer.status_code in {404, 422}  # renditions take no signature
                opened = await api.http.get(prefix + way + suffix, headers=BROWSER)
                assert opened.content == page or opened.status_code == answer.status_code
                assert secret not in answer.content + opened.content
    gateway = (REPOSITORY / "deploy/gateway/quorate.conf.template").read_text()
    assert re.findall(r"(?:^|[;{])\s*(?:alias|root|try_files|index|autoindex)\b", gateway, re.MULTILINE) == []
    assert "proxy_pass" in gateway


@pytest.mark.parametrize(
    ("data", "media_type"),
    [
        (jpeg_with(encoded(scene(), "jpg"), b"\xff\xfe\x00\x1b" + SCRIPT.encode()), "image/jpeg"),
        (encoded(scene(), "bmp") + SCRIPT.encode(), "image/bmp"),
        (encoded(scene(), "png") + SCRIPT.encode(), "image/png"),
    ],
    ids=["JPEG", "BMP", "PNG"],
)
async def test_cve_2023_47115_a_picture_called_html_is_a_picture(api: Api, data: bytes, media_type: str):
    """An avatar kept its `.html`, and was served so; here type and ending are by content, and scripts are gone."""
    assert SCRIPT.encode() in data
    for name in ("x.html", "x.png.html", "x.svg"):
        task_id = await api.task()
        assert (await api.upload(task_id, (name, data))).json()["accepted"] == 1
        answer = await served(api, task_id)
        assert_inert(answer, media_type)
        assert SCRIPT.encode() not in answer.content
    assert not {path.suffix for path in (api.folder / "objects").rglob("*.*")} & {".html", ".svg"}


async def test_cve_2023_47115_nobody_has_an_avatar(api: Api):
    """Avatars were the way in; here there are none: no route and no field takes one."""
    picture = {"files": [("avatar", ("x.html", api.picture()))]}
    for path in ("/api/users/1/avatar", "/api/me/avatar", "/data/avatars/x.html"):
        assert_problem(await api.http.post(path, **picture), 404)
    assert_problem(await api.http.get("/data/avatars/x.html"), 404)


async def test_cve_2024_26152_markup_stays_data(api: Api):
    """Labels and data ran as scripts in the labeling page; here they stay what they are, and are no HTML to anybody."""
    terms = {"name": MARKUP, "labels": [MARKUP, SCRIPT], "instructions": SCRIPT, "label_names": {SCRIPT: f"{MARKUP} 2"}}
    task_id = await api.task(**terms)
    await api.upload(task_id, (MARKUP, api.picture()))
    await api.settled()
    for answer in (
        await api.http.get(f"/api/tasks/{task_id}", headers=BROWSER),
        await api.http.get(f"/api/tasks/{task_id}/results", headers=BROWSER),
        await api.http.get(f"/api/tasks/{task_id}/export?format=csv", headers=BROWSER),
        await api.http.get(f"/api/tasks/{task_id}/export?format=jsonl", headers=BROWSER),
        await api.http.post("/api/leases", json={"count": 1}, headers=BROWSER),
    ):
        assert answer.status_code == 200
        assert answer.headers["content-type"].partition(";")[0] in MEDIA_TYPES
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert MARKUP in answer.text
    task = (await api.http.get(f"/api/tasks/{task_id}")).json()
    assert {name: task[name] for name in terms} == terms


def test_cve_2024_26152_the_page_makes_no_html_of_text():
    """Text became HTML in the page; ours has nothing that does so, and `ui/e2e` looks at it in a browser."""
    by_text = re.compile(
        r"dangerouslySetInnerHTML|(?:inner|outer)HTML|insertAdjacentHTML|document\.write|srcdoc|\beval\("
    )
    files = [path for path in (REPOSITORY / "ui/src").rglob("*.ts*") if ".test." not in path.name]
    assert len(files) > 20
    assert [path.name for path in files if by_text.search(path.read_text())] == []


async def test_cve_2025_25296_no_route_but_the_pages_answers_html(api: Api):
    """`upload-example` gave back `label_config` as HTML; here no answer of the API is HTML, whatever was sent."""
    asked = [one for one in routes(api) if not one.path.endswith("/events")]
    assert len(asked) > 30
    for one in asked:
        path = re.sub(r"\{\w+\}", "%3Cscript%3Ealert(1)%3C%2Fscript%3E", one.path)
        for query in ("", f"?label_config={SCRIPT}"):
            body = BODIES.get((one.method, one.path))
            answer = await api.http.request(one.method, path + query, json=body, headers=BROWSER)
            assert "html" not in answer.headers.get("content-type", ""), (one, answer.headers)
            assert answer.headers["x-content-type-options"] == "nosniff"
    for path in ("/projects/upload-example/", f"/api/{SCRIPT}", f"/api/tasks/{SCRIPT}/results"):
        assert_problem(await api.http.get(path, params={"label_config": SCRIPT}), 404)


async def test_cve_2025_47783_the_policy_is_enforced(api: Api):
    """The same route ran scripts again, for its policy only reported; ours is enforced, the page repeats nothing."""
    page = await api.http.get("/", headers=BROWSER)
    for path in ("/", "/label", "/projects/upload-example", f"/tasks/{SCRIPT}"):
        answer = await api.http.get(path, params={"label_config": SCRIPT}, headers=BROWSER)
        assert (answer.status_code, answer.content) == (200, page.content)
        policy = dict(part.split(" ", 1) for part in answer.headers["content-security-policy"].split("; "))
        assert (policy["default-src"], policy["script-src"]) == ("'none'", "'self'")
        assert (policy["base-uri"], policy["require-trusted-types-for"]) == ("'none'", "'script'")
        assert "content-security-policy-report-only" not in answer.headers


async def test_cve_2026_23516_svg_is_never_taken(api: Api):
    """The SVG of a skeleton ran in others' pages; here SVG is no picture by any way in, under any name or type."""
    task_id = await api.task()
    where, inline = f"/api/tasks/{task_id}/images", base64.b64encode(SVG).decode()
    for data in (SVG, b'<?xml version="1.0"?>\n' + SVG, b"\xef\xbb\xbf" + SVG, b"  \n" + SVG):
        for answer in (
            await api.upload(task_id, ("x.svg", data)),
            await api.http.post(where, files=[("images", ("x.png", data, "image/png"))]),
            await api.upload(task_id, ("a.zip", archive.zipped(("x.png", data)))),
            await commit(api, task_id, await staged(api, task_id, ("x.png", data))),
        ):
            assert_problem(answer, 415, saying="SVG")
    for path in (where, "/api/object_detection"):
        assert_problem(await api.http.post(path, json={"id": "x.svg", "image": inline}), 415 if path == where else 503)
    for field in ({"skeleton": SVG.decode()}, {"svg": SVG.decode()}, {"labels": [{"name": "x", "svg": SVG.decode()}]}):
        assert_problem(await api.http.post("/api/tasks", json={"name": "a", "labels": ["x"]} | field), 422)
    assert list((api.folder / "objects").rglob("*.*")) == []


NAMES = [
    "../quorate-escape.png",
    "../../../../quorate-escape.png",
    "/quorate-escape.png",
    "/tmp/quorate-escape.png",
    "..\\..\\quorate-escape.png",
    "C:\\quorate-escape.png",
    "a/../../../quorate-escape.png",
    "....//....//quorate-escape.png",
    "%2e%2e%2fquorate-escape.png",
    "quorate-escape.png/../../../secret",
]


async def test_cve_2026_47682_names_are_only_names(api: Api):
    """Names with `..` wrote files elsewhere; here a name is told again, and names no file, by every way in."""
    before = outside(api)
    task_id = await api.task()
    where = f"/api/tasks/{task_id}/images"
    for name in NAMES:
        one = base64.b64encode(api.picture()).decode()
        for answer in (
            await api.upload(task_id, (name, api.picture())),
            await api.http.post(where, json={"id": name, "image": one}),
            await api.upload(task_id, ("a.zip", archive.zipped((name, api.picture())))),
            await commit(api, task_id, await staged(api, task_id, (name, api.picture()))),
        ):
            [told] = answer.json()["images"]
            assert (told["status"], told["filename"].rpartition("/")[2]) == ("accepted", name.rpartition("/")[2])
    nul = archive.raw(b"../x\0.png", data := api.picture(), size=len(data), crc=zlib.crc32(data))
    for hostile in (nul, archive.with_symlink("a.png", str(api.folder / "secret"))):
        await api.upload(task_id, ("a.zip", hostile))
    form = (await begin(api, task_id, "a.png"))["files"][0]
    for key in ("..%2f..%2fsecret", "%2e%2e", "x/../../secret"):
        moved = form | {"url": re.sub(r"[0-9a-f]{32}-0\?", f"{key}?", form["url"])}
        assert moved != form
        assert (await stage(api, moved, b"mine")).status_code in {404, 405}
    await api.settled()
    assert outside(api) == before
    kept = [path.relative_to(api.folder / "objects").as_posix() for path in (api.folder / "objects").rglob("*.*")]
    assert len(kept) >= 4 * len(NAMES)
    assert [key for key in kept if not is_key(key)] == []


OWN = ("clock", "ballast")
"""Files that the platform makes by itself, at any time."""


def outside(api: Api) -> tuple[set[str], bytes]:
    """What is beside the folders in which files of clients belong, and the secret."""
    beside, within = api.folder.parent.iterdir(), api.folder.iterdir()
    near = {str(path) for path in (*beside, *within) if path.stem not in OWN}
    far = {str(path) for root in ("/", "/tmp", ".", "..") for path in Path(root).glob("*quorate-escape*")}
    return near | far, (api.folder / "secret").read_bytes()


async def test_cve_2026_47682_imports(tmp_path: Path):
    """The same names as keys of S3: names only, and nothing written elsewhere."""
    keys = {name if name.endswith("png") else f"{name}.png": png(number) for number, name in enumerate(NAMES)}
    with serving(Bucket(keys | {"../nul\0.png": png(99)})) as bucket:
        async with running(tmp_path / "data", **HERE) as api:
            before = outside(api)
            path = await begun(api, task_id := await api.task(), bucket.body())
            shown = await over(api, path)
            assert (shown["state"], shown["accepted"], shown["rejected"]) == ("finished", len(keys), 1)
            assert {row["filename"].rpartition("/")[2] for row in await api.results(task_id)} == {
                key.rpartition("/")[2] for key in keys
            }
            assert outside(api) == before
            kept = [one.relative_to(api.folder / "objects") for one in (api.folder / "objects").rglob("*.*")]
            assert [key.as_posix() for key in kept if not is_key(key.as_posix())] == []


@pytest.mark.parametrize("said", ["text/html", "image/svg+xml", "application/javascript", "image/png\x0b; x=text/html"])
async def test_cve_2026_65986_the_senders_type_is_never_said_again(api: Api, said: str):
    """An asset of a guide was served with the media type of its sender; here the type is that of the content."""
    for data, media_type in ((GOOD["WebP"], "image/webp"), (GOOD["BMP"], "image/bmp")):
        task_id = await api.task()
        sent = await api.http.post(f"/api/tasks/{task_id}/images", files=[("images", ("x.html", data, said))])
        assert sent.json()["accepted"] == 1
        assert_inert(await served(api, task_id), media_type)
        task_id = await api.task()
        upload = await begin(api, task_id, "x.html")
        [form] = upload["files"]
        stored = await api.http.post(form["url"], data=form["fields"], files={"file": ("x.html", data, said)})
        assert stored.status_code == 204
        assert (await commit(api, task_id, upload["upload_id"])).json()["accepted"] == 1
        assert_inert(await served(api, task_id), media_type)


async def test_cve_2026_65986_there_are_no_guides(api: Api):
    """Guides with assets were the way in; here instructions are a text, and nothing is kept beside it."""
    for path in ("/api/guides", "/api/assets", f"/api/tasks/{await api.task()}/guide"):
        for method in ("GET", "POST", "PATCH"):
            assert_problem(await api.http.request(method, path), 404)


class Bomb:
    """Writes a file when it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self):
        return Path.touch, (self.mark,)


async def test_cve_2025_5173_no_model_holds_code(tmp_path: Path):
    """`torch.load` of a `.pt` ran what was in it; here a model is a kind of file that holds none, and nothing else."""
    mark = tmp_path / "ran"
    pickled, zipped = pickle.dumps(Bomb(mark)), io.BytesIO()
    with zipfile.ZipFile(zipped, "w") as inner:  # as torch writes it
        inner.writestr("archive/data.pkl", pickled)
    for content in (pickled, zipped.getvalue()):
        for name in ("x.pt", "x.pth", "x.pkl", "x.bin", "x.onnx", "x.cfg"):
            path = tmp_path / name
            path.write_bytes(content)
            (tmp_path / "x.weights").write_bytes(content)
            with pytest.raises(ModelUnusable):
                resolve(str(path), cache=tmp_path)
            with pytest.raises(ModelUnusable):
                async with running(tmp_path / "data", model=path):
                    pass
    assert not mark.exists()
    pickle.loads(pickled)
    assert mark.exists()


def test_cve_2025_5173_the_registry_names_no_pickle(tmp_path: Path):
    """A `.pt` could be fetched by name; here a registry that names one is none."""
    text = (REPOSITORY / "services/detector/models/registry.toml").read_text()
    for ending in (".pt", ".pth", ".pkl", ".onnx.pt"):
        path = tmp_path / "registry.toml"
        path.write_text(re.sub(r'(name = "[^"]+)\.onnx"', rf'\1{ending}"', text))
        assert path.read_text() != text
        with pytest.raises(ModelUnusable, match="not a file of a kind that is taken"):
            read_registry(path)


@pytest.mark.parametrize(
    "where", ["../outside.bin", "{}/outside.bin", "link.bin", "a/../../outside.bin", "/etc/passwd"]
)
def test_cve_2025_5173_a_model_reads_nothing_outside_its_folder(tmp_path: Path, where: str):
    """A model is data of a stranger's: an `.onnx` whose weights would be another file of this machine is refused."""
    folder = tmp_path / "model"
    folder.mkdir()
    for path in (tmp_path / "outside.bin", folder / "inside.bin"):
        path.write_bytes(bytes(12))
    (folder / "link.bin").symlink_to(tmp_path / "outside.bin")
    (folder / "x.names").write_text("a\nb\nc\n")
    assert find_onnx_model(write_weights_beside(folder / "x.onnx", "inside.bin")).model.classes == ("a", "b", "c")
    with pytest.raises(ModelUnusable):
        find_onnx_model(write_weights_beside(folder / "x.onnx", where.format(tmp_path)))
