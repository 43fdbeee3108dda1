"""What the checkout has: its files, the names in its code, and the words of its sources."""

import ast
import os
import re
from functools import cache
from pathlib import Path, PurePosixPath

ROOT = Path(__file__).parents[2]
PACKAGES = ("services", "shared", "embedded", "probes", "quorate", "loadtest", "deploy", "tests")
MADE = {".git", ".venv", "build", "dist", "quorate-data", "node_modules", "__pycache__"}
"""Folders that are made, and what is in them."""
NOT_SOURCES = {".md", ".txt", ".sqlite", ".png", ".jpg", ".html", ".csv"}
PLANTED = PurePosixPath("tests/unit/test_docs.py")
"""Names what does not exist on purpose."""


@cache
def files() -> frozenset[PurePosixPath]:
    """Every file and folder, by its path from the root."""
    found: set[PurePosixPath] = set()
    for folder, folders, names in os.walk(ROOT):
        here = PurePosixPath(Path(folder).relative_to(ROOT))
        kept = [name for name in folders if name not in MADE and not name.endswith(("_cache", ".egg-info"))]
        found |= {here / name for name in (*kept, *names)}
        folders[:] = kept
    return frozenset(found)


@cache
def endings() -> frozenset[str]:
    """Every path of `files` as it may be shortened from the left."""
    return frozenset("/".join(path.parts[start:]) for path in files() for start in range(len(path.parts)))


@cache
def sources() -> str:
    """All that is no prose: code, manifests, scripts, the Makefile."""
    paths = [ROOT / path for path in sorted(files()) if path != PLANTED and path.suffix not in NOT_SOURCES]
    return "\n".join(path.read_text(encoding="utf-8", errors="replace") for path in paths if path.is_file())


@cache
def words() -> frozenset[str]:
    """The identifiers in the sources, alone and with dots."""
    chains = set(re.findall(r"[A-Za-z_][\w.]*", sources()))
    beginnings = {chain[: dot.start()] for chain in chains for dot in re.finditer(r"\.", chain)}
    return frozenset(chains | beginnings | {name for chain in chains for name in chain.split(".")})


@cache
def modules() -> dict[str, ast.Module]:
    """Every module and package by its dotted name."""
    found = {}
    for path in files():
        if path.suffix == ".py" and path.parts[0] in PACKAGES:
            name = ".".join(path.with_suffix("").parts).removesuffix(".__init__")
            found[name] = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    return found


@cache
def members() -> dict[str, set[str]]:
    """What a module, by its last name or its whole one, or a class has: functions, classes, constants, fields."""
    found: dict[str, set[str]] = {}
    for name, module in modules().items():
        for owner in {name, name.rpartition(".")[2]}:
            found.setdefault(owner, set()).update(_defined(module))
        for node in ast.walk(module):
            if isinstance(node, ast.ClassDef):
                found.setdefault(node.name, set()).update(_defined(node) | _assigned(node))
    return found


def _defined(owner: ast.Module | ast.ClassDef) -> set[str]:
    names: set[str] = set()
    for node in owner.body:
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                names.add(node.name)
            case ast.Assign():
                names |= {target.id for target in node.targets if isinstance(target, ast.Name)}
            case ast.AnnAssign(target=ast.Name(id=name)):
                names.add(name)
            case ast.ImportFrom():
                names |= {alias.name for alias in node.names}
            case _:
                pass
    return names


def _assigned(owner: ast.ClassDef) -> set[str]:
    """The fields that methods set."""
    return {
        node.attr
        for node in ast.walk(owner)
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) and ast.unparse(node.value) == "self"
    }


def has_path(named: str) -> bool:
    """Whether a file or folder is at this path, or at one that ends like this; `*` and `<...>` stand for anything."""
    path = re.sub(r"<[^>]*>", "*", named).rstrip("/").removeprefix("./")
    if "*" not in path:
        return path in endings()
    pattern = re.compile("[^/]*".join(map(re.escape, path.split("*"))))
    return any(map(pattern.fullmatch, endings()))


def has_name(dotted: str) -> bool:
    """Whether an owner (a module or a class) has this name; or, spelled like this, it stands in the sources."""
    owner, _, name = dotted.rpartition(".")
    return dotted in words() or name in members().get(owner, ())


@cache
def targets() -> frozenset[str]:
    """What can be made."""
    return frozenset(re.findall(r"^([\w-]+):(?!=)", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))


def has_module(name: str) -> bool:
    """Whether `python -m` takes it: a module, or a package with a `__main__`."""
    return name in modules() or f"{name}.__main__" in modules()
