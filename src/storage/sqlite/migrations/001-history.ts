/** The first schema: events, their projections, and what the scheduler remembers. Released migrations are never edited. */
export const history = `
CREATE TABLE events (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  at TEXT NOT NULL,
  run_id INTEGER REFERENCES run_rows (id),
  type TEXT NOT NULL,
  body TEXT NOT NULL CHECK (json_valid(body))
) STRICT;

CREATE TABLE run_rows (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  job TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN
    ('queued', 'running', 'succeeded', 'failed', 'cancelled', 'timed-out', 'interrupted', 'skipped')),
  reason TEXT,
  trigger_kind TEXT NOT NULL,
  trigger_id TEXT NOT NULL,
  key TEXT NOT NULL,
  scheduled_at TEXT,
  queued_at TEXT NOT NULL,
  useful_until TEXT,
  started_at TEXT,
  finished_at TEXT,
  attempt INTEGER NOT NULL,
  late INTEGER NOT NULL DEFAULT 0 CHECK (late IN (0, 1)),
  definition TEXT,
  files TEXT CHECK (files IS NULL OR json_valid(files)),
  vars TEXT NOT NULL CHECK (json_valid(vars)),
  continues INTEGER REFERENCES run_rows (id),
  continuations INTEGER NOT NULL DEFAULT 0,
  resend INTEGER REFERENCES delivery_rows (id),
  error_code TEXT,
  error TEXT,
  cause TEXT,
  hint TEXT,
  error_task TEXT,
  UNIQUE (job, trigger_id, key)
) STRICT;
CREATE INDEX run_rows_by_job ON run_rows (job, id);
CREATE INDEX run_rows_by_time ON run_rows (coalesce(started_at, scheduled_at, queued_at));
CREATE INDEX run_rows_by_state ON run_rows (state, id);
CREATE INDEX run_rows_by_continued ON run_rows (continues) WHERE continues IS NOT NULL;

CREATE TABLE task_rows (
  run_id INTEGER NOT NULL REFERENCES run_rows (id),
  task TEXT NOT NULL,
  position INTEGER NOT NULL,
  kind TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN
    ('running', 'succeeded', 'warned', 'failed', 'skipped', 'cancelled', 'timed-out', 'interrupted')),
  attempts INTEGER NOT NULL,
  started_at TEXT,
  finished_at TEXT,
  error_code TEXT,
  error TEXT,
  cause TEXT,
  hint TEXT,
  result TEXT CHECK (result IS NULL OR json_valid(result)),
  PRIMARY KEY (run_id, task)
) STRICT, WITHOUT ROWID;

CREATE TABLE delivery_rows (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  run_id INTEGER NOT NULL REFERENCES run_rows (id),
  task TEXT NOT NULL,
  connection TEXT NOT NULL,
  direction TEXT NOT NULL CHECK (direction IN ('upload', 'download')),
  local_path TEXT NOT NULL,
  local_name TEXT NOT NULL,
  remote_path TEXT NOT NULL,
  remote_name TEXT NOT NULL,
  temporary_path TEXT NOT NULL,
  source TEXT NOT NULL CHECK (json_valid(source)),
  state TEXT NOT NULL CHECK (state IN ('planned', 'sending', 'sent', 'receiving', 'received', 'publishing',
    'delivered', 'unverified', 'held', 'failed', 'skipped')),
  bytes INTEGER,
  sha256 TEXT,
  verified_by TEXT,
  reply TEXT,
  resumed_from INTEGER,
  error_code TEXT,
  error TEXT,
  cause TEXT,
  hint TEXT,
  planned_at TEXT NOT NULL,
  started_at TEXT,
  ended_at TEXT,
  delivered_at TEXT,
  disposed_at TEXT,
  disposed_to TEXT,
  disposed_event INTEGER REFERENCES events (id),
  adopted_from INTEGER REFERENCES delivery_rows (id)
) STRICT;
CREATE INDEX delivery_rows_by_run ON delivery_rows (run_id, task);
CREATE INDEX delivery_rows_by_connection ON delivery_rows (connection, id);
CREATE INDEX delivery_rows_by_state ON delivery_rows (state, id);
CREATE INDEX delivery_rows_by_time ON delivery_rows (coalesce(delivered_at, planned_at));
CREATE INDEX delivery_rows_by_local_path ON delivery_rows (local_path);
CREATE INDEX delivery_rows_by_local_name ON delivery_rows (local_name);
CREATE INDEX delivery_rows_by_remote_path ON delivery_rows (remote_path);
CREATE INDEX delivery_rows_by_remote_name ON delivery_rows (remote_name);
CREATE INDEX delivery_rows_by_sha256 ON delivery_rows (sha256) WHERE sha256 IS NOT NULL;
CREATE INDEX delivery_rows_by_disposed_to ON delivery_rows (disposed_to) WHERE disposed_to IS NOT NULL;
CREATE INDEX delivery_rows_by_adopted ON delivery_rows (adopted_from) WHERE adopted_from IS NOT NULL;

CREATE TABLE delivery_states (
  event_id INTEGER PRIMARY KEY REFERENCES events (id),
  delivery_id INTEGER NOT NULL REFERENCES delivery_rows (id),
  state TEXT NOT NULL,
  at TEXT NOT NULL
) STRICT;
CREATE INDEX delivery_states_by_delivery ON delivery_states (delivery_id, event_id);

-- The local files that a delivery was made of: the one that was sent, and those that it came from.
CREATE TABLE delivery_sources (
  delivery_id INTEGER NOT NULL REFERENCES delivery_rows (id),
  path TEXT NOT NULL,
  made INTEGER NOT NULL CHECK (made IN (0, 1)),
  size INTEGER NOT NULL,
  mtime_ns TEXT NOT NULL,
  ino TEXT NOT NULL,
  dev TEXT NOT NULL,
  PRIMARY KEY (path, delivery_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX delivery_sources_by_delivery ON delivery_sources (delivery_id);

CREATE TABLE session_rows (
  run_id INTEGER NOT NULL REFERENCES run_rows (id),
  session INTEGER NOT NULL,
  connection TEXT NOT NULL,
  address TEXT,
  tls_version TEXT,
  cipher TEXT,
  resumed INTEGER CHECK (resumed IN (0, 1)),
  certificate_sha256 TEXT,
  host_key_sha256 TEXT,
  opened_at TEXT NOT NULL,
  closed_at TEXT,
  PRIMARY KEY (run_id, session)
) STRICT, WITHOUT ROWID;

-- line counts within the run, seq within the session.
CREATE TABLE command_rows (
  run_id INTEGER NOT NULL REFERENCES run_rows (id),
  line INTEGER NOT NULL,
  session INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  task TEXT,
  at TEXT NOT NULL,
  channel TEXT NOT NULL CHECK (channel IN ('control', 'data', 'ssh')),
  direction TEXT NOT NULL CHECK (direction IN ('sent', 'received', 'note')),
  text TEXT NOT NULL,
  PRIMARY KEY (run_id, line)
) STRICT, WITHOUT ROWID;

CREATE TABLE mark_rows (
  job TEXT NOT NULL,
  trigger_id TEXT NOT NULL,
  instant TEXT,
  PRIMARY KEY (job, trigger_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE watched_versions (
  job TEXT NOT NULL,
  trigger_id TEXT NOT NULL,
  path TEXT NOT NULL,
  size INTEGER NOT NULL,
  mtime_ns TEXT NOT NULL,
  ctime_ns TEXT NOT NULL,
  ino TEXT NOT NULL,
  dev TEXT NOT NULL,
  taken_event INTEGER NOT NULL REFERENCES events (id),
  run_id INTEGER REFERENCES run_rows (id),
  PRIMARY KEY (job, trigger_id, path)
) STRICT, WITHOUT ROWID;
CREATE INDEX watched_versions_by_run ON watched_versions (run_id);

CREATE TABLE expectation_rows (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  job TEXT NOT NULL,
  by TEXT NOT NULL,
  files TEXT NOT NULL,
  outcome TEXT NOT NULL CHECK (outcome IN ('on-time', 'late', 'missing', 'malformed')),
  found INTEGER NOT NULL,
  at TEXT NOT NULL
) STRICT;

CREATE TABLE audit_rows (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  at TEXT NOT NULL,
  user TEXT NOT NULL,
  host TEXT NOT NULL,
  action TEXT NOT NULL,
  subject TEXT NOT NULL,
  detail TEXT NOT NULL
) STRICT;
`;
