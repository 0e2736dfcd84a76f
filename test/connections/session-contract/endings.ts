import { expect, test } from "vitest";
import type { RemoteSession } from "../../../src/connections/session.js";
import { bufferSink, contents, source } from "./material.js";
import { codeOf, type Workshop } from "./workshop.js";

export function endings(place: Workshop): void {
  test("facts tell the address and what was negotiated", async () => {
    const { facts } = await place.session();
    expect([facts.address !== "", Array.isArray(facts.features)]).toEqual([true, true]);
  });

  test("closing never fails, twice neither, and the session is dead then", async () => {
    const remote = await place.fresh();
    await remote.close();
    await remote.close();
    expect([remote.alive, await codeOf(remote.list("."))]).toEqual([false, "FERRY_CONNECTION_LOST"]);
  });

  test("after an abort every call fails with FERRY_CONNECTION_LOST", async () => {
    const controller = new AbortController();
    const remote = await place.fresh(controller.signal);
    controller.abort();
    expect(remote.alive).toBe(false);
    expect(new Set(await Promise.all(everyCall(remote).map(codeOf)))).toEqual(new Set(["FERRY_CONNECTION_LOST"]));
    await remote.close();
  });

  test("an abort ends an upload under way", async () => {
    const { path } = await place.folder();
    const controller = new AbortController();
    const remote = await place.fresh(controller.signal);
    const endless = async function* () {
      for (;;) {
        yield contents(100_000);
        await new Promise((resolve) => setImmediate(resolve));
      }
    };
    let bytes = 0;
    const onBytes = (count: number): void => {
      bytes += count;
      if (bytes > 1_000_000) controller.abort();
    };
    expect(await codeOf(remote.upload(endless(), `${path}/file`, { onBytes }))).toBe("FERRY_CONNECTION_LOST");
    expect(remote.alive).toBe(false);
  });

  test("opening under a signal that has been aborted already fails", async () => {
    expect(await codeOf(place.fresh(AbortSignal.abort()))).toMatch(/^FERRY_/);
  });
}

function everyCall(remote: RemoteSession): Promise<unknown>[] {
  return [
    ...[
      remote.list("."),
      remote.stat("x"),
      remote.size("x"),
      remote.remove("x"),
      remote.makeDirectory("x/y"),
      remote.removeDirectory("x"),
    ],
    ...[
      remote.upload(source(Buffer.from("x")), "x"),
      remote.download("x", bufferSink()),
      remote.rename("x", "y"),
      remote.rename("x", "y", { replace: true }),
    ],
    ...(remote.setModifiedAt ? [remote.setModifiedAt("x", new Date(0))] : []),
  ];
}
