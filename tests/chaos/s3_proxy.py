"""How the proxy fails that stands between everybody and the S3 server."""

from tests.contract import faulty_proxy
from tests.contract.faulty_proxy import Fault

KINDS: dict[str, Fault] = {
    "S3 answers 503": faulty_proxy.answers(503, "SlowDown"),
    "S3 resets connections": faulty_proxy.resets,
    "S3 truncates bodies": faulty_proxy.truncates,
    "S3 acts and does not answer": faulty_proxy.forgets_to_answer,
    "S3 is cut off": faulty_proxy.stalls,
}
