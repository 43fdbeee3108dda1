"""Files of labels, and how a test sends one."""

import io
import zipfile

from tests.service.running import Api

SUGGEST = {"mode": "suggest", "audit_share": 0}


async def sent(api: Api, task_id: str, form: str, content: bytes | str, kind: str = "application/octet-stream"):
    body = content if isinstance(content, bytes) else content.encode()
    headers = {"Content-Type": kind}
    return await api.http.post(f"/api/tasks/{task_id}/labels", params={"format": form}, content=body, headers=headers)


def zipped(files: dict[str, bytes | str]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return out.getvalue()
