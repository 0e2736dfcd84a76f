import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { afterEach } from "vitest";
import type { AgentStatus } from "../../src/agent/operations.js";
import type { DeliveryRecord, RunHistory, RunRecord } from "../../src/runs/history.js";
import { openHistory } from "../../src/storage/sqlite/history.js";
import { type TestFerry, testFerry } from "../support/ferry.js";
import { testAuthority } from "../support/servers/certificates.js";
import type { Vsftpd } from "../support/servers/vsftpd.js";

const undo: (() => unknown)[] = [];

/** To be done after the test, last first, however it ends. */
export function later(work: () => unknown): void {
  undo.push(work);
}

afterEach(async () => {
  for (const work of undo.splice(0).toReversed()) await work();
});

/** A workspace that ends with the test. */
export function workspace(files: Readonly<Record<string, string>>): TestFerry {
  const ferry = testFerry({ "ferry.yaml": "", ...files });
  later(() => ferry.remove());
  return ferry;
}

/** The connection `partner`, to a folder of its own below the server's root. */
export function ftpsTo(server: Vsftpd, directory: string): string {
  const { port, user, password } = server;
  return (
    `connections:\n  partner:\n    { address: 127.0.0.1, port: ${port}, username: ${user}, password: '${password}', directory: /${directory},` +
    ` certificates: { ca: ${testAuthority().caFile} } }\n`
  );
}

/** A job that sends what lies in `outbox`, at once, and puts it away. */
export const WATCHING =
  "triggers: [{ watch: { path: outbox, stable: 0s, batch: { window: 0s } } }]\n" +
  "retry: { attempts: 2, delay: 100ms }\n" +
  "tasks: [{ upload: { connection: partner, after: { move: sent/ } } }]\n";

export function outbox(ferry: TestFerry): TestFerry {
  mkdirSync(join(ferry.folder, "outbox"), { recursive: true });
  return ferry;
}

async function reading<T>(ferry: TestFerry, read: (history: RunHistory) => Promise<T>): Promise<T> {
  const history = openHistory(join(ferry.folder, ".ferry", "history.db"));
  try {
    return await read(history);
  } finally {
    history.close();
  }
}

/** Oldest first. */
export async function runs(ferry: TestFerry, job?: string): Promise<readonly RunRecord[]> {
  const found = await reading(ferry, (history) =>
    history.runs({ limit: 100_000, ...(job === undefined ? {} : { job }) }),
  );
  return found.toSorted((a, b) => a.id - b.id);
}

export function deliveries(ferry: TestFerry): Promise<readonly DeliveryRecord[]> {
  return reading(ferry, (history) => history.deliveries({ limit: 100_000 }));
}

export async function status(ferry: TestFerry): Promise<AgentStatus> {
  return ferry.json<AgentStatus>("agent", "status");
}

/** Looks every 50 ms until there is something, and gives it. The test's own time limit ends it. */
export async function eventually<T>(look: () => T | undefined | false | Promise<T | undefined | false>): Promise<T> {
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    await new Promise((wait) => setTimeout(wait, 50));
  }
}
