import { execFileSync } from "node:child_process";
import { mkdir, readdir, readFile, symlink, truncate } from "node:fs/promises";
import { expect, test } from "vitest";
import { deleteFiles } from "../../src/tasks/delete.js";
import type { TaskFile } from "../../src/tasks/files.js";
import { identify } from "../../src/tasks/local-files.js";
import { mkdir as mkdirTask } from "../../src/tasks/mkdir.js";
import { write } from "../../src/tasks/write.js";
import { at, make, perform, shown, tree, workbench } from "../support/workbench.js";

workbench();

test("delete takes regular files only, what it picked and nothing else", async () => {
  await make("in/a.csv");
  await make("in/keep.txt");
  await make("victim");
  await symlink("../victim", at("in/link.csv"));
  expect(await perform(deleteFiles, { from: "in/*.csv" })).toEqual({ files: [] });
  expect([(await readdir(at("in"))).sort(), tree(".").includes("victim")]).toEqual([["keep.txt", "link.csv"], true]);
  expect(await perform(deleteFiles, { from: "in/a.csv" })).toEqual({ files: [], nothing: "no file matched in/a.csv" });
});

test("delete leaves a file that was rewritten since it was picked", async () => {
  const path = await make("in/a.csv");
  const identity = await identify(path);
  const picked: TaskFile = { path, folder: "", identity, origins: [] };
  await truncate(path, 2);
  await expect(
    perform(deleteFiles, { from: "{{ tasks.x.files }}" }, { tasks: { x: { files: [picked] } } }),
  ).rejects.toMatchObject({ code: "FERRY_SOURCE_CHANGED" });
  expect(tree("in")).toEqual(["a.csv"]);
});

test("mkdir makes a folder, and is content with one that is there", async () => {
  for (let round = 0; round < 2; round++) expect(await perform(mkdirTask, { path: "x/y" })).toEqual({ files: [] });
  expect(await readdir(at("x"))).toEqual(["y"]);
});

test("write makes a whole file, once for each attempt, or adds to one", async () => {
  for (let round = 0; round < 2; round++)
    expect(shown(await perform(write, { to: "out/done", text: "räksmörgås\n", encoding: "latin1" }))).toEqual([
      "out/done",
    ]);
  expect(execFileSync("od", ["-An", "-c", at("out/done")], { encoding: "utf8" })).toContain("344");
  await expect(perform(write, { to: "out/done", text: "other" }, { task: "t2" })).rejects.toMatchObject({
    code: "FERRY_TARGET_EXISTS",
  });
  for (const text of ["a\n", "b\n"])
    await perform(write, { to: "log/{{ vars.day }}.txt", text, append: true }, { vars: { day: 7 } });
  expect(await readFile(at("log/7.txt"), "utf8")).toBe("a\nb\n");
});

test("append never writes through a link", async () => {
  await make("victim", "victim");
  await mkdir(at("log"));
  await symlink("../victim", at("log/x"));
  await expect(perform(write, { to: "log/x", text: "a", append: true })).rejects.toMatchObject({
    code: "FERRY_NOT_A_FILE",
  });
  expect(await readFile(at("victim"), "utf8")).toBe("victim");
});
