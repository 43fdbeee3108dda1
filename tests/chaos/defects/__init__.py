"""Defects that are planted in a service, to show that the checker sees each: every one breaks a rule that the code
keeps."""

from tests.chaos.defects import messages, tasks, voting, writes
from tests.chaos.defects.planting import Defect

DEFECTS = {
    name: found
    for room in (messages, writes, voting, tasks)
    for name, found in vars(room).items()
    if isinstance(found, Defect)
}
