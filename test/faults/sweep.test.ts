import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { requireServer } from "../support/servers/require-server.js";
import { live, openStage, outcome, recover, sourceIn } from "./sweep-life.js";
import { type Point, pointsIn, sample } from "./sweep-points.js";

/**
 * The agent is killed before every system call by which it changes something, from taking the lock to giving it back,
 * and is started again. A call's effect is there, and unrecorded, when it dies before the next one.
 * FERRY_SWEEP=all takes every point, FERRY_SWEEP=7 every seventh of a kind, FERRY_SWEEP_FIRST says which is the first.
 */
const { FERRY_SWEEP = "64", FERRY_SWEEP_FIRST = "37" } = process.env;
const LANES = 2;
// One thread for files, so that its calls come in the same order each time.
process.env.UV_THREADPOOL_SIZE = "1";

const traces = mkdtempSync(join(tmpdir(), "ferry-sweep-"));
afterAll(() => rmSync(traces, { recursive: true, force: true }));

describe.skipIf(!requireServer("strace"))("killed at any system call", () => {
  let points: readonly Point[];
  beforeAll(async () => {
    // What is done with files begins when the agent is up: all of that counts.
    points = [...(await traced("main", "agent.lock")), ...(await traced("pool", ""))];
  });

  test.each([false, true])(
    "a file is delivered once, or held; taken away at once: %s",
    { timeout: 3_600_000 },
    async (takenAtOnce) => {
      const chosen = FERRY_SWEEP === "all" ? points : sample(points, Number(FERRY_SWEEP), Number(FERRY_SWEEP_FIRST));
      const results: Result[] = [];
      const queue = chosen[Symbol.iterator]();
      const lane = async (): Promise<void> => {
        for (const point of queue) results.push(await killAt(point, takenAtOnce));
      };
      await Promise.all(Array.from({ length: LANES }, lane));
      console.log(`killed at ${chosen.length} of ${points.length} system calls: ${tally(results)}`);
      const missed = results.filter((result) => result.state === "not reached");
      if (missed.length > 0) console.log(`not reached: ${missed.map((result) => result.point).join(", ")}`);
      expect(results.filter((result) => result.wrong !== undefined)).toEqual([]);
    },
  );
});

/** The calls of a life in which nothing happens to the process. */
async function traced(thread: Point["thread"], marker: string): Promise<Point[]> {
  const stage = await openStage(false);
  const file = join(traces, thread);
  await live(stage, thread, file);
  const points = pointsIn(file, thread, marker);
  await stage.close();
  return points;
}

interface Result {
  readonly point: string;
  readonly state: string;
  readonly wrong?: unknown;
}

async function killAt(point: Point, takenAtOnce: boolean): Promise<Result> {
  const name = `${point.thread} ${point.syscall} ${point.number}`;
  const stage = await openStage(takenAtOnce);
  const file = join(traces, `${name} ${takenAtOnce}`.replaceAll(" ", "-"));
  try {
    const how = await live(stage, point.thread, file, point);
    const call = readFileSync(file, "utf8").trim().split("\n").at(-2)?.slice(0, 200);
    const source = sourceIn(stage);
    if (source.length === 0) return { point: name, state: "lost", wrong: { call, source } };
    const problem = await recover(stage);
    if (problem !== undefined) return { point: name, state: "not recovered", wrong: { call, problem } };
    const found = await outcome(stage);
    const [state = "none"] = found.deliveries as string[];
    const isRight = rightOutcomes(takenAtOnce).some((right) => isDeepStrictEqual(right, found));
    return {
      point: name,
      state: how === "ended" ? "not reached" : state,
      ...(isRight ? {} : { wrong: { call, found } }),
    };
  } finally {
    await stage.close();
    rmSync(file, { force: true });
  }
}

/** Published once, whole, in one step. Held only when it was taken away before anybody could see it; the source stays then. */
function rightOutcomes(takenAtOnce: boolean): readonly Record<string, unknown>[] {
  const delivered = {
    published: ["whole"],
    left: takenAtOnce ? [] : ["/in/a.csv.gz whole"],
    changes: 0,
    deliveries: ["delivered"],
    source: ["sent/a.csv"],
    work: [],
  };
  const held = { ...delivered, deliveries: ["held"], source: ["outbox/a.csv"], work: ["1"] };
  return [
    { ...delivered, runs: ["succeeded"] },
    { ...delivered, runs: ["interrupted", "succeeded"] },
    ...(takenAtOnce ? [{ ...held, runs: ["failed", "interrupted"] }] : []),
  ];
}

function tally(results: readonly Result[]): string {
  const counts = new Map<string, number>();
  for (const { state, wrong } of results) {
    const kind = wrong === undefined ? state : `${state} (wrong)`;
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
  }
  return [...counts].map(([state, count]) => `${count} ${state}`).join(", ");
}
