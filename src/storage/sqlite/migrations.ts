import type { Database } from "better-sqlite3";
import { guards } from "./migrations/001-guards.js";
import { history } from "./migrations/001-history.js";
import { views } from "./migrations/001-views.js";

/** In order; the schema's version is how many of them a database has had. They only go forward. */
const migrations: readonly string[] = [history + views + guards];

export const SCHEMA_VERSION = migrations.length;

/** `FERY`: what marks a SQLite file as ours. */
export const APPLICATION_ID = 0x46455259;

/** Brings a database to the present schema, in one transaction. */
export function migrate(db: Database): void {
  const from = versionOf(db);
  if (from === SCHEMA_VERSION) return;
  db.transaction(() => {
    for (const migration of migrations.slice(from)) db.exec(migration);
    db.pragma(`application_id = ${APPLICATION_ID}`);
    db.pragma(`user_version = ${SCHEMA_VERSION}`);
  }).immediate();
}

export function versionOf(db: Database): number {
  return Number(db.pragma("user_version", { simple: true }));
}

export function applicationOf(db: Database): number {
  return Number(db.pragma("application_id", { simple: true }));
}
