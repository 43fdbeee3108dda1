"""The tables of accounts, and the steps that bring those of earlier releases to them."""

from shared.outbox.sqlite import SCHEMA as OUTBOX
from shared.sqlite.migrations import statements

_FIRST = """
CREATE TABLE teams (id TEXT PRIMARY KEY, body BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE people (id TEXT PRIMARY KEY, name_key TEXT NOT NULL UNIQUE, body BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE memberships (
    team TEXT NOT NULL, name_key TEXT NOT NULL, person TEXT NOT NULL,
    PRIMARY KEY (team, name_key)
) WITHOUT ROWID;
CREATE INDEX memberships_of ON memberships (person);
CREATE TABLE sessions (id TEXT PRIMARY KEY, created_at REAL NOT NULL, body BLOB NOT NULL) WITHOUT ROWID;
CREATE INDEX sessions_by_age ON sessions (created_at);
CREATE TABLE keys (
    id TEXT PRIMARY KEY,
    live_team TEXT,                 -- none, once it is revoked
    person TEXT NOT NULL,
    body BLOB NOT NULL
) WITHOUT ROWID;
CREATE INDEX keys_in ON keys (live_team, id) WHERE live_team IS NOT NULL;
CREATE INDEX keys_of ON keys (live_team, person, id) WHERE live_team IS NOT NULL;
CREATE TABLE invitations (
    id TEXT PRIMARY KEY,
    team TEXT NOT NULL,
    open_until REAL,                -- none, once it is used or withdrawn
    body BLOB NOT NULL
) WITHOUT ROWID;
CREATE INDEX invitations_open ON invitations (team, open_until) WHERE open_until IS NOT NULL;
CREATE TABLE audit (
    id TEXT PRIMARY KEY,
    team TEXT NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    body BLOB NOT NULL
) WITHOUT ROWID;
CREATE INDEX audit_of_team ON audit (team, id);
CREATE INDEX audit_by_actor ON audit (team, actor, id);
CREATE INDEX audit_by_action ON audit (team, action, id);
CREATE TRIGGER audit_is_not_changed BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'append only'); END;
CREATE TRIGGER audit_is_not_removed BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'append only'); END;
"""
_DEVICES = """
CREATE TABLE devices (id TEXT PRIMARY KEY, expires_at REAL NOT NULL, body BLOB NOT NULL) WITHOUT ROWID;
CREATE INDEX devices_by_end ON devices (expires_at);
CREATE TABLE guesses (id TEXT PRIMARY KEY, body BLOB NOT NULL) WITHOUT ROWID;
"""
_IDENTITIES = """
ALTER TABLE people ADD COLUMN identity TEXT;  -- none, where no provider vouches for them
CREATE UNIQUE INDEX people_by_identity ON people (identity) WHERE identity IS NOT NULL;
"""
_ERASURES = """
CREATE TABLE erasures (
    id TEXT PRIMARY KEY,
    erased_at REAL NOT NULL,
    unfinished INTEGER,             -- none, once the others were told and nothing but the stub is here
    body BLOB NOT NULL
) WITHOUT ROWID;
CREATE INDEX erasures_newest ON erasures (erased_at);
CREATE INDEX erasures_unfinished ON erasures (unfinished) WHERE unfinished IS NOT NULL;
CREATE INDEX audit_of_actor ON audit (actor, id);
DROP TRIGGER audit_is_not_changed;
CREATE TRIGGER audit_is_not_changed BEFORE UPDATE ON audit
    WHEN NEW.id IS NOT OLD.id OR NEW.team IS NOT OLD.team OR NEW.actor IS NOT OLD.actor OR NEW.action IS NOT OLD.action
        OR json_remove(CAST(NEW.body AS TEXT), '$.actor_name', '$.address')
            IS NOT json_remove(CAST(OLD.body AS TEXT), '$.actor_name', '$.address')
        OR NOT EXISTS (SELECT 1 FROM erasures WHERE id = OLD.actor)
    BEGIN SELECT RAISE(ABORT, 'append only, but for the name of somebody who was erased'); END;
"""
_AUDIT_BY_OBJECT = """
ALTER TABLE audit ADD COLUMN object TEXT GENERATED ALWAYS AS (json_extract(CAST(body AS TEXT), '$.object')) VIRTUAL;
CREATE INDEX audit_by_object ON audit (team, object, id);
"""
STEPS = (
    statements(_FIRST),
    statements(OUTBOX),
    statements(_DEVICES),
    statements(_IDENTITIES),
    statements(_ERASURES),
    statements(_AUDIT_BY_OBJECT),
)
