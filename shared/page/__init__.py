"""The web page: the files that `ui/` was built to, held in memory, and the headers under which a browser runs them.

The build writes to `dist/` beside this module. Where it did not run, the files of `plain/` say what runs here.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from urllib.parse import urlsplit

from fastapi import APIRouter, Request, Response
from fastapi.routing import APIRoute
from starlette.routing import Match
from starlette.types import Scope

from shared.http.problems import problem

HERE = Path(__file__).parent
BUILT, PLAIN = HERE / "dist", HERE / "plain"
INDEX = "index.html"
ENCODINGS = {"br": ".br", "gzip": ".gz"}
"""What the build compresses by, best first, and how those files' names end."""
MEDIA_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".webp": "image/webp",
    ".ico": "image/x-icon",
    ".woff2": "font/woff2",
}
NOT_PAGES = frozenset(
    [
        "api",
        "objects",
        "assets",
        "healthz",
        "readyz",
        "metrics",
        "openapi.json",
        "process",
        "static",
        "jobs",
        "problems",
    ]
)
"""First segments of paths that are never the page's own."""

_ACCEPTED = re.compile(r"\s*(?P<name>[\w*-]+)\s*(?:;\s*q\s*=\s*(?P<weight>[0-9.]+)\s*)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """A file's bytes in one encoding. `etag`: names these bytes."""

    data: bytes
    etag: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PageFile:
    """One file. `variants`: by encoding, best first; `identity` is always there."""

    media_type: str
    variants: Mapping[str, Variant]


class Navigation(APIRoute):
    """Takes what a browser asks for when somebody opens an address: the page reads the rest of the path itself."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        if scope["type"] != "http" or scope["method"] not in {"GET", "HEAD"} or not _is_navigation(scope):
            return Match.NONE, {}
        return super().matches(scope)


def read(folder: Path) -> dict[str, PageFile]:
    """The files of a folder by their path in it, each with the compressed copies beside it."""
    paths = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return {
        path.relative_to(folder).as_posix(): _file(path)
        for path in paths
        if path.suffix not in ENCODINGS.values() and not path.name.startswith(".")
    }


def router(folder: Path | None = None, *, storage: str | None = None) -> APIRouter:
    """Serves the page.

    folder: its files; none: what was built, or else what says that nothing was.
    storage: URL of the object storage as browsers reach it, where images do not come from this origin.
    """
    files = read(folder or (BUILT if (BUILT / INDEX).is_file() else PLAIN))
    headers = _page_headers(storage)
    routes = APIRouter(include_in_schema=False)

    async def page(request: Request) -> Response:
        return _answer(request, files[INDEX], headers)

    async def asset(request: Request, name: str) -> Response:
        if file := files.get(f"assets/{name}"):
            return _answer(request, file, {"Cache-Control": "public, max-age=31536000, immutable"})
        return problem(request, 404, "there is no such file", headers={"Cache-Control": "no-store"})

    methods = ["GET", "HEAD"]
    routes.add_api_route("/", page, methods=methods)
    routes.add_api_route("/assets/{name:path}", asset, methods=methods)
    routes.add_api_route("/{path:path}", page, methods=methods, route_class_override=Navigation)
    return routes


def _page_headers(storage: str | None) -> dict[str, str]:
    """The strict policy: nothing runs, loads or is sent but what the page's files name."""
    place = "" if storage is None else " {0.scheme}://{0.netloc}".format(urlsplit(storage))
    policy = (
        "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self';"
        f" img-src 'self' blob:{place}; connect-src 'self'{place};"
        " form-action 'self'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"
    )
    return {
        "Cache-Control": "no-cache",
        "Content-Security-Policy": policy,
        "Referrer-Policy": "no-referrer",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    }


def _file(path: Path) -> PageFile:
    beside = {name: path.with_name(path.name + ending) for name, ending in ENCODINGS.items()}
    variants = {name: _variant(copy) for name, copy in beside.items() if copy.is_file()}
    media_type = MEDIA_TYPES.get(path.suffix, "application/octet-stream")
    return PageFile(media_type=media_type, variants=variants | {"identity": _variant(path)})


def _variant(path: Path) -> Variant:
    data = path.read_bytes()
    return Variant(data=data, etag=f'"{sha256(data).hexdigest()[:32]}"')


def _answer(request: Request, file: PageFile, headers: Mapping[str, str]) -> Response:
    accepted = _accepted(request.headers.get("accept-encoding", "")) | {"identity"}
    encoding = next(name for name in file.variants if name in accepted)
    variant = file.variants[encoding]
    sent = {**headers, "ETag": variant.etag, "Vary": "Accept-Encoding"}
    if encoding != "identity":
        sent["Content-Encoding"] = encoding
    known = request.headers.get("if-none-match", "")
    if variant.etag in {one.strip().removeprefix("W/") for one in known.split(",")}:
        return Response(status_code=304, headers=sent)
    return Response(variant.data, 200, sent, file.media_type)


def _accepted(header: str) -> set[str]:
    """The encodings that a request names and does not rule out by a weight of zero."""
    found = (_ACCEPTED.fullmatch(part) for part in header.lower().split(","))
    return {one["name"] for one in found if one and (one["weight"] or "1").strip("0.")}


def _is_navigation(scope: Scope) -> bool:
    """Whether a browser asks for a page, and not for a file or for what another route answers or refuses."""
    first, *rest = scope["path"].removeprefix("/").split("/")
    accept = b",".join(value for name, value in scope["headers"] if name == b"accept")
    return b"text/html" in accept and first not in NOT_PAGES and "." not in (rest or [first])[-1]
