"""The tables of webhooks and deliveries, and the steps that bring those of earlier releases to them."""

from shared.outbox.sqlite import SCHEMA as OUTBOX
from shared.sqlite.migrations import statements

_FIRST = """
CREATE TABLE webhooks (id TEXT PRIMARY KEY, team TEXT NOT NULL, body BLOB NOT NULL) WITHOUT ROWID;
CREATE INDEX webhooks_of_team ON webhooks (team, id);
CREATE TABLE deliveries (
    id TEXT PRIMARY KEY,
    webhook TEXT NOT NULL,
    place TEXT NOT NULL,            -- sorts by time
    state TEXT NOT NULL,
    created_at REAL NOT NULL,
    due_at REAL,                    -- none, once it has come to an end
    expires_at REAL,                -- the same
    is_held INTEGER NOT NULL,
    body BLOB NOT NULL
) WITHOUT ROWID;
CREATE INDEX deliveries_of ON deliveries (webhook, place);
CREATE INDEX deliveries_in_state ON deliveries (webhook, state, place);
CREATE INDEX deliveries_due ON deliveries (webhook, due_at) WHERE due_at IS NOT NULL;
CREATE INDEX deliveries_held ON deliveries (id) WHERE is_held;
CREATE INDEX deliveries_expiring ON deliveries (expires_at) WHERE expires_at IS NOT NULL;
CREATE INDEX deliveries_ended ON deliveries (created_at) WHERE due_at IS NULL;
"""
STEPS = (statements(_FIRST), statements(OUTBOX))
