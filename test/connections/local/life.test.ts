import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { localDriver } from "../../../src/connections/local/driver.js";
import { openContext } from "../open-context.js";

test("a source is not read for a session that was given up: the file may be closed by then, and nobody would hear it", async () => {
  const directory = mkdtempSync(join(tmpdir(), "ferry-life-"));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const given = new AbortController();
  const definition = localDriver.schema.parse({ protocol: "local", directory });
  const session = await localDriver.open(definition, openContext({ signal: given.signal }));
  let asked = 0;
  const next = async (): Promise<IteratorResult<Buffer>> => {
    asked++;
    if (asked > 1) throw new Error("file closed");
    return { done: false, value: Buffer.from("x") };
  };
  const source = { [Symbol.asyncIterator]: () => ({ next }) };
  const sending = session.upload(source, "a", { onBytes: () => given.abort() });
  await expect(sending).rejects.toMatchObject({ code: "FERRY_CONNECTION_LOST" });
  expect(asked).toBe(1);
});
