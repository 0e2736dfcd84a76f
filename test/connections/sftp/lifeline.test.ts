import { expect, test } from "vitest";
import { systemClock } from "../../../src/base/clock.js";
import { AgentError } from "../../../src/base/errors.js";
import { createLifeline } from "../../../src/connections/sftp/lifeline.js";

test("nothing is begun for a connection that has ended: it would fail with nobody to hear it", async () => {
  const lifeline = createLifeline(systemClock, "bank:22", () => {});
  lifeline.cut(new AgentError("FERRY_STALLED", "no byte moved"));
  let begun = 0;
  const work = async (): Promise<never> => {
    begun++;
    throw new Error("file closed");
  };
  await expect(lifeline.during(work)).rejects.toMatchObject({ code: "FERRY_CONNECTION_LOST" });
  expect(begun).toBe(0);
});
