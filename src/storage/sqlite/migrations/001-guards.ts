/** History is not rewritten, whoever holds the connection. */
export const guards = `
CREATE TRIGGER events_unchanged BEFORE UPDATE ON events BEGIN SELECT raise(ABORT, 'events are never changed'); END;
CREATE TRIGGER events_kept BEFORE DELETE ON events BEGIN SELECT raise(ABORT, 'events are never deleted'); END;

CREATE TRIGGER run_rows_final BEFORE UPDATE ON run_rows
WHEN OLD.state IN ('succeeded', 'failed', 'cancelled', 'timed-out', 'interrupted', 'skipped')
BEGIN SELECT raise(ABORT, 'a run that has ended is never changed'); END;
CREATE TRIGGER run_rows_kept BEFORE DELETE ON run_rows BEGIN SELECT raise(ABORT, 'runs are never deleted'); END;

CREATE TRIGGER task_rows_kept BEFORE DELETE ON task_rows BEGIN SELECT raise(ABORT, 'tasks are never deleted'); END;

-- What may follow the end of a delivery is only what became of its source.
CREATE TRIGGER delivery_rows_final BEFORE UPDATE OF id, run_id, task, connection, direction, local_path, remote_path,
  temporary_path, source, state, bytes, sha256, verified_by, reply, planned_at, started_at, ended_at, delivered_at ON delivery_rows
WHEN OLD.state IN ('delivered', 'unverified', 'skipped')
BEGIN SELECT raise(ABORT, 'a delivery that has ended is never changed'); END;
CREATE TRIGGER delivery_rows_kept BEFORE DELETE ON delivery_rows BEGIN SELECT raise(ABORT, 'deliveries are never deleted'); END;

CREATE TRIGGER delivery_states_unchanged BEFORE UPDATE ON delivery_states
BEGIN SELECT raise(ABORT, 'delivery states are never changed'); END;
CREATE TRIGGER delivery_states_kept BEFORE DELETE ON delivery_states
BEGIN SELECT raise(ABORT, 'delivery states are never deleted'); END;

CREATE TRIGGER session_rows_kept BEFORE DELETE ON session_rows BEGIN SELECT raise(ABORT, 'sessions are never deleted'); END;

CREATE TRIGGER command_rows_unchanged BEFORE UPDATE ON command_rows BEGIN SELECT raise(ABORT, 'commands are never changed'); END;
CREATE TRIGGER command_rows_kept BEFORE DELETE ON command_rows BEGIN SELECT raise(ABORT, 'commands are never deleted'); END;

CREATE TRIGGER expectation_rows_unchanged BEFORE UPDATE ON expectation_rows
BEGIN SELECT raise(ABORT, 'expectations are never changed'); END;
CREATE TRIGGER expectation_rows_kept BEFORE DELETE ON expectation_rows
BEGIN SELECT raise(ABORT, 'expectations are never deleted'); END;

CREATE TRIGGER audit_rows_unchanged BEFORE UPDATE ON audit_rows BEGIN SELECT raise(ABORT, 'the audit is never changed'); END;
CREATE TRIGGER audit_rows_kept BEFORE DELETE ON audit_rows BEGIN SELECT raise(ABORT, 'the audit is never deleted'); END;
`;
