"""Manifests against schemas, in which a field that is not known is an error: Kubernetes' own, or ours in `schemas/`."""

import json
from functools import cache
from pathlib import Path

import jsonschema
import kubernetes_validate

from tests.kubernetes.manifests import Manifest, title

SCHEMAS = Path(__file__).parent / "schemas"
VERSION = "1.37"
OLDEST = "1.30"
"""The oldest version that docs/kubernetes.md allows."""


def faults(manifest: Manifest, version: str = VERSION) -> list[str]:
    """What its schema refuses; a kind without a schema is refused as well."""
    return _faults(json.dumps(manifest), version)


@cache
def _faults(text: str, version: str) -> list[str]:
    """Most manifests are the same in many builds."""
    manifest: Manifest = json.loads(text)
    own = SCHEMAS / f"{manifest['kind'].lower()}.json"
    try:
        if own.exists():
            jsonschema.Draft202012Validator(json.loads(own.read_text())).validate(manifest)
        else:
            kubernetes_validate.validate(manifest, version, strict=True)
    except (jsonschema.ValidationError, kubernetes_validate.ValidationError) as error:
        return [f"{title(manifest)}: {error.message}"]
    except kubernetes_validate.SchemaNotFoundError:
        return [f"{title(manifest)}: {manifest['apiVersion']} is not known"]
    return []
