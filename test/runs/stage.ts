import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { AgentError } from "../../src/base/errors.js";
import type { Job, TaskDefinition } from "../../src/jobs/job.js";
import { createTemplates } from "../../src/jobs/templates.js";
import { type Executor, executeRun } from "../../src/runs/execute.js";
import type { QueuedRun } from "../../src/runs/ports.js";
import type { TaskContext, TaskKind, TaskResult } from "../../src/tasks/task.js";
import type { Bench } from "../storage/workbench.js";

/** What tasks of a kind do, in a word. */
export type Deed = (context: TaskContext) => TaskResult | Promise<TaskResult>;

/** A task of the kind that its id names, if nothing else is said. */
export function task(id: string, values: Partial<TaskDefinition> = {}): TaskDefinition {
  return {
    ...{ id, kind: id, spec: {}, when: undefined, timeoutMs: undefined, onError: "stop", description: undefined },
    retry: { attempts: 1, delayMs: 1000, backoff: "fixed", maximumMs: 1000 },
    ...values,
  };
}

export function job(values: Partial<Job> = {}): Job {
  return {
    ...{ name: "nightly", file: "/jobs/nightly.yaml", description: undefined, group: undefined, enabled: true },
    ...{ timezone: "UTC", triggers: [], overlap: "queue", timeoutMs: 600_000, locks: [], vars: {}, hash: "hash" },
    ...{ tasks: [], onFailure: [], onSuccess: [], onFinish: [] },
    ...values,
  };
}

export function executor({ storage, clock }: Bench, deeds: Readonly<Record<string, Deed>>): Executor {
  const folder = mkdtempSync(join(tmpdir(), "ferry-runs-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const kinds = Object.entries(deeds).map(([type, deed]): [string, TaskKind] => [
    type,
    { type, lazy: [], repeatable: true, run: async (_: unknown, context: TaskContext) => deed(context) } as never,
  ]);
  return {
    ...{ clock, storage, kinds: new Map(kinds), workspace: folder, workRoot: folder, env: {} },
    templates: () => createTemplates({ timezone: "UTC", reveal: () => "" }),
    open: async () => {
      throw new AgentError("FERRY_CONNECT_REFUSED", "nobody is there");
    },
    kept: () => ({ sent: true, received: true }),
    log: () => {},
    progress: () => {},
  };
}

/** Does a waiting run, the oldest if none is named. Resolves when it has ended. */
export async function perform(
  { storage }: Bench,
  made: Executor,
  definition: Job,
  options: { readonly run?: number; readonly signal?: AbortSignal } = {},
): Promise<void> {
  const waiting = await storage.queue.waiting();
  const run = waiting.find((one) => one.id === (options.run ?? one.id)) as QueuedRun;
  await storage.queue.start(run.id, definition.hash);
  await executeRun(made, run, definition, options.signal ?? new AbortController().signal);
}

/** Sends whatever the ledger has of the task. */
export const sending =
  (sent: string[]): Deed =>
  async ({ ledger }) => {
    for (const { id, localPath } of await ledger.ofTask()) {
      sent.push(localPath);
      for (const state of ["sending", "sent", "publishing", "delivered"] as const) await ledger.advance(id, { state });
    }
    return { files: [] };
  };

export const failing: Deed = () => {
  throw new AgentError("FERRY_EXEC_FAILED", "it said no");
};

export function states({ sql }: Bench, table: "run_rows" | "delivery_rows"): unknown[] {
  return sql<{ state: string; error_code: string | null }>(`SELECT state, error_code FROM ${table} ORDER BY id`).map(
    (row) => [row.state, ...(row.error_code === null ? [] : [row.error_code])].join(" "),
  );
}
