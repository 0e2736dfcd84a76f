import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { lstat, mkdtemp, open, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openForWriting } from "../../src/scheduler/open-files.js";
import type { WatchedFile } from "../../src/scheduler/trigger.js";
import { versionOf } from "../../src/scheduler/watch-scan.js";

let folder: string;
let writer: ChildProcess | undefined;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "ferry-open-"));
});

afterEach(async () => {
  const ended = writer && once(writer, "exit");
  writer?.kill();
  writer = undefined;
  await ended;
  await rm(folder, { recursive: true });
});

async function file(name: string): Promise<WatchedFile> {
  const path = join(folder, name);
  await writeFile(path, name);
  return { path, folder: "", version: versionOf(await lstat(path, { bigint: true })) };
}

test.runIf(process.platform === "linux")(
  "tells who writes from who reads, in this and in other processes",
  async () => {
    const files = await Promise.all(["idle", "read", "written", "appended", "elsewhere"].map(file));
    const path = (name: string): string => join(folder, name);
    const handles = [
      await open(path("read"), "r"),
      await open(path("written"), "r+"),
      await open(path("appended"), "a"),
    ];
    writer = spawn("sh", ["-c", `exec 3>>"$0"; echo ready; read line`, path("elsewhere")], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    if (writer.stdout) await once(writer.stdout, "data");
    const found = await openForWriting(files);
    await Promise.all(handles.map((handle) => handle.close()));
    expect([...found].toSorted()).toEqual([path("appended"), path("elsewhere"), path("written")]);
  },
);

test("where there is no /proc nothing is open", async () => {
  expect(await openForWriting([await file("a")], join(folder, "no-proc"))).toEqual(new Set());
});
