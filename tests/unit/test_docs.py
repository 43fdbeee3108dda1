"""What the pages name exists: a name that the code no longer has is found, by page and line."""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import click
import pytest

from quorate.cli import main
from tests.unit import house
from tests.unit.test_docs_reference import STORAGE
from tests.unit.test_settings_documented import TITLES

PAGES = {
    path.relative_to(house.ROOT).as_posix(): path.read_text(encoding="utf-8")
    for path in (*house.ROOT.glob("*.md"), *(house.ROOT / "docs").rglob("*.md"))
}
CONTEXT = "**Context.**"
"""Begins the paragraph of a decision that says how things were before it."""
FENCE = re.compile(r" *```")
LINK = re.compile(r"\]\((?!https?://)(?P<page>[^)#]*)(?:#(?P<heading>[^)]*))?\)")

SUFFIXES = "py|md|toml|json|ya?ml|sh|template|js"
FOLDERS = "|".join((*house.PACKAGES, "docs", "requirements"))
CODE_NAME = r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+|[a-z]+_\w+|_[a-z]+_\w+|[A-Z]\w*[a-z]\w*[A-Z]\w+"
"""A name that only code has: with a dot, with an underscore, or with capitals within."""
AT_RUN_TIME = {
    "build/chaos/report.json", "build/chaos/servers", "build/debian13", "build/hostile/report.json",
    "build/loadtest/report/index.html",
    "incoming/", "objects/<task>/", "spool/", "staging/", "quorate/models",
    "<name>/kept.json", "machine.json", "report/index.html", "services.env",
}  # fmt: skip
"""What is only there once something ran."""
FOREIGN = {
    "body.result.label", "body.votes",
    "CreateContainerConfigError", "ImagePullBackOff", "OOMKilled", "RabbitmqCluster",
    "find_one_and_update", "replace_one", "update_many",
    "prometheus.io/", "s3.quorate.test",
}  # fmt: skip
"""What other programs have, or a cluster."""


@dataclass(frozen=True)
class Piece:
    """Code on a page: a span of a line, or a line of a block."""

    page: str
    line: int
    text: str
    is_span: bool


@dataclass(frozen=True)
class Kind:
    """Something that can be named: how a page spells it, and whether it exists. `whole` spans are nothing else."""

    name: str
    spelled: re.Pattern[str]
    exists: Callable[[str], bool]
    whole: bool = False

    def missing(self, piece: Piece) -> Iterator[str]:
        if self.whole and not piece.is_span:
            return
        matches = [self.spelled.fullmatch(piece.text)] if self.whole else self.spelled.finditer(piece.text)
        for match in filter(None, matches):
            if match[1] not in FOREIGN and not self.exists(match[1]):
                yield f"{piece.page}:{piece.line}: there is no {self.name} `{match[1]}`"


def pieces(page: str, text: str) -> Iterator[Piece]:
    is_block = False
    for number, line in enumerate(text.splitlines(), 1):
        if FENCE.match(line):
            is_block = not is_block
        elif is_block:
            yield Piece(page, number, line, is_span=False)
        elif not line.startswith(CONTEXT):
            yield from (Piece(page, number, span, is_span=True) for span in re.findall(r"`([^`]+)`", line))


@cache
def settings() -> frozenset[str]:
    """Every setting, and the variables that compose, scripts and tests read beside them."""
    described = {f"QUORATE_{name.upper()}" for model in TITLES.values() for name in model.model_fields}
    return frozenset(described | {word for word in house.words() if word.startswith("QUORATE_")})


@cache
def routes() -> frozenset[str]:
    """Every operation of the API, without the names of its parameters."""
    paths = json.loads((house.ROOT / "docs/api/openapi.json").read_text(encoding="utf-8"))["paths"]
    served = {f"{method.upper()} {path}" for path in paths for method in paths[path]}
    return frozenset(map(nameless, served | STORAGE))


def nameless(route: str) -> str:
    return re.sub(r"\{\w+\}", "{}", route)


def is_command(line: str) -> bool:
    """Whether the words that a line begins with are commands, as far as there are subcommands."""
    command: click.Command | None = main
    for word in line.split():
        if not isinstance(command, click.Group) or word.startswith("-"):
            break
        command = command.get_command(click.Context(main), word)
    return command is not None


def is_metric(name: str) -> bool:
    return f'"{re.sub(r"_(total|count|sum|bucket)$", "", name)}"' in house.sources()


def is_path(path: str) -> bool:
    return path in AT_RUN_TIME or house.has_path(path) or (not path.endswith(".py") and path in house.sources())


FILE = rf"(?:[\w.*<>-]+/)*[\w.*<>-]+(?:/|\.(?:{SUFFIXES}))"
"""A folder or a file of the checkout, possibly shortened from the left; `*` and `<...>` stand for anything."""
NOT_A_NAME = rf"(?!quorate_|.*\.(?:{SUFFIXES}|csv|sqlite|cfg|log|env)$)"
KINDS = (
    Kind("setting", re.compile(r"\b(QUORATE_[A-Z0-9_]+)"), lambda name: name in settings()),
    Kind("make target", re.compile(r"(?:^|[;&|] *|=\S+ )make ([a-z][\w-]*)"), lambda name: name in house.targets()),
    Kind("module", re.compile(rf"-m ((?:{FOLDERS})[\w.]*)"), house.has_module),
    Kind("route", re.compile(r'\b((?:GET|POST|PUT|PATCH|DELETE) /[^\s?`"]+)'), lambda it: nameless(it) in routes()),
    Kind("command", re.compile(r"^(?:\S*/)?quorate ([a-z-].*)"), is_command),
    Kind("metric or database", re.compile(r"\b(quorate_[a-z_]+)"), is_metric),
    Kind("path", re.compile(f"({FILE})"), is_path, whole=True),
    Kind("path", re.compile(rf"(?<![\w/.-])((?:{FOLDERS})/[\w.*/-]*[\w*])"), is_path),
    Kind("name", re.compile(rf"{NOT_A_NAME}({CODE_NAME})(?:\(.*\))?(?: ->.*)?"), house.has_name, whole=True),
)


def missing(page: str, text: str) -> list[str]:
    """What a page names that does not exist."""
    return [told for piece in pieces(page, text) for kind in KINDS for told in kind.missing(piece)]


def headings(text: str) -> set[str]:
    """The headings of a page as links name them."""
    titles = re.findall(r"^#+ (.*)", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


def broken_links(page: str, text: str) -> list[str]:
    """Links to pages and headings that do not exist."""
    broken = []
    for number, line in enumerate(text.splitlines(), 1):
        for link in LINK.finditer(line):
            leads_to = (house.ROOT / page).parent / link["page"] if link["page"] else house.ROOT / page
            known = headings(leads_to.read_text(encoding="utf-8")) if leads_to.is_file() and link["heading"] else ()
            if not leads_to.exists() or (link["heading"] and link["heading"] not in known):
                broken.append(f"{page}:{number}: {link[0][2:-1]} leads nowhere")
    return broken


@pytest.mark.parametrize("page", PAGES)
def test_what_a_page_names_exists(page: str):
    wrong = missing(page, PAGES[page]) + broken_links(page, PAGES[page])
    assert not wrong, "\n" + "\n".join(wrong)


PLANTED = {
    "set `QUORATE_MAX_IMAGE_BITES`": "there is no setting `QUORATE_MAX_IMAGE_BITES`",
    "run `make tset`": "there is no make target `tset`",
    "```\nmake tset\n```": "there is no make target `tset`",
    "`python -P -m services.moon`": "there is no module `services.moon`",
    "`GET /api/jobs/{id}`": "there is no route `GET /api/jobs/{id}`",
    "`quorate dead bury`": "there is no command `dead bury`",
    "`quorate_votes_lost_total`": "there is no metric or database `quorate_votes_lost_total`",
    "`shared/letters.py`": "there is no path `shared/letters.py`",
    "`store/mongo/letters.py`": "there is no path `store/mongo/letters.py`",
    "`deploy/k8s/overlays/moon`": "there is no path `deploy/k8s/overlays/moon`",
    "`domain.bury_subtask`": "there is no name `domain.bury_subtask`",
    "`Subtask.burial`": "there is no name `Subtask.burial`",
    "`bury_subtask(id)`": "there is no name `bury_subtask`",
    "`SubtaskBurial`": "there is no name `SubtaskBurial`",
    "[moon](docs/moon.md)": "docs/moon.md leads nowhere",
    "[map](README.md#moon)": "README.md#moon leads nowhere",
}


@pytest.mark.parametrize(("text", "told"), PLANTED.items(), ids=PLANTED.values())
def test_what_does_not_exist_is_found_with_page_and_line(text: str, told: str):
    found = missing("planted.md", f"# Planted\n\n{text}\n") + broken_links("planted.md", f"# Planted\n\n{text}\n")
    assert found
    assert set(found) == {f"planted.md:{4 if '```' in text else 3}: {told}"}


def test_the_readme_is_read_in_one_sitting():
    assert len(PAGES["README.md"].splitlines()) <= 120


def test_every_page_is_on_the_map_of_the_readme():
    pages = {page for page in PAGES if page.startswith("docs/") and not page.startswith("docs/decisions/")}
    assert pages <= {link["page"] for link in LINK.finditer(PAGES["README.md"])}


def test_decisions_have_numbers_of_their_own():
    numbers = [Path(page).name[:4] for page in PAGES if page.startswith("docs/decisions/")]
    assert len(numbers) == len(set(numbers))
