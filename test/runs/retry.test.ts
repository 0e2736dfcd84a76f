import { expect, test } from "vitest";
import { AgentError } from "../../src/base/errors.js";
import { nextTry } from "../../src/runs/retry.js";

const policy = { attempts: 5, delayMs: 30_000, backoff: "exponential", maximumMs: 100_000 } as const;
const passing = new AgentError("FERRY_CONNECT_REFUSED", "bank: nobody listens");

test("waits double up to the maximum, and `attempts` counts the first try", () => {
  const waits = [1, 2, 3, 4, 5].map((attempt) => nextTry(policy, attempt, passing, 1));
  expect(waits).toEqual([30_000, 60_000, 100_000, 100_000, undefined]);
});

test("jitter takes a quarter off at the most", () => {
  expect([0, 0.5, 1].map((jitter) => nextTry(policy, 1, passing, jitter))).toEqual([22_500, 26_250, 30_000]);
});

test("fixed waits stay the same", () => {
  const fixed = { ...policy, backoff: "fixed" } as const;
  expect([1, 2, 3, 4].map((attempt) => nextTry(fixed, attempt, passing, 1))).toEqual([30_000, 30_000, 30_000, 30_000]);
});

test.each([
  "FERRY_LOGIN_REFUSED",
  "FERRY_CERTIFICATE_CHANGED",
  "FERRY_HELD",
  "FERRY_SERVER_REFUSED",
  "FERRY_BUG",
] as const)("%s is not tried again", (code) => {
  expect(nextTry(policy, 1, new AgentError(code, "refused"), 1)).toBeUndefined();
});
