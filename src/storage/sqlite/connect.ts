import Database from "better-sqlite3";

/**
 * Opens a database file. All that better-sqlite3 makes here is kept as long as the process lives, because its version 12,
 * the last one for Node 20, ends the process when Node 24 collects one of its objects as garbage: ObjectWrap asks there
 * for an environment that is not at hand during a collection. For the same reason nothing here may use `iterate`.
 */
export function connect(file: string, options?: Database.Options): Database.Database {
  const db = new Database(file, options);
  const statements = new Map<string, Database.Statement>();
  kept.push(db, statements);
  const prepare = db.prepare.bind(db);
  const prepared = (sql: string): Database.Statement => {
    const statement = statements.get(sql) ?? prepare(sql);
    statements.set(sql, statement);
    return statement;
  };
  return Object.assign(db, {
    prepare: prepared,
    // The library's own would make a statement for every call.
    pragma(source: string, { simple = false }: Database.PragmaOptions = {}) {
      const statement = prepared(`PRAGMA ${source}`);
      if (!statement.reader) return statement.run();
      const rows = statement.all() as Record<string, unknown>[];
      return simple ? Object.values(rows[0] ?? {})[0] : rows;
    },
  });
}

/** Small, and few: a process opens the history when it begins, and now and then to look into it. */
const kept: unknown[] = [];
