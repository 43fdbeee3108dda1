"""The demonstration, as `make demo` runs it: from pictures to labels and exports, and nothing left running."""

import csv
import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).resolve().parents[2]
ASSETS = ROOT.parent / "shared" / "assets"
PICTURES = 12


def command(*arguments):
    return [sys.executable, "-m", "loadtest.demo", *map(str, arguments)]


def environment():
    return {name: value for name, value in os.environ.items() if name not in {"IMAGES", "LABELS", "MODEL", "OPEN"}}


def run(*arguments, status=0):
    """What it printed, and where it was to fail what it complained about."""
    done = subprocess.run(
        command(*arguments), cwd=ROOT, env=environment(), capture_output=True, text=True, timeout=180, check=False
    )
    assert done.returncode == status, done.stdout + done.stderr
    return done.stderr if status else done.stdout


def exported(out):
    lines = [json.loads(line) for line in (out / "results.jsonl").read_text().splitlines()]
    with (out / "results.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [line["image_id"] for line in lines] == [row["image_id"] for row in rows]
    return lines


def is_free(data):
    """Whether no platform works in this folder."""
    with (data / "lock").open("ab") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


def test_sample_pictures_come_out_labeled(tmp_path):
    shown = run("--out", tmp_path, "--count", PICTURES)
    results = exported(tmp_path)
    assert len(results) == PICTURES
    assert all(result["state"] in ("completed", "disputed") for result in results)
    for heading in ("image", "label", "agreement", "votes", "decided by"):
        assert heading in shown
    for result in results:
        assert result["filename"] in shown
    for said in ("stopping early saved", "labels are true", "images that people decided", "results.jsonl"):
        assert said in shown
    assert is_free(tmp_path / "data")


def test_a_second_run_begins_anew(tmp_path):
    run("--out", tmp_path, "--count", 3)
    run("--out", tmp_path, "--count", 2)
    assert len(exported(tmp_path)) == 2


def test_a_long_table_is_cut(tmp_path):
    shown = run("--out", tmp_path, "--count", 23)
    assert "... 3 more" in shown
    assert "sample-020" in shown
    assert "sample-021" not in shown


@pytest.fixture
def interruptible():
    """A shell has what it runs in the background ignore interrupts, and children inherit that."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
def test_an_interrupt_ends_the_platform_too(tmp_path):
    with subprocess.Popen(
        command("--out", tmp_path, "--count", 500),
        cwd=ROOT,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout.readline().startswith("the platform answers on http://127.0.0.1:")
        assert not is_free(tmp_path / "data")
        process.send_signal(signal.SIGINT)
        _, complaints = process.communicate(timeout=60)
    assert process.returncode == 130, complaints
    assert complaints.strip().endswith("demo: interrupted")
    assert is_free(tmp_path / "data")


@pytest.mark.usefixtures("interruptible")
def test_it_stays_open_at_the_page_of_its_task(tmp_path):
    with subprocess.Popen(
        command("--out", tmp_path, "--count", 2, "--open"),
        cwd=ROOT,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        said = next(line for line in process.stdout if line.startswith("look at them on http://127.0.0.1:"))
        page = httpx.get(said.split()[4], headers={"Accept": "text/html"})
        process.send_signal(signal.SIGINT)
        rest, complaints = process.communicate(timeout=60)
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert process.returncode == 0, complaints
    assert "make serve DATA_DIR=" in rest
    assert is_free(tmp_path / "data")


def test_a_model_that_cannot_be_used_is_named(tmp_path):
    broken = tmp_path / "broken.cfg"
    broken.write_text("[net]\nwidth=32\nheight=32\nchannels=3\n")
    complaints = run("--out", tmp_path / "out", "--count", 1, "--model", broken, status=1)
    assert "the platform did not start" in complaints
    assert "broken" in complaints


@pytest.mark.skipif(not ASSETS.is_dir(), reason=f"the photographs and the model are not there: {ASSETS}")
def test_photographs_are_labeled_with_a_real_detector(tmp_path):
    images = tmp_path / "images"
    images.mkdir()
    for photograph in sorted((ASSETS / "images" / "coco_val128").glob("*.jpg"))[:PICTURES]:
        shutil.copy(photograph, images)
    model = ASSETS / "models" / "yolo-fastest" / "yolo-fastest-1.1-xl.cfg"
    labels = ["person", "car", "dog", "cat", "chair"]
    shown = run("--out", tmp_path / "out", "--images", images, "--labels", ",".join(labels), "--model", model)
    results = exported(tmp_path / "out")
    assert len(results) == PICTURES
    assert all(result["label"] in labels for result in results if result["state"] == "completed")
    assert any(result["prelabel"] and result["prelabel"]["label"] for result in results)
    assert "stopping early saved" in shown


def test_pictures_of_ones_own_need_labels(tmp_path):
    assert "LABELS=a,b,c" in run("--out", tmp_path, "--images", tmp_path, status=2)
