import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { AgentError } from "../../../src/base/errors.js";
import type { RemoteSession } from "../../../src/connections/session.js";
import { bufferSink, contents, dyingSource, sha256, source, transferSizes } from "./material.js";
import { codeOf, type Workshop } from "./workshop.js";

export function transfers(place: Workshop): void {
  test.each(transferSizes)("%i bytes go up and come back unchanged", async (size) => {
    const { remote, path, disk } = await place.folder();
    const bytes = contents(size);
    const progress: number[] = [];
    const up = await remote.upload(source(bytes), `${path}/file.bin`, { onBytes: (count) => progress.push(count) });
    const sink = bufferSink();
    const down = await remote.download(`${path}/file.bin`, sink);
    expect({
      ...{ up: up.bytes, down: down.bytes, reported: progress.reduce((sum, count) => sum + count, 0) },
      ...{
        disk: sha256(readFileSync(join(disk, "file.bin"))),
        back: sha256(sink.bytes()),
        words: [typeof up.reply, typeof down.reply],
      },
    }).toEqual({
      up: size,
      down: size,
      reported: size,
      disk: sha256(bytes),
      back: sha256(bytes),
      words: ["string", "string"],
    });
  });

  test("a source in uneven pieces arrives in order", async () => {
    const { remote, path, disk } = await place.folder();
    const bytes = contents(1_000_000);
    await remote.upload(source(bytes, [1, 70_000, 3, 32_768, 262_144, 11]), `${path}/uneven`);
    expect(sha256(readFileSync(join(disk, "uneven")))).toBe(sha256(bytes));
  });

  test("an upload replaces a longer file wholly", async () => {
    const { remote, path, disk } = await place.folder();
    await remote.upload(source(contents(100_000)), `${path}/file`);
    await remote.upload(source(Buffer.from("short")), `${path}/file`);
    expect(readFileSync(join(disk, "file"), "utf8")).toBe("short");
  });

  test("an upload goes on from a byte", async () => {
    const { remote, path, disk } = await place.folder();
    const bytes = contents(300_000);
    await remote.upload(source(bytes.subarray(0, 123_456)), `${path}/file`);
    const receipt = await remote.upload(source(bytes.subarray(123_456)), `${path}/file`, { from: 123_456 });
    expect([receipt.bytes, sha256(readFileSync(join(disk, "file")))]).toEqual([300_000 - 123_456, sha256(bytes)]);
  });

  test("a download begins at a byte", async () => {
    const { remote, path } = await place.folder();
    const bytes = contents(300_000);
    await remote.upload(source(bytes), `${path}/file`);
    const sink = bufferSink();
    const receipt = await remote.download(`${path}/file`, sink, { from: 123_456 });
    expect([receipt.bytes, sha256(sink.bytes())]).toEqual([300_000 - 123_456, sha256(bytes.subarray(123_456))]);
  });

  test("a download from the very end is empty", async () => {
    const { remote, path } = await place.folder();
    await remote.upload(source(contents(1000)), `${path}/file`);
    const sink = bufferSink();
    expect([(await remote.download(`${path}/file`, sink, { from: 1000 })).bytes, sink.bytes().length]).toEqual([0, 0]);
  });

  test("a slow sink gets everything, in order", async () => {
    const { remote, path } = await place.folder();
    const bytes = contents(2_000_000);
    await remote.upload(source(bytes), `${path}/file`);
    const hash = createHash("sha256");
    await remote.download(`${path}/file`, {
      async write(chunk) {
        await new Promise((resolve) => setImmediate(resolve));
        hash.update(chunk);
      },
    });
    expect(hash.digest("hex")).toBe(sha256(bytes));
  });

  test("fifty files go up and down on one session", async () => {
    const { remote, path } = await place.folder();
    const wrong: number[] = [];
    for (let index = 0; index < 50; index++) {
      const bytes = contents(index * 97);
      await remote.upload(source(bytes), `${path}/${index}`);
      const sink = bufferSink();
      await remote.download(`${path}/${index}`, sink);
      if (!sink.bytes().equals(bytes)) wrong.push(index);
    }
    expect({ wrong, listed: (await remote.list(path)).length }).toEqual({ wrong: [], listed: 50 });
  });

  test("a source that fails midway fails the upload; the session stays usable or is plainly dead", async () => {
    const { path } = await place.folder();
    const remote = await place.fresh();
    const reason = new AgentError("FERRY_SOURCE_CHANGED", "the source changed");
    await expect(remote.upload(dyingSource(contents(300_000), reason), `${path}/file`)).rejects.toBe(reason);
    await expectUsableOrDead(remote, path);
  });

  test("a sink that fails fails the download; the session stays usable or is plainly dead", async () => {
    const { remote: first, path } = await place.folder();
    await first.upload(source(contents(3_000_000)), `${path}/file`);
    const remote = await place.fresh();
    const reason = new AgentError("FERRY_DISK_FULL", "the disk is full");
    const sink = { write: async () => Promise.reject(reason) };
    await expect(remote.download(`${path}/file`, sink)).rejects.toBe(reason);
    await expectUsableOrDead(remote, path);
  });

  test("a download of what is absent fails, and the session goes on", async () => {
    const { remote, path } = await place.folder();
    expect(await codeOf(remote.download(`${path}/absent`, bufferSink()))).toBe("FERRY_REMOTE_NOT_FOUND");
    expect(await remote.list(path)).toEqual([]);
  });

  test("an upload into a folder that is absent fails, and the session goes on", async () => {
    const { remote, path } = await place.folder();
    expect(await codeOf(remote.upload(source(contents(10)), `${path}/absent/file`))).toMatch(/^FERRY_(REMOTE|SERVER)_/);
    expect(await remote.list(path)).toEqual([]);
  });
}

async function expectUsableOrDead(remote: RemoteSession, path: string): Promise<void> {
  if (!remote.alive) return expect(await codeOf(remote.list(path))).toBe("FERRY_CONNECTION_LOST");
  await remote.upload(source(Buffer.from("after")), `${path}/after`);
  const sink = bufferSink();
  await remote.download(`${path}/after`, sink);
  expect(sink.bytes().toString()).toBe("after");
}
