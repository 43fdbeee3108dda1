import asyncio
import platform
import subprocess
import sys

import pytest

from loadtest.command import ROOT
from shared import freed_memory
from shared.freed_memory import FreedMemory

CHILD = """
from pathlib import Path
from shared.freed_memory import give_back

def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096

blocks = [bytes([1]) * 100_000 for _ in range(1_000)]
del blocks[:-1]  # the last one keeps what lies before it
before = resident()
give_back()
print(before - resident())
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc keeps freed pages")
def test_what_lies_free_between_blocks_goes_back_to_the_system():
    done = subprocess.run([sys.executable, "-P", "-c", CHILD], cwd=ROOT, capture_output=True, text=True, check=True)
    assert int(done.stdout) > 90_000_000


async def test_it_is_given_back_again_and_again_until_the_end(monkeypatch):
    twice = asyncio.Event()
    given: list[int] = []

    def give_back() -> None:
        given.append(1)
        if len(given) == 2:
            loop.call_soon_threadsafe(twice.set)

    loop = asyncio.get_running_loop()
    monkeypatch.setattr(freed_memory, "EVERY_S", 0.0)
    monkeypatch.setattr(freed_memory, "give_back", give_back)
    worker = FreedMemory()
    worker.start()
    await twice.wait()
    await worker.close()
    after = len(given)
    await asyncio.sleep(0)
    assert len(given) == after


async def test_one_that_never_began_can_be_closed():
    await FreedMemory().close()
