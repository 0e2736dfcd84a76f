import { expect, test } from "vitest";
import { failWhenNothingToSend } from "../../src/jobs/feeding.js";
import type { TaskDefinition } from "../../src/jobs/job.js";

test("what feeds an upload fails when nothing matches, also at second hand, unless it says otherwise", () => {
  const tasks = failWhenNothingToSend([
    task("collect", "copy", { from: "in/*.csv" }),
    task("pack", "compress", { from: "{{ tasks.collect.files }}" }),
    task("other", "compress", { from: "other/*.csv", onEmpty: "succeed" }),
    task("push", "upload", { from: ["{{ tasks.pack.files }}", "{{ tasks.other.files }}"] }),
    task("tidy", "delete", { from: "in/*.tmp" }),
  ]);
  expect(tasks.map(({ id, spec }) => [id, spec.onEmpty])).toEqual([
    ["collect", "fail"],
    ["pack", "fail"],
    ["other", "succeed"],
    ["push", undefined],
    ["tidy", undefined],
  ]);
});

function task(id: string, kind: string, spec: Record<string, unknown>): TaskDefinition {
  const retry = { attempts: 1, delayMs: 0, backoff: "fixed", maximumMs: 0 } as const;
  return { id, kind, spec, retry, when: undefined, timeoutMs: undefined, onError: "stop", description: undefined };
}
