import type { Database } from "better-sqlite3";
import type { SessionFacts } from "../../runs/ports.js";
import { change } from "./statements.js";

export function openSession(db: Database, at: string, run: number, session: number, connection: string): void {
  const sql = `INSERT INTO session_rows (run_id, session, connection, opened_at) VALUES (@run, @session, @connection, @at)`;
  change(db, sql, { run, session, connection, at });
}

export function closeSession(
  db: Database,
  at: string,
  run: number,
  session: number,
  facts: SessionFacts | undefined,
): void {
  change(
    db,
    `UPDATE session_rows SET closed_at = @at, address = @address, tls_version = @tlsVersion, cipher = @cipher,
       resumed = @resumed, certificate_sha256 = @certificate, host_key_sha256 = @hostKey
     WHERE run_id = @run AND session = @session`,
    {
      run,
      session,
      at,
      address: facts?.address,
      tlsVersion: facts?.tlsVersion,
      cipher: facts?.cipher,
      resumed: facts?.resumed,
      certificate: facts?.certificateSha256,
      hostKey: facts?.hostKeySha256,
    },
  );
}

/** Of a process that died. */
export function closeSessions(db: Database, at: string, run: number): void {
  change(db, "UPDATE session_rows SET closed_at = @at WHERE run_id = @run AND closed_at IS NULL", { run, at });
}
