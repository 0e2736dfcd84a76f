import { execFileSync } from "node:child_process";
import { mkdir, rename, rm, symlink, unlink, utimes, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { TaskFile } from "../../src/tasks/files.js";
import { identify } from "../../src/tasks/local-files.js";
import { selectLocal, whenNothing } from "../../src/tasks/select-local.js";
import { testContext, testWorkspace } from "../support/task-context.js";

let workspace: Awaited<ReturnType<typeof testWorkspace>>;
beforeEach(async () => {
  workspace = await testWorkspace();
});
afterEach(() => workspace.close());

async function make(...paths: string[]): Promise<void> {
  for (const path of paths) {
    await mkdir(join(workspace.path, path, ".."), { recursive: true });
    await writeFile(join(workspace.path, path), path);
  }
}
const shown = (files: readonly TaskFile[]): string[] => files.map((file) => relative(workspace.path, file.path));
async function taskFile(path: string): Promise<TaskFile> {
  const absolute = join(workspace.path, path);
  const identity = await identify(absolute);
  return { path: absolute, folder: "", identity, origins: [{ path: absolute, identity }] };
}
const select = async (from: string | string[] | undefined, more: object = {}): Promise<string[]> =>
  shown(await selectLocal(testContext(workspace.path), { from, ...more }));

test("a glob takes files of its folder, by name, without hidden ones and folders", async () => {
  await make("out/b.csv", "out/a.csv", "out/.a.csv.x7k2.part", "out/c.txt", "out/below/d.csv", "out/folder.csv/x");
  expect(await select("out/*.csv")).toEqual(["out/a.csv", "out/b.csv"]);
});

test("recursive keeps the folders below the first wildcard", async () => {
  await make("out/a.csv", "out/x/y/b.csv", "out/x/b.txt", "out/.hidden/c.csv");
  const files = await selectLocal(testContext(workspace.path), { from: "out/*.csv", recursive: true });
  expect(files.map((file) => [file.folder, relative(workspace.path, file.path)])).toEqual([
    ["", "out/a.csv"],
    ["x/y", "out/x/y/b.csv"],
  ]);
});

test("wildcards in folders, braces, classes and `**` find what they say", async () => {
  await make("in/a1/x.csv", "in/a2/x.csv", "in/b/x.csv", "in/b/deep/x.csv");
  expect(await select("in/a[12]/*.csv")).toEqual(["in/a1/x.csv", "in/a2/x.csv"]);
  expect(await select("in/{a1,b/deep}/x.csv")).toEqual(["in/a1/x.csv", "in/b/deep/x.csv"]);
  expect(await select("in/**/x.csv")).toHaveLength(4);
  expect(await select("in/?/x.csv")).toEqual(["in/b/x.csv"]);
  expect(await select("in/b/")).toEqual(["in/b/x.csv"]);
});

test("names with parentheses, exclamation marks and the like are ordinary", async () => {
  await make("out/report (1).csv", "out/!x+@(y).csv", "out/a$|b.csv");
  expect(await select("out/report (1).csv")).toEqual(["out/report (1).csv"]);
  expect(await select("out/!x*(y).csv")).toEqual(["out/!x+@(y).csv"]);
  expect(await select("out/a$|*.csv")).toEqual(["out/a$|b.csv"]);
});

test("what a template renders is never a glob", async () => {
  await make("out/*/a.csv", "out/x/a.csv", "out/[x].csv", "out/x.csv");
  const context = testContext(workspace.path, {
    vars: { day: "*", one: "out/[x].csv", many: ["out/x.csv", "out/*/a.csv"] },
  });
  expect(shown(await selectLocal(context, { from: "out/{{ vars.day }}/*.csv" }))).toEqual(["out/*/a.csv"]);
  expect(shown(await selectLocal(context, { from: "{{ vars.one }}" }))).toEqual(["out/[x].csv"]);
  expect(shown(await selectLocal(context, { from: ["{{ vars.many }}"] }))).toEqual(["out/*/a.csv", "out/x.csv"]);
  await expect(selectLocal(context, { from: "{% if true %}out/*{% endif %}" })).rejects.toMatchObject({
    code: "FERRY_TEMPLATE",
  });
});

test("files of another task pass as they are, and the trigger's files are the default", async () => {
  await make("out/a.csv", "out/b.csv");
  const [a, b] = [await taskFile("out/a.csv"), await taskFile("out/b.csv")];
  const context = testContext(workspace.path, { tasks: { pack: { files: [a] } }, triggerFiles: [b] });
  expect(await selectLocal(context, { from: "{{ tasks.pack.files }}" })).toEqual([a]);
  expect(await selectLocal(context, {})).toEqual([b]);
  await expect(selectLocal(testContext(workspace.path), {})).rejects.toMatchObject({ code: "FERRY_DEFINITION" });
});

test("a file of the trigger that vanished is left out, and said so", async () => {
  await make("out/a.csv", "out/b.csv");
  const files = [await taskFile("out/a.csv"), await taskFile("out/b.csv")];
  await unlink(join(workspace.path, "out/a.csv"));
  const context = testContext(workspace.path, { triggerFiles: files });
  expect(shown(await selectLocal(context, { from: "{{ trigger.files }}" }))).toEqual(["out/b.csv"]);
  expect(context.logged).toEqual([expect.stringContaining("out/a.csv vanished")]);
});

test("names, sizes, ages, order and limit narrow", async () => {
  await make("o/a.csv", "o/bb.csv", "o/ccc.csv", "o/d.tmp");
  await writeFile(join(workspace.path, "o/bb.csv"), "x".repeat(50));
  await utimes(join(workspace.path, "o/a.csv"), new Date(), new Date("2020-01-01"));
  expect(await select("o/*", { include: ["*.csv"], exclude: ["b*"] })).toEqual(["o/a.csv", "o/ccc.csv"]);
  expect(await select("o/*", { minSize: 50 })).toEqual(["o/bb.csv"]);
  expect(await select("o/*", { minAge: 60_000 })).toEqual(["o/a.csv"]);
  expect(await select("o/*.csv", { maxAge: 60_000 })).toEqual(["o/bb.csv", "o/ccc.csv"]);
  expect(await select("o/*.csv", { order: "largest", limit: 1 })).toEqual(["o/bb.csv"]);
  expect(await select("o/*.csv", { order: "oldest", limit: 1 })).toEqual(["o/a.csv"]);
});

test("a modification time in the future does not keep a file for ever", async () => {
  await make("o/a.csv");
  await utimes(join(workspace.path, "o/a.csv"), new Date(), new Date("2090-01-01"));
  const later = { ...testContext(workspace.path).clock, now: () => new Date(Date.now() + 120_000) };
  expect(
    await selectLocal(testContext(workspace.path, { clock: later }), { from: "o/*", minAge: 60_000 }),
  ).toHaveLength(1);
});

test("links, FIFOs and devices are passed over by a glob, and refused by name", async () => {
  await make("o/a.csv", "secret/s.csv");
  await symlink("../secret/s.csv", join(workspace.path, "o/link.csv"));
  await symlink("../secret", join(workspace.path, "o/folder"));
  execFileSync("mkfifo", [join(workspace.path, "o/fifo.csv")]);
  expect(await select("o/**/*.csv")).toEqual(["o/a.csv"]);
  for (const name of ["o/link.csv", "o/fifo.csv"])
    await expect(select(name)).rejects.toMatchObject({ code: "FERRY_NOT_A_FILE" });
});

test("a file whose name is not accepted is refused and the others are taken", async () => {
  await make("o/a.csv");
  await writeFile(join(workspace.path, "o/evil\n\u001b[31m.csv"), "");
  await writeFile(Buffer.concat([Buffer.from(`${workspace.path}/o/f`), Buffer.from([0xff]), Buffer.from(".csv")]), "");
  const context = testContext(workspace.path);
  const refused: string[] = [];
  const files = await selectLocal(context, { from: "o/*.csv" }, (path) => refused.push(relative(workspace.path, path)));
  expect([shown(files), refused.sort()]).toEqual([["o/a.csv"], ["o/evil\\u{a}\\u{1b}[31m.csv", "o/f\ufffd.csv"]]);
  expect(context.logged.filter((line) => line.startsWith("warn:"))).toHaveLength(2);
});

test("a folder swapped for a link while it is searched leads nowhere else", async () => {
  await make("o/sub/a.csv", "outside/a.csv");
  const [sub, aside] = [join(workspace.path, "o/sub"), join(workspace.path, "o/aside")];
  await symlink("../outside", join(workspace.path, "o/link"));
  const outside = await identify(join(workspace.path, "outside/a.csv"));
  let stop = false;
  const swapping = (async () => {
    while (!stop) {
      await rename(sub, aside);
      await rename(join(workspace.path, "o/link"), sub);
      await rename(sub, join(workspace.path, "o/link"));
      await rename(aside, sub);
    }
  })();
  for (let round = 0; round < 300; round++) {
    const files = await selectLocal(testContext(workspace.path), { from: "o/**/a.csv" });
    expect(files.map((file) => file.identity.ino)).not.toContain(outside.ino);
  }
  stop = true;
  await swapping;
});

test("nothing found is failure, warning or success, as the task says", async () => {
  expect(await select("nowhere/*.csv")).toEqual([]);
  expect(() => whenNothing({ from: "o/*" }, "fail")).toThrow("no file matched o/*");
  expect(whenNothing({ from: "o/*", onEmpty: "succeed" }, "fail")).toEqual({
    files: [],
    nothing: "no file matched o/*",
  });
  expect(whenNothing({ onEmpty: "warn" }, "fail")).toMatchObject({ warning: "no file of the trigger matched" });
  await rm(join(workspace.path, "o"), { recursive: true, force: true });
});
