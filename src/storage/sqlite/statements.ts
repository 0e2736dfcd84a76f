import type { Database } from "better-sqlite3";

/** What may stand for a named parameter. */
type Value = string | number | boolean | Date | object | null | undefined;
export type Parameters = Readonly<Record<string, Value>>;

/** Runs a statement that changes rows; resolves to how many it changed. */
export function change(db: Database, sql: string, parameters: Parameters = {}): number {
  return db.prepare(sql).run(bound(parameters)).changes;
}

/** The id that a statement inserted. */
export function insert(db: Database, sql: string, parameters: Parameters): number {
  return Number(db.prepare(sql).run(bound(parameters)).lastInsertRowid);
}

export function one<Row>(db: Database, sql: string, parameters: Parameters = {}): Row | undefined {
  // SQLite's rows have the type that their statement gives them, which better-sqlite3 cannot know.
  return db.prepare(sql).get(bound(parameters)) as Row | undefined;
}

export function all<Row>(db: Database, sql: string, parameters: Parameters = {}): Row[] {
  return db.prepare(sql).all(bound(parameters)) as Row[];
}

function bound(parameters: Parameters): Record<string, string | number | null> {
  return Object.fromEntries(Object.entries(parameters).map(([name, value]) => [name, column(value)]));
}

/** Absent is NULL, a time is ISO 8601, and what has parts is JSON. */
function column(value: Value): string | number | null {
  if (value === undefined || value === null) return null;
  if (typeof value === "boolean") return value ? 1 : 0;
  if (value instanceof Date) return value.toISOString();
  return typeof value === "object" ? JSON.stringify(value) : value;
}
