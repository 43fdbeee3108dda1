"""The API as an OpenAPI document: `python -P -m embedded.openapi > docs/api/openapi.json`."""

import json
import sys
import tempfile
from pathlib import Path

from embedded.app import assemble
from embedded.settings import Settings


def document() -> str:
    """The document of the embedded platform, the same however often it is written."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings.model_construct(data_dir=Path(folder), auth="on")  # which has more routes
        schema = assemble(settings).deployable.app.openapi()
    return json.dumps(schema, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.stdout.write(document())
