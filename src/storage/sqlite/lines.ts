import type { Database } from "better-sqlite3";
import { iso } from "../../base/clock.js";
import type { TranscriptLine } from "../../runs/ports.js";
import { all } from "./statements.js";

/** Numbers the lines of each run, and of each of its sessions, as they are inserted. */
export interface LineWriter {
  insert(lines: readonly TranscriptLine[]): void;
  /** The numbers are no longer those of the database: after a rollback, or at the end of a run. */
  forget(run?: number): void;
}

interface Counters {
  line: number;
  readonly sessions: Map<number, number>;
}

export function createLineWriter(db: Database): LineWriter {
  const runs = new Map<number, Counters>();
  const countersOf = (run: number): Counters => {
    const counters = runs.get(run) ?? readCounters(db, run);
    runs.set(run, counters);
    return counters;
  };
  // Bound by position: a large transfer over SFTP says many lines.
  const statement = db.prepare(
    `INSERT INTO command_rows (run_id, line, session, seq, task, at, channel, direction, text)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  const insertLine = (line: TranscriptLine, counters: Counters): void => {
    const { run, session, task = null, at, channel, direction, text } = line;
    counters.line += 1;
    const seq = (counters.sessions.get(session) ?? 0) + 1;
    counters.sessions.set(session, seq);
    statement.run(run, counters.line, session, seq, task, iso(at), channel, direction, text);
  };
  return {
    insert(lines) {
      for (const line of lines) insertLine(line, countersOf(line.run));
    },
    forget(run) {
      if (run === undefined) runs.clear();
      else runs.delete(run);
    },
  };
}

/** One row a line: what a library handed over as one text with line ends inside was several lines on the wire. */
export function splitLines(line: TranscriptLine): TranscriptLine[] {
  if (!line.text.includes("\n")) return [line];
  return line.text.split(/\r?\n/).map((text) => ({ ...line, text }));
}

/** Stands in the transcript for lines that had to be given up. */
export function missingNotes(lost: readonly TranscriptLine[]): TranscriptLine[] {
  const counts = new Map<string, { first: TranscriptLine; count: number }>();
  for (const line of lost) {
    const session = `${line.run} ${line.session}`;
    const { first, count } = counts.get(session) ?? { first: line, count: 0 };
    counts.set(session, { first, count: count + 1 });
  }
  return [...counts.values()].map(({ first, count }) => {
    return { ...first, direction: "note", text: `${count} lines are missing here: they could not be recorded` };
  });
}

function readCounters(db: Database, run: number): Counters {
  const rows = all<{ session: number; seq: number; line: number }>(
    db,
    "SELECT session, max(seq) AS seq, max(line) AS line FROM command_rows WHERE run_id = @run GROUP BY session",
    { run },
  );
  return {
    line: Math.max(0, ...rows.map((row) => row.line)),
    sessions: new Map(rows.map((row) => [row.session, row.seq])),
  };
}
