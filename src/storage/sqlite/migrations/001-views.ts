/** The views that are promised to every tool. They must be readable by the sqlite3 of older distributions (3.37 on). */
export const views = `
CREATE VIEW runs AS
SELECT r.id, r.job, r.state, r.reason, r.trigger_kind AS trigger, r.scheduled_at, r.started_at, r.finished_at,
  CASE WHEN r.state <> 'interrupted' AND r.started_at IS NOT NULL AND r.finished_at IS NOT NULL
    THEN max(0, CAST(round((julianday(r.finished_at) - julianday(r.started_at)) * 86400000) AS INTEGER)) END AS duration_ms,
  r.attempt,
  (SELECT count(*) FROM delivery_rows d WHERE d.run_id = r.id AND d.state = 'delivered') AS files,
  (SELECT coalesce(sum(d.bytes), 0) FROM delivery_rows d WHERE d.run_id = r.id AND d.state = 'delivered') AS bytes,
  r.late, r.error_code, r.error, r.cause, r.hint
FROM run_rows r;

CREATE VIEW task_runs AS
SELECT t.run_id, t.task, t.kind, t.state, t.attempts, t.started_at,
  CASE WHEN t.state <> 'interrupted' AND t.started_at IS NOT NULL AND t.finished_at IS NOT NULL
    THEN max(0, CAST(round((julianday(t.finished_at) - julianday(t.started_at)) * 86400000) AS INTEGER)) END AS duration_ms,
  t.error_code, t.error
FROM task_rows t;

CREATE VIEW transfers AS
SELECT d.run_id, d.task, d.connection, d.direction, d.local_path, d.remote_path, d.bytes, d.sha256, d.state, d.started_at,
  CASE WHEN d.started_at IS NOT NULL AND d.ended_at IS NOT NULL
    THEN max(0, CAST(round((julianday(d.ended_at) - julianday(d.started_at)) * 86400000) AS INTEGER)) END AS duration_ms,
  d.resumed_from, d.verified_by, d.reply, d.error_code, d.error
FROM delivery_rows d;

CREATE VIEW commands AS
SELECT run_id, task, session, seq, at, channel, direction, text FROM command_rows;

CREATE VIEW sessions AS
SELECT run_id, session, connection, address, tls_version, cipher, resumed, certificate_sha256, host_key_sha256,
  opened_at, closed_at
FROM session_rows;

CREATE VIEW deliveries AS
SELECT run_id, task, connection, local_path, remote_path, temporary_path, bytes, sha256, state, planned_at, delivered_at, reply
FROM delivery_rows;

CREATE VIEW expectations AS
SELECT job, by, files, outcome, found, at FROM expectation_rows;

CREATE VIEW audit AS
SELECT at, user, host, action, subject, detail FROM audit_rows;
`;
