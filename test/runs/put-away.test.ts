import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { AgentError } from "../../src/base/errors.js";
import { localDriver } from "../../src/connections/local/driver.js";
import type { Ledgers } from "../../src/runs/ports.js";
import { upload } from "../../src/tasks/upload.js";
import { openContext } from "../connections/open-context.js";
import { type Bench, bench, newRun } from "../storage/workbench.js";
import { type Deed, executor, job, perform, states, task } from "./stage.js";

const gone = (cause?: unknown) => new AgentError("FERRY_STORAGE", "history.db: the disk refuses", { cause });
const pushing = job({ tasks: [task("upload")] });

/** out/a.csv is to be sent to server/, and then put into sent/. `then` sees the end of the task first. */
async function stage(b: Bench, then: (sent: ReturnType<Deed>) => ReturnType<Deed>) {
  await b.storage.queue.enqueue(newRun());
  const spec = upload.schema.parse({ connection: "bank", from: "out/*.csv", after: { move: "sent/" } });
  const made = executor(b, { upload: (context) => then(upload.run(spec, context)) });
  const at = (path: string): string => join(made.workspace, path);
  for (const folder of ["out", "server"]) mkdirSync(at(folder));
  writeFileSync(at("out/a.csv"), "content");
  const definition = localDriver.schema.parse({ protocol: "local", directory: at("server") });
  return { at, acting: { ...made, open: async () => localDriver.open(definition, openContext()) } };
}

/** The process is another one, and goes on with what was open. */
async function restart(b: Bench): Promise<void> {
  await b.reopen();
  await b.storage.queue.recover(() => true);
}

async function told(b: Bench) {
  const transfers = (await b.history.transfers(1)).map(({ state, error }) => [state, error?.code]);
  return { runs: states(b, "run_rows"), transfers };
}

test("what one run could not put away, and the run that goes on with it can, is delivered and nothing else", async () => {
  const b = bench();
  let dies = true;
  const { at, acting } = await stage(b, async (sent) => {
    try {
      return await sent;
    } catch (error) {
      // The process ends before it can say how the task did.
      throw dies ? gone(error) : error;
    }
  });
  writeFileSync(at("sent"), "a file where the folder is to be");
  await expect(perform(b, acting, pushing)).rejects.toThrow("the disk refuses");
  expect(await told(b)).toEqual({ runs: ["running"], transfers: [["delivered", "FERRY_DISPOSAL_FAILED"]] });

  await restart(b);
  dies = false;
  rmSync(at("sent"));
  await perform(b, { ...acting, storage: b.storage }, pushing);
  expect({ ...(await told(b)), moved: existsSync(at("sent/a.csv")) }).toEqual({
    runs: ["interrupted FERRY_INTERRUPTED", "succeeded"],
    transfers: [["delivered", undefined]],
    moved: true,
  });
});

test("a source that was put away, which could not be recorded, leaves its run to be gone on with", async () => {
  const b = bench();
  const { at, acting } = await stage(b, (sent) => sent);
  const of: Ledgers["of"] = (run, id) => ({
    ...b.storage.ledgers.of(run, id),
    disposed: () => Promise.reject(gone()),
  });
  const storage = { ...b.storage, ledgers: { ...b.storage.ledgers, of } };
  await expect(perform(b, { ...acting, storage }, pushing)).rejects.toThrow("the disk refuses");
  expect(await told(b)).toEqual({ runs: ["running"], transfers: [["delivered", undefined]] });

  await restart(b);
  await perform(b, { ...acting, storage: b.storage }, pushing);
  expect({ ...(await told(b)), moved: existsSync(at("sent/a.csv")) }).toEqual({
    runs: ["interrupted FERRY_INTERRUPTED", "succeeded"],
    transfers: [["delivered", undefined]],
    moved: true,
  });
  expect(b.sql("SELECT disposed_at IS NOT NULL AS disposed FROM delivery_rows")).toEqual([{ disposed: 1 }]);
});
