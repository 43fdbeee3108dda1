"""docs/settings.md says what there is to be set, all of it, and nothing else."""

import re
from pathlib import Path

from embedded.settings import Settings

PAGE = Path(__file__).parents[2] / "docs/settings.md"
ROW = re.compile(r"\| `(QUORATE_[A-Z_]+)` \| (.*?) \| (.+) \|")
HEAD = "| setting | default | meaning |\n| --- | --- | --- |\n"


def table() -> str:
    """The table as the settings have it."""
    prefix = Settings.model_config["env_prefix"]
    rows = []
    for name, field in Settings.model_fields.items():
        default = "" if field.default in (None, "") else f"`{field.default}`"
        rows.append(f"| `{prefix}{name.upper()}` | {default} | {field.description} |\n")
    return HEAD + "".join(rows)


def test_every_setting_says_what_it_means():
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []


def test_the_page_has_every_setting_as_it_is_and_no_other():
    documented = ROW.findall(PAGE.read_text(encoding="utf-8"))
    assert documented == ROW.findall(table()), f"docs/settings.md has to hold this table:\n\n{table()}"


def test_no_setting_is_documented_twice():
    names = [name for name, _, _ in ROW.findall(PAGE.read_text(encoding="utf-8"))]
    assert len(names) == len(set(names)) == len(Settings.model_fields)
