import { expect, test } from "vitest";
import type { RunRecord } from "../../src/runs/history.js";
import { eventually, runs, workspace } from "./stage.js";

const ticking = (rest = "", task = "exec: { command: ['true'] }"): Record<string, string> => ({
  "jobs/tick.yaml": `triggers: [{ cron: '* * * * * *'${rest} }]\ntasks: [{ ${task} }]\n`,
});

/** Every second from the first row's to the last row's, which is what the rows' instants must be: none is lost, none doubled. */
function everySecond(rows: readonly RunRecord[]): { due: number[]; booked: number[] } {
  // What continues an interrupted run stands for the same instant.
  const own = rows.filter((run) => run.continues === null);
  const booked = own.map((run) => Date.parse(run.scheduledAt ?? "") / 1000).toSorted((a, b) => a - b);
  const [first = 0] = booked;
  return { due: Array.from({ length: (booked.at(-1) ?? 0) - first + 1 }, (_, n) => first + n), booked };
}

function reasons(rows: readonly RunRecord[]): string[] {
  return [...new Set(rows.map((run) => run.reason?.split(":")[0] ?? run.state))].toSorted();
}

test("a cron job runs at its instants, once each", { timeout: 60_000 }, async () => {
  const ferry = workspace(ticking());
  const agent = await ferry.agent();
  await eventually(async () => (await runs(ferry)).filter((run) => run.state === "succeeded").length >= 3);
  await agent.end();
  const rows = await runs(ferry);
  const { due, booked } = everySecond(rows);
  expect(booked).toEqual(due);
  expect(rows.every((run) => run.trigger === "cron")).toBe(true);
});

test.each([
  { missed: "latest", others: "missed" },
  { missed: "all", others: undefined },
  { missed: "skip", others: "missed" },
])(
  "instants that fell while the agent was dead are booked once each, with missed: $missed",
  { timeout: 60_000 },
  async ({ missed, others }) => {
    const ferry = workspace(ticking(`, missed: ${missed}`));
    const first = await ferry.agent();
    await eventually(async () => (await runs(ferry)).length > 0);
    await first.end("SIGKILL");
    const known = (await runs(ferry)).length;
    const dead = Date.now();
    await eventually(() => Date.now() - dead > 4000);
    const second = await ferry.agent();
    await eventually(async () => (await runs(ferry)).length > known + 5);
    await second.end();
    const rows = await runs(ferry);
    const { due, booked } = everySecond(rows);
    expect(booked).toEqual(due);
    const missedRows = rows.filter((run) => run.reason?.startsWith("missed:"));
    expect(missedRows.length > 0).toBe(others === "missed");
  },
);

test("a job that takes longer than its period keeps one firing waiting; the others are coalesced rows", {
  timeout: 60_000,
}, async () => {
  const ferry = workspace(ticking("", "exec: { command: [sh, -c, 'until [ -e go ]; do sleep 0.1; done'] }"));
  const agent = await ferry.agent();
  await eventually(async () => (await runs(ferry)).filter((run) => run.reason?.startsWith("coalesced:")).length >= 2);
  ferry.write("go", "");
  await eventually(async () => (await runs(ferry)).filter((run) => run.state === "succeeded").length >= 2);
  await agent.end();
  const rows = await runs(ferry);
  const { due, booked } = everySecond(rows);
  expect(booked).toEqual(due);
  expect(reasons(rows)).toContain("coalesced");
});

test("with overlap: skip a firing during a run is a row that says which run was going on", {
  timeout: 60_000,
}, async () => {
  const files = ticking("", "exec: { command: [sh, -c, 'until [ -e go ]; do sleep 0.1; done'] }");
  const ferry = workspace({ "jobs/tick.yaml": `overlap: skip\n${files["jobs/tick.yaml"]}` });
  const agent = await ferry.agent();
  await eventually(async () => (await runs(ferry)).filter((run) => run.state === "skipped").length >= 2);
  ferry.write("go", "");
  await eventually(async () => (await runs(ferry)).some((run) => run.state === "succeeded"));
  await agent.end();
  const rows = await runs(ferry);
  const { due, booked } = everySecond(rows);
  const [first] = rows;
  expect(booked).toEqual(due);
  expect(rows[1]).toMatchObject({ state: "skipped", reason: `overlap: run ${first?.id} is still running` });
});
