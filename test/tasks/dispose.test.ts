import { appendFile, link, mkdir, mkdtemp, readdir, readFile, rm, symlink, unlink, writeFile } from "node:fs/promises";
import { basename, join, relative } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type After, afterSchema, disposeSource } from "../../src/tasks/dispose.js";
import type { TaskFile } from "../../src/tasks/files.js";
import { identify } from "../../src/tasks/local-files.js";
import { testContext, testWorkspace } from "../support/task-context.js";

let workspace: Awaited<ReturnType<typeof testWorkspace>>;
beforeEach(async () => {
  workspace = await testWorkspace();
  await mkdir(join(workspace.path, "out"));
});
afterEach(() => workspace.close());

async function source(name = "a.csv.gz", content = "content"): Promise<TaskFile> {
  const path = join(workspace.path, "out", name);
  await writeFile(path, content);
  const identity = await identify(path);
  return { path, folder: "", identity, origins: [{ path, identity }] };
}
async function dispose(file: TaskFile, after: unknown, vars = {}): Promise<string | undefined> {
  const to = await disposeSource(testContext(workspace.path, { vars }), file, afterSchema.parse(after) as After, file);
  return to === undefined ? undefined : relative(workspace.path, to);
}
const list = async (folder: string): Promise<string[]> => (await readdir(join(workspace.path, folder))).sort();

test("a delivered source is kept, deleted, moved or renamed", async () => {
  expect(await dispose(await source(), "keep")).toBe(undefined);
  expect(await dispose(await source(), { move: "sent/{{ vars.day }}/" }, { day: "20261119" })).toBe(
    "sent/20261119/a.csv.gz",
  );
  expect(await dispose(await source(), { move: "sent/{{ file.stem }}.old" })).toBe("sent/a.old");
  expect(await dispose(await source(), { rename: "{{ file.name }}.done" })).toBe("out/a.csv.gz.done");
  expect(await dispose(await source(), "delete")).toBe(undefined);
  expect(await list("out")).toEqual(["a.csv.gz.done"]);
});

test("a taken name gets a suffix, and every file survives", async () => {
  for (const content of ["1", "2", "3"]) await dispose(await source("a.csv.gz", content), { move: "sent/" });
  expect(await list("sent")).toEqual(["a.csv.gz", "a_1.csv.gz", "a_2.csv.gz"]);
  expect(await readFile(join(workspace.path, "sent/a_2.csv.gz"), "utf8")).toBe("3");
});

test.each(["delete", { move: "sent/" }, { rename: "x" }])("a source that changed since stays: %j", async (after) => {
  const file = await source();
  await appendFile(file.path, "more");
  await expect(dispose(file, after)).rejects.toMatchObject({
    code: "FERRY_DISPOSAL_FAILED",
    message: expect.stringContaining("has changed"),
  });
  expect(await readFile(file.path, "utf8")).toBe("contentmore");
});

test.each(["delete", { move: "sent/" }, { rename: "x" }])(
  "a source that is already gone is no error: %j",
  async (after) => {
    const file = await source();
    await unlink(file.path);
    expect(await dispose(file, after)).toBe(undefined);
  },
);

test("a source that is in its archive already, by whatever path, stays", async () => {
  const file = await source();
  await symlink("out", join(workspace.path, "alias"));
  for (const after of [{ move: "out/" }, { move: "alias/" }, { rename: "{{ file.name }}" }])
    expect(await dispose(file, after)).toBe("out/a.csv.gz");
  expect(await readFile(file.path, "utf8")).toBe("content");
});

test("a move that died between the new name and the old one is finished, not done twice", async () => {
  const file = await source();
  await mkdir(join(workspace.path, "sent"));
  await writeFile(join(workspace.path, "sent/a.csv.gz"), "another one");
  await new Promise((resolve) => setTimeout(resolve, 20));
  await link(file.path, join(workspace.path, "sent/a_1.csv.gz"));
  expect(await dispose(file, { move: "sent/" })).toBe("sent/a_1.csv.gz");
  expect([await list("out"), await list("sent")]).toEqual([[], ["a.csv.gz", "a_1.csv.gz"]]);
});

test("a move to another file system copies, and loses neither content nor time", async () => {
  const other = await mkdtemp("/dev/shm/ferry-");
  try {
    const file = await source("a.csv", "x".repeat(3_000_000));
    await writeFile(join(other, "a.csv"), "taken");
    const to = await disposeSource(testContext(workspace.path), file, { move: `${other}/` }, file);
    expect(basename(to ?? "")).toBe("a_1.csv");
    const moved = await identify(to ?? "");
    // Times are set through calls that know microseconds only.
    const apart = Math.abs(Number(BigInt(moved.mtimeNs) - BigInt(file.identity.mtimeNs)));
    expect([moved.size, apart < 10_000, moved.dev === file.identity.dev]).toEqual([3_000_000, true, false]);
    expect([(await readdir(other)).sort(), await list("out")]).toEqual([["a.csv", "a_1.csv"], []]);
  } finally {
    await rm(other, { recursive: true });
  }
});

test("what templates render cannot lead out of the folder", async () => {
  const file = await source();
  for (const after of [{ move: "sent/{{ vars.up }}/x" }, { rename: "{{ vars.up }}" }]) {
    await expect(dispose(file, after, { up: "../.." })).rejects.toMatchObject({ code: "FERRY_DISPOSAL_FAILED" });
  }
  await expect(dispose(file, { rename: "{{ vars.name }}" }, { name: "a\nb" })).rejects.toThrow("not accepted");
  expect(await list("out")).toEqual(["a.csv.gz"]);
});
