import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { AgentError } from "../../src/base/errors.js";
import type { TaskDefinition } from "../../src/jobs/job.js";
import type { TaskState } from "../../src/runs/run.js";
import {
  type Bench,
  bench,
  deliveryIn,
  failure,
  newRun,
  upload as planned,
  running,
  withDatabase,
} from "../storage/workbench.js";
import { type Deed, executor, failing, job, perform, states, task } from "./stage.js";

async function queued(): Promise<Bench> {
  const b = bench();
  await b.storage.queue.enqueue(newRun());
  return b;
}

/** Never ends by itself, and hears what tells it to. */
const hanging: Deed = ({ signal }) =>
  new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));

describe("what follows the tasks", () => {
  const LONG = { tasks: [task("bad")], onFailure: [task("hang")], onFinish: [task("last")] };

  test.each([
    { timeoutMs: 120_000, after: 120_000 },
    { timeoutMs: 24 * 3_600_000, after: 3_600_000 },
  ])("has as long as the run ($timeoutMs ms), but an hour at most", async ({ timeoutMs, after }) => {
    const b = await queued();
    const done: string[] = [];
    const last: Deed = () => {
      done.push("last");
      return { files: [] };
    };
    const ending = perform(b, executor(b, { bad: failing, hang: hanging, last }), job({ ...LONG, timeoutMs }));
    await b.clock.advance(after - 1);
    const before = states(b, "run_rows");
    await b.clock.advance(1);
    await ending;
    expect({ before, after: states(b, "run_rows"), done, waiting: b.clock.waiting() }).toEqual({
      ...{ before: ["running"], after: ["failed FERRY_EXEC_FAILED"], done: ["last"], waiting: 0 },
    });
    expect(await b.history.tasks(1)).toMatchObject([
      { state: "failed" },
      { id: "hang", state: "timed-out" },
      { state: "succeeded" },
    ]);
  });

  test.each(["onSuccess", "onFinish"] as const)("is cancelled with the run: %s", async (list) => {
    const b = await queued();
    const cancel = new AbortController();
    const ending = perform(
      b,
      executor(b, { good: () => ({ files: [] }), hang: hanging }),
      job({ tasks: [task("good")], [list]: [task("hang")] }),
      {
        signal: cancel.signal,
      },
    );
    await b.clock.advance(1000);
    cancel.abort(new AgentError("FERRY_CANCELLED", "cancelled by a person"));
    await ending;
    expect([states(b, "run_rows"), (await b.history.tasks(1)).at(-1)?.state]).toEqual([
      ["cancelled FERRY_CANCELLED"],
      "cancelled",
    ]);
  });

  test("still finishes a run that was cancelled", async () => {
    const b = await queued();
    const cancel = new AbortController();
    const done: string[] = [];
    const last: Deed = () => {
      done.push("last");
      return { files: [] };
    };
    const ending = perform(
      b,
      executor(b, { hang: hanging, last }),
      job({ tasks: [task("hang")], onFinish: [task("last")] }),
      {
        signal: cancel.signal,
      },
    );
    await b.clock.advance(1000);
    cancel.abort(new AgentError("FERRY_CANCELLED", "cancelled by a person"));
    await ending;
    expect([states(b, "run_rows"), done]).toEqual([["cancelled FERRY_CANCELLED"], ["last"]]);
  });
});

describe("a run that goes on where another one was interrupted", () => {
  /** Its first task ended as `state`, and it died in the second one. */
  async function died(state: TaskState, error = failure): Promise<Bench> {
    const b = bench();
    const run = await running(b);
    const { recorder } = b.storage;
    await recorder.record({ type: "task-started", run, task: "pay", kind: "exec", attempt: 1 });
    await recorder.record({ type: "task-finished", run, task: "pay", kind: "exec", state, attempts: 1, error });
    await recorder.record({ type: "task-started", run, task: "tell", kind: "note", attempt: 1 });
    await b.reopen();
    await b.storage.queue.recover(() => true);
    return b;
  }

  const noting =
    (done: string[]): Deed =>
    (context) => {
      done.push(context.task);
      return { files: [] };
    };
  const pay = task("pay", { kind: "exec" });
  const note = (id: string) => task(id, { kind: "note" });
  const timeout = { ...failure, code: "FERRY_RUN_TIMEOUT" as const };
  const cancelled = { ...failure, code: "FERRY_CANCELLED" as const };

  test.each([
    { state: "failed", error: failure, end: "failed FERRY_CONNECTION_LOST", done: ["tell", "always"] },
    { state: "timed-out", error: timeout, end: "timed-out FERRY_RUN_TIMEOUT", done: ["tell", "always"] },
    { state: "cancelled", error: cancelled, end: "cancelled FERRY_CANCELLED", done: ["always"] },
  ] as const)(
    "does not do again what was $state, and goes on with what follows",
    async ({ state, error, end, done }) => {
      const b = await died(state, error);
      const found: string[] = [];
      const definition = job({ tasks: [pay, note("next")], onFailure: [note("tell")], onFinish: [note("always")] });
      await perform(b, executor(b, { exec: noting(found), note: noting(found) }), definition);
      expect({ found, end: states(b, "run_rows").at(-1) }).toEqual({ found: done, end });
      expect(await b.history.run(2)).toMatchObject({ error: { message: "lost the connection", task: "pay" } });
    },
  );

  test("goes on behind a failure that its task says to pass over", async () => {
    const b = await died("failed");
    const found: string[] = [];
    const definition = job({ tasks: [{ ...pay, onError: "continue" }, note("tell"), note("next")] });
    await perform(b, executor(b, { exec: noting(found), note: noting(found) }), definition);
    expect({ found, end: states(b, "run_rows").at(-1) }).toEqual({
      found: ["tell", "next"],
      end: "failed FERRY_CONNECTION_LOST",
    });
  });
});

describe("a delivery that is open", () => {
  /** Run 2 goes on with run 1, which died in `push` with two deliveries. */
  async function adopted(): Promise<Bench> {
    const b = bench();
    const run = await running(b);
    await b.storage.recorder.record({ type: "task-started", run, task: "push", kind: "upload", attempt: 1 });
    await deliveryIn(b, run, "publishing", "c.csv");
    await deliveryIn(b, run, "sending", "d.csv");
    await b.reopen();
    await b.storage.queue.recover(() => true);
    return b;
  }

  test("is never left behind by a run that seems to have succeeded", async () => {
    const b = await adopted();
    const skipped = task("push", { kind: "upload", when: "false" });
    await perform(b, executor(b, { upload: () => ({ files: [] }) }), job({ tasks: [skipped] }));
    expect([states(b, "run_rows").at(-1), states(b, "delivery_rows").slice(2)]).toEqual([
      "failed FERRY_HELD",
      ["held FERRY_HELD", "failed FERRY_FILES_FAILED"],
    ]);
  });

  /** The process dies as it records an event of these types: nothing of that transaction is there. */
  async function dies(b: Bench, types: readonly string[], tasks: readonly TaskDefinition[]): Promise<void> {
    const met = types.map((type) => `'${type}'`).join(", ");
    const trigger = `CREATE TRIGGER died BEFORE INSERT ON events WHEN NEW.type IN (${met}) BEGIN SELECT raise(ABORT, 'died'); END`;
    withDatabase(b.file, (db) => db.exec(trigger));
    await expect(perform(b, executor(b, { upload: failing }), job({ tasks }))).rejects.toThrow("died");
    withDatabase(b.file, (db) => db.exec("DROP TRIGGER died"));
    await b.reopen();
    await b.storage.queue.recover(() => true);
  }

  test.each([
    { of: "run", types: ["run-finished"], when: "false" },
    { of: "task", types: ["task-finished", "run-finished"], when: undefined },
  ])(
    "is closed together with the end of its $of: where that was cut off, the run that goes on settles it",
    async (cut) => {
      const b = await adopted();
      const push = task("push", { kind: "upload", when: cut.when });
      await dies(b, cut.types, [push]);
      await perform(b, executor(b, { upload: failing }), job({ tasks: [{ ...push, when: "false" }] }));
      expect([states(b, "run_rows").slice(1), states(b, "delivery_rows").slice(2)]).toEqual([
        ["interrupted FERRY_INTERRUPTED", "failed FERRY_HELD"],
        ["failed FERRY_INTERRUPTED", "failed FERRY_INTERRUPTED", "held FERRY_HELD", "failed FERRY_FILES_FAILED"],
      ]);
    },
  );

  test("keeps its run's work folder", async () => {
    const b = await queued();
    let folder = "";
    const upload: Deed = async ({ workFolder, ledger }) => {
      folder = await workFolder();
      await ledger.plan(planned("a.csv"));
      return { files: [] };
    };
    const made = executor(b, { upload });
    await perform(b, made, job({ tasks: [task("upload")] }));
    expect([states(b, "run_rows"), folder, existsSync(folder)]).toEqual([
      ["failed FERRY_FILES_FAILED"],
      join(made.workRoot, "1"),
      true,
    ]);
  });

  test("is closed by the failure of its own task only", async () => {
    const b = await adopted();
    const seen: string[] = [];
    const upload: Deed = async ({ ledger }) => {
      for (const { state } of await ledger.ofTask()) seen.push(state);
      throw new AgentError("FERRY_CONNECTION_LOST", "lost again");
    };
    const tasks = [task("fetch", { onError: "continue" }), task("push", { kind: "upload" })];
    await perform(b, executor(b, { fetch: failing, upload }), job({ tasks }));
    expect([seen, states(b, "run_rows").at(-1), states(b, "delivery_rows").slice(2)]).toEqual([
      ["publishing", "sending"],
      "failed FERRY_EXEC_FAILED",
      ["held FERRY_HELD", "failed FERRY_CONNECTION_LOST"],
    ]);
  });
});

describe("a store that refuses for a while", () => {
  const refusal = () => new AgentError("FERRY_STORAGE", "history.db: another program holds its lock");

  test("in the middle of a task leaves run, task and deliveries as they are", async () => {
    const b = await queued();
    const upload: Deed = async ({ ledger }) => {
      const { id } = await ledger.plan(planned("a.csv"));
      await ledger.advance(id, { state: "sending" });
      throw refusal();
    };
    const ending = perform(b, executor(b, { upload }), job({ tasks: [task("upload")], onFailure: [task("upload-2")] }));
    await expect(ending).rejects.toMatchObject({ code: "FERRY_STORAGE" });
    expect([
      states(b, "run_rows"),
      states(b, "delivery_rows"),
      (await b.history.tasks(1)).map((one) => one.state),
    ]).toEqual([["running"], ["sending"], ["running"]]);
  });

  test("when a task has succeeded does not make it a failure", async () => {
    const b = await queued();
    const made = executor(b, { good: () => ({ files: [] }) });
    let refused = 0;
    const record: typeof made.storage.recorder.record = async (event) => {
      if (event.type === "task-finished" && refused++ === 0) throw refusal();
      return b.storage.recorder.record(event);
    };
    const storage = { ...b.storage, recorder: { ...b.storage.recorder, record } };
    const ending = perform(b, { ...made, storage }, job({ tasks: [task("good")] }));
    await expect(ending).rejects.toMatchObject({ code: "FERRY_STORAGE" });
    expect([states(b, "run_rows"), refused]).toEqual([["running"], 1]);
  });
});

describe("a person's wish to try a refused login once more", () => {
  /** For each opening, in order, whether the pause after a refusal is to be passed over. */
  async function openings(b: Bench): Promise<boolean[]> {
    const found: boolean[] = [];
    const made = executor(b, {
      upload: async ({ session }) => {
        await session("bank");
        return { files: [] };
      },
    });
    const open: typeof made.open = async (_, { byPerson }) => {
      found.push(byPerson);
      throw new AgentError("FERRY_LOGIN_REFUSED", "bank refused the login");
    };
    const tasks = [task("upload", { onError: "continue" }), task("upload-2", { kind: "upload" })];
    await perform(b, { ...made, open }, job({ tasks }));
    return found;
  }

  test("holds once for a run that was asked for", async () => {
    expect(await openings(await queued())).toEqual([true, false]);
  });

  test("does not hold for a run that goes on with it", async () => {
    const b = bench();
    await running(b);
    await b.storage.queue.recover(() => true);
    expect(await openings(b)).toEqual([false, false]);
  });

  test("does not hold for a run of a trigger", async () => {
    const b = bench();
    await b.storage.queue.enqueue(newRun({ trigger: "cron" }));
    expect(await openings(b)).toEqual([false, false]);
  });
});
