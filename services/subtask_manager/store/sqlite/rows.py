"""A request for a row on SQLite."""

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass

from services.subtask_manager import row as rows
from services.subtask_manager.row import Entry, Row
from services.subtask_manager.store import Claim
from services.subtask_manager.store.sqlite.claims import Held, is_known


@dataclass(frozen=True, slots=True, kw_only=True)
class SqliteRowClaim:
    """One request for a row, in the transaction that saves what it is granted; `load` and `grant` as of a claim."""

    db: sqlite3.Connection
    team: str
    operator: str
    task_id: str
    row: Row
    now: float
    load: Callable[[str], Held]
    grant: Callable[[str], Held | None]

    def run(self, count: int) -> Claim:
        """Raises TaskCancelled."""
        if not is_known(self.db, self.team, self.operator, self.task_id):
            return Claim(held=(), is_cut_short=False, waiting_for_others=0)
        live = self._live()
        wanted = rows.wanted(self.row, live, count)
        looked = self._look()
        tried: list[Entry] = []
        granted: list[Held] = []
        for entry in rows.free(looked, self.now)[: rows.TRIES]:
            if len(granted) == wanted:
                break
            tried.append(entry)
            if (one := self.grant(entry.id)) is not None:
                granted.append(one)
        of_row = [held for held in live if rows.is_in(self.row, *held)][:count]
        reached = rows.reached(self.row, looked, tried, self.now)
        return Claim(
            held=(*of_row, *granted),
            is_cut_short=len(granted) < wanted and reached is not None,
            waiting_for_others=0,
            reached=reached,
        )

    def _live(self) -> list[Held]:
        query = """SELECT subtask_id FROM leases WHERE operator = ? AND task_id = ? AND expires_at > ?
                   ORDER BY expires_at DESC, subtask_id LIMIT ?"""
        found = self.db.execute(query, (self.operator, self.task_id, self.now, rows.MAX_HELD)).fetchall()
        return [self.load(subtask_id) for (subtask_id,) in found]

    def _look(self) -> list[Entry]:
        order = "" if self.row.is_rising else "DESC"
        found = self.db.execute(
            f"""SELECT id, rank, available_at FROM subtasks INDEXED BY by_suggestion
                WHERE task_id = ? AND suggested = ? AND rank >= ? AND rank < ? ORDER BY rank {order} LIMIT ?""",  # noqa: S608 - ours
            (self.task_id, self.row.label, *self.row.ranks(), rows.LOOK),
        )
        return [Entry(id=i, rank=rank, available_at=at) for i, rank, at in found]
