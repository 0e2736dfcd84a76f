import { expect, test } from "vitest";
import { AgentError } from "../../src/base/errors.js";
import { stepRecords } from "../../src/cli/connection/steps.js";

test("a server that was connected to once for each of its host keys shows one step", () => {
  const connect = { name: "connect", durationMs: 2, detail: "127.0.0.1:22" } as const;
  const failure = new AgentError("FERRY_HOST_KEY_UNKNOWN", "not known");
  const steps = stepRecords(["connect", "host-key", "login"], [connect, connect, connect], failure, 5);
  expect(steps.map(({ name, ok, skipped }) => [name, ok, skipped])).toEqual([
    ["connect", true, false],
    ["host-key", false, false],
    ["login", false, true],
  ]);
});
