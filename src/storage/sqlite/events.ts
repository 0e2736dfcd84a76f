import { hostname, userInfo } from "node:os";
import type { Database } from "better-sqlite3";
import { change, insert } from "./statements.js";

/** Appends to the one list that everything else is a projection of; resolves to the event's number. */
export function appendEvent(db: Database, at: string, type: string, run: number | undefined, body: object): number {
  return insert(db, "INSERT INTO events (at, run_id, type, body) VALUES (@at, @run, @type, @body)", {
    at,
    type,
    run,
    body,
  });
}

/** Who did what, outside runs. The texts are masked by the caller. */
export function appendAudit(
  db: Database,
  at: string,
  entry: { action: string; subject: string; detail: string },
): void {
  const row = {
    action: entry.action,
    subject: entry.subject,
    detail: entry.detail,
    user: userName(),
    host: hostname(),
  };
  change(
    db,
    `INSERT INTO audit_rows (at, user, host, action, subject, detail)
     VALUES (@at, @user, @host, @action, @subject, @detail)`,
    { ...row, at },
  );
  appendEvent(db, at, "audit", undefined, row);
}

/** A user without an entry in the system's list (in containers) is its number. */
function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return String(process.getuid?.() ?? "unknown");
  }
}
