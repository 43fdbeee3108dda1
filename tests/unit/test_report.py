import csv
import json
import re
import subprocess
import sys
from html.parser import HTMLParser
from importlib.util import find_spec

import numpy as np
import pytest
from PIL import Image

from loadtest.report import Plot, Report, Series, Shade, Table, Verdict, machine, write
from loadtest.report.page import shown
from loadtest.report.parts import slug

pytestmark = pytest.mark.skipif(find_spec("matplotlib") is None, reason="matplotlib is not installed")
NASTY = "<script>alert('x')</script> & \"quoted\" $5 _a"
PNG = b"\x89PNG\r\n\x1a\n"


class Links(HTMLParser):
    """Every tag, and every address that a page would fetch."""

    def __init__(self):
        super().__init__()
        self.tags, self.addresses = [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.addresses += [value for name, value in attrs if name in {"src", "href", "srcset", "data", "action"}]


def plot(title, *series, **told):
    return Plot(title=title, x_label="x [s]", y_label="y [ms]", series=series, **told)


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    curve = Series(name=NASTY, x=[1, 2, 3], y=[0.5, None, 2.5])
    table = Table(title="Table", columns=[NASTY, "count", "p95 [ms]"], rows=[[NASTY, 12345, 3.14159], ["b", None, 2e6]])
    parts = [
        plot(NASTY, curve),
        plot("Nothing"),
        plot("Log", Series(name="a", x=[1, 1000], y=[1, 1.2]), is_log_x=True, is_log_y=True),
        plot("Steps", Series(name="a", x=[0, 5], y=[1, 4]), style="steps"),
        plot("Points", curve, style="points", shades=[Shade(begin=1, end=2, share=0.5)], shades_name=NASTY),
        table,
        table,
    ]
    verdict = Verdict(is_well=False, sentence=NASTY, reasons=["because"], notes=["besides"])
    report = Report(title=NASTY, paragraphs=[NASTY, "second"], parts=parts, verdict=verdict)
    return write(report, tmp_path_factory.mktemp("report") / "new")


def test_the_page_needs_only_the_pictures_beside_it(page):
    links = Links()
    text = page.read_text(encoding="utf-8")
    links.feed(text)
    assert links.tags.count("img") == 5
    assert sorted(links.addresses) == sorted(path.name for path in page.parent.glob("*.png"))
    assert not {"script", "link", "iframe"} & set(links.tags)
    assert "url(" not in text
    assert "@import" not in text


def test_the_page_escapes_what_it_shows(page):
    text = page.read_text(encoding="utf-8")
    assert "<script>" not in text
    assert text.count("&lt;script&gt;") >= 5
    assert len(re.findall(r'alt="[^"]*&quot;quoted&quot;', text)) == 1


def test_the_verdict_comes_first(page):
    text = page.read_text(encoding="utf-8")
    at = [text.index(mark) for mark in ("</h1>", 'class="verdict bad"', "<li>because</li>", "<p>besides</p>", "second")]
    assert at == sorted(at)
    assert Verdict(is_well=True, sentence="Well.", reasons=["a"], notes=["b"]).lines() == ["Well.", "- a", "  b"]


def test_what_is_shaded_is_a_share_of_the_picture(tmp_path):
    def orange(shades):
        shaded = plot("a", Series(name="a", x=[0, 10], y=[1, 1]), shades=shades, shades_name="down")
        page = write(Report(title="a", paragraphs=[], parts=[shaded]), tmp_path)
        picture = np.asarray(Image.open(page.parent / "a.png").convert("RGB")).astype(int)
        return int(np.sum(picture[..., 0] - picture[..., 2] > 60))

    none, some, more = (
        orange([]),
        orange([Shade(begin=2, end=4, share=1.0)]),
        orange([Shade(begin=2, end=4, share=1.0), Shade(begin=5, end=9, share=1.0)]),
    )
    assert none < some / 10
    assert more > 2 * some


def test_numbers_stand_at_the_right_and_words_at_the_left(page):
    text = page.read_text(encoding="utf-8")
    assert '<th class="number">count</th>' in text
    assert '<td class="number">12,345</td>' in text
    assert "<td>b</td>" in text


def test_plots_and_tables_are_files_too(page):
    folder = page.parent
    names = {path.name for path in folder.iterdir()}
    assert {"index.html", "machine.json", "table.csv", "table-2.csv", "steps.png", "steps.csv", "nothing.png"} <= names
    assert all(path.read_bytes().startswith(PNG) for path in folder.glob("*.png"))
    with (folder / "points.csv").open(newline="") as file:
        assert list(csv.reader(file)) == [
            ["series", "x", "y"],
            [NASTY, "1", "0.5"],
            [NASTY, "2", ""],
            [NASTY, "3", "2.5"],
        ]
    with (folder / "table.csv").open(newline="") as file:
        assert list(csv.reader(file))[1:] == [[NASTY, "12345", "3.14159"], ["b", "", "2000000.0"]]


def test_the_machine_is_described_and_not_named(page):
    told = machine()
    assert json.loads((page.parent / "machine.json").read_text()) == told
    assert set(told) == {"cpu", "cores", "memory_gib", "kernel", "python"}
    assert told["cores"] >= 1
    assert told["memory_gib"] > 0


def test_a_series_of_unequal_lengths_is_an_error(tmp_path):
    unequal = plot("a", Series(name="a", x=[1, 2], y=[1]))
    with pytest.raises(ValueError, match="dimension"):
        write(Report(title="a", paragraphs=[], parts=[unequal]), tmp_path)


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        (None, ""),
        (float("nan"), ""),
        (float("inf"), "never"),
        (0.0, "0.00"),
        (0.01234, "0.0123"),
        (-0.5, "-0.5000"),
        (12.345, "12.35"),
        (123.45, "123.5"),
        (12345.6, "12,346"),
        (1234567, "1,234,567"),
        ("<a>", "<a>"),
    ],
)
def test_cells_show_as_many_digits_as_tell_something(cell, text):
    assert shown(cell) == text


def test_titles_as_file_names():
    assert slug("Response time [ms], p95!") == "response-time-ms-p95"
    assert slug("../../etc") == "etc"
    assert slug("äöü") == "part"
    assert len(slug("a" * 200)) == 60


def test_matplotlib_and_gevent_are_loaded_only_where_they_are_needed():
    code = (
        "import sys, loadtest.report, loadtest.people.run, loadtest.people.summary\n"
        "found = {'matplotlib', 'gevent', 'locust'} & set(sys.modules)\n"
        "assert not found, found"
    )
    subprocess.run([sys.executable, "-P", "-c", code], check=True, timeout=60)
