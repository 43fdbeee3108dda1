"""Known models: the registry, pulling from a server that may misbehave, verifying, resolving."""

import hashlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from loadtest.samples import write_model
from services.detector import manage
from services.detector.models import FAMILY_PIXELS, ModelUnusable, Pixels, resolve
from services.detector.models.cache import default_cache
from services.detector.models.download import download
from services.detector.models.registry import SUFFIXES, KnownFile, read_registry
from tests.unit.onnx_samples import write_constant_model, yolox_heads

ASSETS = Path(__file__).parents[3] / "shared" / "assets"
needs_assets = pytest.mark.skipif(not ASSETS.is_dir(), reason=f"the test assets are not at {ASSETS}")


def test_the_registry_is_whole():
    models = read_registry().models
    assert list(models) == [
        "yolov3-tiny",
        "yolo-fastest-1.1",
        "yolo-fastest-1.1-xl",
        "yolox-nano",
        "yolox-tiny",
        "mobilenet-v2",
    ]
    for model in models.values():
        assert model.licence
        assert model.source.startswith("https://")
        for file in model.files:
            assert file.url is None or file.url.startswith("https://"), file
            assert len(file.sha256) == 64
            assert Path(file.name).suffix in SUFFIXES
    assert len({model.weights.sha256 for model in models.values()}) == len(models)


@needs_assets
def test_the_assets_are_the_files_that_the_registry_knows():
    on_disk = {path.name: path for path in (ASSETS / "models").rglob("*") if path.is_file()}
    known = [file for model in read_registry().models.values() for file in model.files if file.name in on_disk]
    assert len(known) == 8
    for file in known:
        data = on_disk[file.name].read_bytes()
        assert (hashlib.sha256(data).hexdigest(), len(data)) == (file.sha256, file.size)


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.files: dict[str, bytes] = {}
        self.redirects: dict[str, str] = {}
        self.asked: list[str] = []
        self.url = f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self):
        self.server.asked.append(self.path)
        if self.path in self.server.redirects:
            self.send_response(302)
            self.send_header("Location", self.server.redirects[self.path])
            self.end_headers()
            return
        data = self.server.files.get(self.path)
        self.send_response(200 if data is not None else 404)
        self.end_headers()
        self.wfile.write(data or b"")

    def log_message(self, *args):
        pass


@pytest.fixture
def server():
    with Server() as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.01,))
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def entry(name: str, family: str, files: dict[str, bytes], url: str | None, extra: str = "") -> str:
    rows = [
        f'{{ name = "{file}", {f"url = {chr(34)}{url}/{file}{chr(34)}, " if url else ""}'
        f'sha256 = "{hashlib.sha256(data).hexdigest()}", size = {len(data)} }}'
        for file, data in files.items()
    ]
    classes = "" if "classes" in extra else 'classes = "coco"\n'
    return (
        f'[[model]]\nname = "{name}"\nfamily = "{family}"\nlicence = "none"\nsource = "here"\n'
        f"input = [64, 64]\n{classes}{extra}\nfiles = [{', '.join(rows)}]\n"
    )


@pytest.fixture
def published(tmp_path):
    """The files of a Darknet model and of a classifier, as somebody published them."""
    folder = tmp_path / "published"
    write_model(folder)
    write_constant_model(folder / "pair.onnx", [[0.25, 0.75]])
    (folder / "pair.txt").write_text("cat\ndog\n")
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture
def registry(tmp_path, server, published):
    server.files |= {f"/{name}": data for name, data in published.items()}
    darknet = {name: published[name] for name in ("tiny.cfg", "tiny.weights", "tiny.names")}
    pair = {name: published[name] for name in ("pair.onnx", "pair.txt")}
    pixels = 'classes = "pair.txt"\npixels = { order = "bgr", offset = 0, divisor = 1 }'
    text = entry("squares", "darknet", darknet, server.url) + entry("pair", "classifier", pair, server.url, pixels)
    (tmp_path / "registry.toml").write_text(text)
    return read_registry(tmp_path / "registry.toml")


@pytest.fixture
def run(tmp_path, registry, capsys):
    def run(*argv: str):
        code = manage.main(["--cache", str(tmp_path / "cache"), *argv], registry=registry)
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


def test_pull_verify_and_resolve(run, tmp_path, registry, server, published):
    cache = tmp_path / "cache"
    with pytest.raises(ModelUnusable, match=r"tiny\.cfg is not there: run `quorate models pull squares`"):
        resolve("squares", cache=cache, registry=registry)
    code, out, err = run("pull", "squares")
    assert (code, out) == (0, f"{cache}/squares/tiny.cfg\n")
    assert "tiny.weights: 0.0 of 0.0 MiB" in err
    assert sorted(path.name for path in (cache / "squares").iterdir()) == ["tiny.cfg", "tiny.names", "tiny.weights"]
    assert all((cache / "squares" / name).read_bytes() == published[name] for name in ("tiny.cfg", "tiny.weights"))
    assert run("verify") == (0, "squares: as published\n", "")
    assert run("verify", "pair")[0] == 1
    files = resolve("squares", cache=cache, registry=registry)
    assert (files.model.name, files.cfg) == ("squares", cache / "squares" / "tiny.cfg")
    asked = len(server.asked)
    assert run("pull", "squares")[0] == 0
    assert len(server.asked) == asked  # what is there and right is not fetched again


def test_list_says_what_is_there(run):
    run("pull", "pair")
    code, out, _ = run("list")
    assert code == 0
    lines = out.splitlines()
    assert lines[0].split() == ["NAME", "FAMILY", "INPUT", "MIB", "IN", "CACHE", "LICENCE"]
    assert lines[1].split() == ["squares", "darknet", "64x64", "0.0", "no", "none"]
    assert lines[2].split() == ["pair", "classifier", "64x64", "0.0", "yes", "none"]


def test_a_changed_file_is_found_refused_and_fetched_again(run, tmp_path, registry):
    run("pull", "squares")
    weights = tmp_path / "cache" / "squares" / "tiny.weights"
    weights.write_bytes(bytes(len(weights.read_bytes())))
    code, out, _ = run("verify")
    assert (code, "tiny.weights is not the file that the registry knows" in out) == (1, True)
    with pytest.raises(ModelUnusable, match=r"tiny\.weights is not the file .*run `quorate models pull squares`"):
        resolve("squares", cache=tmp_path / "cache", registry=registry)
    assert run("pull", "squares")[0] == 0
    assert run("verify") == (0, "squares: as published\n", "")


def left_over(tmp_path):
    folder = tmp_path / "cache" / "squares"
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda data: b"x" + data[1:], "sent another file than the tiny.cfg"),
        (lambda data: data[:-1], "sent another file than the tiny.cfg"),
        (lambda data: data + b"x", "the answer is longer than"),
        (lambda data: data * 1000, "the answer is longer than"),
    ],
)
def test_another_file_is_refused_and_not_kept(run, tmp_path, server, spoil, message):
    server.files["/tiny.cfg"] = spoil(server.files["/tiny.cfg"])
    code, out, err = run("pull", "squares")
    assert (code, out) == (1, "")
    assert message in err
    assert left_over(tmp_path) == []


def test_a_mirror_is_asked_instead_of_the_publisher(run, server, monkeypatch):
    for name in ("tiny.cfg", "tiny.weights", "tiny.names"):
        server.files[f"/models/squares/{name}"] = server.files.pop(f"/{name}")
    assert run("pull", "squares", "--mirror", f"{server.url}/models/")[0] == 0
    assert server.asked == [f"/models/squares/{name}" for name in ("tiny.cfg", "tiny.weights", "tiny.names")]
    monkeypatch.setenv("QUORATE_MODEL_MIRROR", f"{server.url}/models")
    server.files["/models/pair/pair.onnx"] = b"another model"
    code, _, err = run("pull", "pair")
    assert (code, "sent another file than the pair.onnx that is known" in err) == (1, True)


def test_a_server_that_refuses_or_is_gone(run, tmp_path, server):
    del server.files["/tiny.weights"]
    code, _, err = run("pull", "squares")
    assert (code, "404" in err) == (1, True)
    assert left_over(tmp_path) == ["tiny.cfg"]
    server.server_close()
    server.shutdown()
    assert run("pull", "squares")[0] == 1


def test_redirects_are_followed_where_they_are_safe(run, server):
    server.files["/elsewhere"] = server.files.pop("/tiny.cfg")
    server.redirects["/tiny.cfg"] = "/elsewhere"
    assert run("pull", "squares")[0] == 0


@pytest.mark.parametrize("target", ["http://example.com/tiny.cfg", "file:///etc/passwd", "ftp://127.0.0.1/tiny.cfg"])
def test_redirects_to_unsafe_addresses_are_refused(run, tmp_path, server, target):
    server.redirects["/tiny.cfg"] = target
    code, _, err = run("pull", "squares")
    assert (code, f"{target}, which is not an https address" in err) == (1, True)
    assert left_over(tmp_path) == []


@pytest.mark.parametrize("target", ["https://10.0.0.1/tiny.cfg", "https://169.254.169.254/tiny.cfg"])
def test_redirects_into_private_networks_are_refused(run, tmp_path, server, target):
    server.redirects["/tiny.cfg"] = target
    code, _, err = run("pull", "squares")
    assert (code, "not one of the open network" in err) == (1, True)
    assert left_over(tmp_path) == []


def test_redirects_without_end_are_refused(run, server):
    server.redirects["/tiny.cfg"] = "/tiny.cfg"
    code, _, err = run("pull", "squares")
    assert (code, "one redirect too many" in err) == (1, True)
    assert len(server.asked) == 6


@pytest.mark.parametrize("url", ["http://example.com/a.cfg", "file:///etc/passwd", "HTTP://example.com/", "//a/b", ""])
def test_only_https_is_asked(tmp_path, url):
    file = KnownFile(name="a.cfg", url=url, sha256="0" * 64, size=1)
    with pytest.raises(ModelUnusable, match="not an https address"):
        download(file, tmp_path, progress=lambda _: None)


def test_a_file_without_an_address_must_be_brought(tmp_path):
    file = KnownFile(name="a.onnx", url=None, sha256="0" * 64, size=1)
    with pytest.raises(ModelUnusable, match=f"bring it and put it into {tmp_path}"):
        download(file, tmp_path, progress=lambda _: None)


def test_unknown_names(run, tmp_path, registry):
    assert "known are squares, pair" in run("pull", "other")[2]
    assert run("verify", "other")[0] == 1
    with pytest.raises(ModelUnusable, match=r"neither a model that is known \(squares, pair\) nor the path"):
        resolve("other", cache=tmp_path, registry=registry)


def test_known_files_are_recognised_wherever_they_lie(tmp_path, registry, published):
    (tmp_path / "renamed.onnx").write_bytes(published["pair.onnx"])
    path = str(tmp_path / "renamed.onnx")
    with pytest.raises(ModelUnusable, match=r"pair\.txt cannot be read .*put the pair\.txt of pair beside renamed"):
        resolve(path, cache=tmp_path, registry=registry)
    (tmp_path / "pair.txt").write_text("dog\ncat\n")
    with pytest.raises(ModelUnusable, match="is not the file that the registry knows"):
        resolve(path, cache=tmp_path, registry=registry)
    (tmp_path / "pair.txt").write_bytes(published["pair.txt"])
    files = resolve(path, cache=tmp_path, registry=registry)
    assert (files.model.name, files.model.family, files.model.classes) == ("pair", "classifier", ("cat", "dog"))
    assert files.pixels == Pixels(order="bgr", offset=0, divisor=1)
    for suffix in (".cfg", ".weights", ".names"):
        (tmp_path / f"moved{suffix}").write_bytes(published[f"tiny{suffix}"])
    assert resolve(str(tmp_path / "moved.cfg"), cache=tmp_path, registry=registry).model.name == "squares"


def test_the_registry_says_how_pictures_are_made_ready(tmp_path, registry, published):
    text = (tmp_path / "registry.toml").read_text()
    spelled = text.replace("pixels =", 'resize = "crop"\npixels =').replace("offset = 0", "offset = [1, 2.5, 3]")
    (tmp_path / "cropping.toml").write_text(spelled)
    for name in ("pair.onnx", "pair.txt"):
        (tmp_path / name).write_bytes(published[name])
    files = resolve(str(tmp_path / "pair.onnx"), cache=tmp_path, registry=read_registry(tmp_path / "cropping.toml"))
    assert (files.resize, files.pixels) == ("crop", Pixels(order="bgr", offset=(1, 2.5, 3), divisor=1))


def test_other_files_are_taken_as_they_are(tmp_path, registry):
    path = write_constant_model(tmp_path / "own.onnx", yolox_heads(classes=80))
    files = resolve(str(path), cache=tmp_path, registry=registry)
    assert (files.model.name, files.pixels) == ("own", FAMILY_PIXELS["yolox"])
    with pytest.raises(ModelUnusable, match=r"gone\.onnx cannot be read"):
        resolve(str(tmp_path / "gone.onnx"), cache=tmp_path, registry=registry)


@pytest.mark.parametrize(
    "spoil",
    [
        ('sha256 = "', 'sha256 = "0'),
        ("size = ", "size = -"),
        ("tiny.weights", "tiny.pkl"),
        ("tiny.weights", "../tiny.weights"),
        ("tiny.weights", "tiny.names"),
        ("sha256", "sha1"),
        ('"coco"', '"names.txt"'),
        ("[[model]]", "[[models]]"),
        ("[[model]]", "[[model"),
        ("input = [64, 64]", "input = 64"),
        ("offset = 0", "offset = [0, 0]"),
        ("pixels =", 'resize = "upside down"\npixels ='),
        ("pixels =", 'resize = "letterbox"\npixels ='),  # a classifier is not asked where something is
    ],
)
def test_a_registry_that_is_wrong(tmp_path, spoil, registry):
    text = (tmp_path / "registry.toml").read_text()
    (tmp_path / "spoiled.toml").write_text(text.replace(*spoil))
    with pytest.raises(ModelUnusable, match="no registry of models"):
        read_registry(tmp_path / "spoiled.toml")


def test_where_models_are_kept(monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
    assert default_cache() == Path("/somewhere/quorate/models")
    for unset in ("", "relative"):
        monkeypatch.setenv("XDG_CACHE_HOME", unset)
        assert default_cache() == Path.home() / ".cache/quorate/models"
