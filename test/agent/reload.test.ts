import { expect, test } from "vitest";
import type { TestFerry } from "../support/ferry.js";
import { eventually, runs, status, workspace } from "./stage.js";

const writing = (text: string): string => `tasks: [{ id: ${text}, exec: { command: ['true'] } }]\n`;
const BROKEN = "tasks: [{ exec: { comand: ['true'] } }]\n";

/** Which definition is in force: the id of the task that the run had. */
async function taskOf(ferry: TestFerry, job: string): Promise<string | undefined> {
  const { tasks } = await ferry.json<{ tasks: { id: string }[] }>("job", "run", job);
  return tasks[0]?.id;
}

test("a changed job is in force after `agent reload`, and not before; status names it meanwhile", async () => {
  const ferry = workspace({ "jobs/one.yaml": writing("old") });
  await ferry.agent();
  ferry.write("jobs/one.yaml", writing("new"));
  expect((await status(ferry)).changed).toEqual(["jobs/one.yaml"]);
  expect(await taskOf(ferry, "one")).toBe("old");
  expect((await ferry.run(["agent", "reload"])).code).toBe(0);
  expect(await taskOf(ferry, "one")).toBe("new");
  expect((await status(ferry)).changed).toEqual([]);
});

test("a job that is broken at a reload stays in force as it was, is told as off, and comes back when it is right", async () => {
  const ferry = workspace({ "jobs/one.yaml": writing("good"), "jobs/two.yaml": writing("two") });
  await ferry.agent();
  ferry.write("jobs/one.yaml", BROKEN);
  ferry.write("jobs/two.yaml", writing("second"));
  const reloaded = await ferry.run(["agent", "reload", "--json"]);
  expect({
    code: reloaded.code,
    off: JSON.parse(reloaded.stdout).off.map((each: { file: string }) => each.file),
  }).toEqual({
    code: 2,
    off: ["jobs/one.yaml"],
  });
  expect((await status(ferry)).off.map(({ file, job }) => ({ file, job }))).toEqual([
    { file: "jobs/one.yaml", job: "one" },
  ]);
  expect([await taskOf(ferry, "one"), await taskOf(ferry, "two")]).toEqual(["good", "second"]);
  ferry.write("jobs/one.yaml", writing("mended"));
  expect((await ferry.run(["agent", "reload"])).code).toBe(0);
  expect(await taskOf(ferry, "one")).toBe("mended");
});

test("SIGHUP reads the definitions again, new and removed jobs too", async () => {
  const ferry = workspace({ "jobs/one.yaml": writing("one") });
  const agent = await ferry.agent();
  ferry.write("jobs/two.yaml", writing("two"));
  agent.process.kill("SIGHUP");
  await eventually(() => agent.output().includes("2 jobs"));
  expect(await taskOf(ferry, "two")).toBe("two");
});

test("with a broken job the agent starts with the others, and says which one is off", async () => {
  const ferry = workspace({ "jobs/one.yaml": BROKEN, "jobs/two.yaml": writing("two") });
  const agent = await ferry.agent();
  expect((await status(ferry)).off.map((each) => each.job)).toEqual(["one"]);
  const refused = await ferry.run(["job", "run", "one"]);
  expect({ code: refused.code, line: refused.stderr.split(":")[0] }).toEqual({
    code: 2,
    line: "error[FERRY_DEFINITION]",
  });
  expect(await taskOf(ferry, "two")).toBe("two");
  await agent.end();
  expect((await ferry.run(["agent", "--strict"])).code).toBe(2);
});

test("a trigger that a reload changes goes on from where it was", { timeout: 60_000 }, async () => {
  const job = (id: string): string => `triggers: [{ cron: '* * * * * *' }]\noverlap: parallel\n${writing(id)}`;
  const ferry = workspace({ "jobs/tick.yaml": job("a") });
  const agent = await ferry.agent();
  await eventually(async () => (await runs(ferry)).length > 1);
  ferry.write("jobs/tick.yaml", job("b"));
  expect((await ferry.run(["agent", "reload"])).code).toBe(0);
  const known = (await runs(ferry)).length;
  await eventually(async () => (await runs(ferry)).length > known + 1);
  await agent.end();
  const seconds = (await runs(ferry)).map((run) => Date.parse(run.scheduledAt ?? "") / 1000);
  expect(seconds).toEqual(seconds.map((_, n) => (seconds[0] ?? 0) + n));
});
