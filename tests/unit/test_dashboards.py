"""The dashboards for Grafana: valid, whole, and of metrics that there are."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.unit.alert_rules import ROOT, metrics_in, promtool
from tests.unit.metric_names import sample_names

FOLDER = ROOT / "deploy/grafana"
FILES = sorted(FOLDER.glob("*.json"))
UNITS = {"short", "s", "bytes", "percentunit", "reqps"}

each_file = pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)


def panels(file: Path) -> list[dict[str, Any]]:
    return json.loads(file.read_text())["panels"]


def test_there_is_one_for_people_s_work_for_services_and_for_servers():
    assert [file.stem for file in FILES] == ["servers", "services", "work"]
    boards = [json.loads(file.read_text()) for file in FILES]
    assert len({board["uid"] for board in boards}) == len({board["title"] for board in boards}) == len(FILES)


@each_file
def test_each_panel_says_what_it_shows_and_in_which_unit(file: Path):
    shown = panels(file)
    assert len({panel["title"] for panel in shown}) == len({panel["id"] for panel in shown}) == len(shown)
    for panel in shown:
        assert panel["title"]
        assert panel["description"].endswith(".")
        assert panel["fieldConfig"]["defaults"]["unit"] in UNITS
        assert panel["targets"]


@each_file
def test_panels_stand_beside_each_other(file: Path):
    taken: set[tuple[int, int]] = set()
    for place in (panel["gridPos"] for panel in panels(file)):
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken
        assert max(x for x, _ in cells) < 24
        taken |= cells


@each_file
def test_each_panel_shows_metrics_that_there_are(file: Path):
    for panel in panels(file):
        for target in panel["targets"]:
            used = metrics_in(target["expr"])
            assert used <= sample_names(), panel["title"]
            assert used or target["expr"].count("process_") + target["expr"].count("up{") == 1, panel["title"]
            assert target["expr"].count('job="quorate"') == target["expr"].count("{"), panel["title"]


@each_file
def test_each_expression_can_be_read_by_prometheus(tmp_path: Path, file: Path):
    """As the expressions of recording rules, which promtool parses."""
    expressions = [target["expr"] for panel in panels(file) for target in panel["targets"]]
    rules = [{"record": f"panel:{number}", "expr": expression} for number, expression in enumerate(expressions)]
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}))
    done = promtool("check", "rules", tmp_path / "rules.yaml")
    assert done.returncode == 0, done.stdout + done.stderr


def test_whatever_is_measured_is_shown():
    """But for what is only counted for others: versions apart, each metric has a panel."""
    shown = {
        name for file in FILES for panel in panels(file) for one in panel["targets"] for name in metrics_in(one["expr"])
    }
    stems = {name.removesuffix(ending) for name in shown for ending in ("_bucket", "_count", "_sum", "")}
    measured = {name for name in sample_names() if name.startswith("quorate_")}
    assert {name for name in measured if name not in shown and name.rpartition("_")[0] not in stems} == set()


def test_the_sidecar_of_grafana_gets_all_of_them():
    kustomization = yaml.safe_load((FOLDER / "kustomization.yaml").read_text())
    given = [name for one in kustomization["configMapGenerator"] for name in one["files"]]
    assert sorted(given) == [file.name for file in FILES]
    assert "grafana_dashboard" in kustomization["generatorOptions"]["labels"]
