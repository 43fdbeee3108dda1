"""docs/settings.md says what there is to be set, all of it, and nothing else."""

import re
from pathlib import Path

import pytest
from pydantic_settings import BaseSettings

from embedded.settings import Settings
from services.accounts.settings import AccountsSettings
from services.consensus.settings import ConsensusServiceSettings
from services.detector.settings import DetectorSettings, PrelabelerSettings
from services.notifier.settings import NotifierSettings
from services.subtask_manager.settings import SubtaskManagerSettings
from services.task_manager.settings import TaskManagerSettings
from services.worker.settings import WorkerServiceSettings

PAGE = Path(__file__).parents[2] / "docs/settings.md"
ROW = re.compile(r"\| `(QUORATE_[A-Z0-9_]+)` \| (.*?) \| (.+) \|")
HEAD = "| setting | default | meaning |\n| --- | --- | --- |\n"
TITLES = {
    "## The embedded platform": Settings,
    "## The task manager": TaskManagerSettings,
    "## The subtask manager": SubtaskManagerSettings,
    "## Accounts": AccountsSettings,
    "## The notifier": NotifierSettings,
    "## The consensus service": ConsensusServiceSettings,
    "## The worker": WorkerServiceSettings,
    "## The detector": PrelabelerSettings,
    "## The detector by itself": DetectorSettings,
}


def table(settings: type[BaseSettings]) -> str:
    """The table as the settings have it."""
    prefix = settings.model_config["env_prefix"]
    rows = []
    for name, field in settings.model_fields.items():
        default = "required" if field.is_required() else "" if field.default in (None, "") else f"`{field.default}`"
        rows.append(f"| `{prefix}{name.upper()}` | {default} | {field.description} |\n")
    return HEAD + "".join(rows)


def section(title: str) -> str:
    """What the page says under a title."""
    return PAGE.read_text(encoding="utf-8").partition(title + "\n")[2].partition("\n## ")[0]


@pytest.mark.parametrize("settings", TITLES.values())
def test_every_setting_says_what_it_means(settings):
    assert [name for name, field in settings.model_fields.items() if not field.description] == []


@pytest.mark.parametrize(("title", "settings"), TITLES.items())
def test_the_page_has_every_setting_as_it_is_and_no_other(title, settings):
    documented = ROW.findall(section(title))
    assert documented == ROW.findall(table(settings)), f"under {title} belongs this table:\n\n{table(settings)}"


@pytest.mark.parametrize(("title", "settings"), TITLES.items())
def test_no_setting_is_documented_twice(title, settings):
    names = [name for name, _, _ in ROW.findall(section(title))]
    assert len(names) == len(set(names)) == len(settings.model_fields)
