import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Clock, systemClock } from "../../src/base/clock.js";
import { AgentError } from "../../src/base/errors.js";
import type { RemoteSession } from "../../src/connections/session.js";
import type { TaskOutcome } from "../../src/jobs/template-scope.js";
import { createTemplates } from "../../src/jobs/templates.js";
import type { TaskFile } from "../../src/tasks/files.js";
import type { Delivery, DeliveryChange, Ledger, NewDelivery } from "../../src/tasks/ledger.js";
import type { TaskContext } from "../../src/tasks/task.js";

export interface TestContextOptions {
  readonly task?: string;
  readonly attempt?: number;
  readonly clock?: Clock;
  readonly signal?: AbortSignal;
  readonly workspace?: string;
  readonly triggerFiles?: readonly TaskFile[];
  readonly vars?: Readonly<Record<string, unknown>>;
  /** What earlier tasks gave. */
  readonly tasks?: Readonly<Record<string, TaskOutcome>>;
  readonly session?: (connection: string) => Promise<RemoteSession>;
  readonly ledger?: Ledger;
  readonly resend?: boolean;
}

export interface TestContext extends TaskContext {
  readonly logged: readonly string[];
  /** Another attempt of the same task in the same workspace, with what is to be different. */
  again(changes?: TestContextOptions): TestContext;
}

/** A real context over a folder of its own, with the real templates and a ledger in memory. `close` removes the folder. */
export async function testWorkspace(): Promise<{ path: string; close(): Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), "ferry-tasks-"));
  return { path, close: () => rm(path, { recursive: true, force: true }) };
}

export function testContext(workspace: string, options: TestContextOptions = {}): TestContext {
  const clock = options.clock ?? systemClock;
  const templates = createTemplates({ timezone: "UTC", reveal: (name) => `secret of ${name}` });
  const facts = (current: { readonly file?: TaskFile } = {}) => ({
    now: clock.now(),
    job: "test",
    run: { id: 1, startedAt: clock.now() },
    trigger: { kind: "manual", firedAt: clock.now(), files: options.triggerFiles },
    vars: options.vars ?? {},
    env: {},
    tasks: new Map(Object.entries(options.tasks ?? {})),
    ...current,
  });
  const logged: string[] = [];
  return {
    run: { id: 1, job: "test" },
    task: options.task ?? "task",
    attempt: options.attempt ?? 1,
    clock,
    signal: options.signal ?? new AbortController().signal,
    workspace,
    async workFolder() {
      const folder = join(workspace, ".ferry/work/1");
      await mkdir(folder, { recursive: true, mode: 0o700 });
      return folder;
    },
    triggerFiles: options.triggerFiles,
    session: options.session ?? (() => Promise.reject(new Error("this test has no session"))),
    ledger: options.ledger ?? memoryLedger(clock),
    resend: options.resend ?? false,
    evaluate: (template, current) => templates.evaluate(template, facts(current)),
    text: (template, current) => templates.text(template, facts(current)),
    log: (level, message) => logged.push(`${level}: ${message}`),
    progress() {},
    logged,
    again: (changes = {}) => testContext(workspace, { ...options, ...changes }),
  };
}

/** A ledger that keeps what it is told. `rows` are there from earlier. */
export function memoryLedger(clock: Clock, rows: readonly Delivery[] = []): Ledger & { readonly rows: Delivery[] } {
  const kept: Delivery[] = [...rows];
  const at = (id: number): number => {
    const index = kept.findIndex((row) => row.id === id);
    if (index < 0) throw new AgentError("FERRY_BUG", `there is no delivery ${id}`);
    return index;
  };
  const put = (index: number, change: Partial<Delivery>): Delivery => {
    const row = { ...(kept[index] as Delivery), ...change };
    kept[index] = row;
    return row;
  };
  return {
    rows: kept,
    ofTask: async () => [...kept],
    async plan(delivery: NewDelivery) {
      const id = kept.length + 1;
      const unknown = {
        bytes: undefined,
        sha256: undefined,
        verifiedBy: undefined,
        reply: undefined,
        error: undefined,
      };
      const row: Delivery = {
        ...delivery,
        ...unknown,
        id,
        runId: 1,
        task: "task",
        state: "planned",
        deliveredAt: undefined,
        disposedAt: undefined,
      };
      kept.push(row);
      return row;
    },
    advance: async (id: number, change: DeliveryChange) =>
      put(at(id), {
        error: undefined,
        ...change,
        ...(change.state === "delivered" ? { deliveredAt: clock.now() } : {}),
      }),
    async disposed(id) {
      put(at(id), { disposedAt: clock.now() });
    },
  };
}
