import { execFileSync } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { mkdir, mkdtemp, readFile, rename, rm, symlink, unlink, utimes } from "node:fs/promises";
import { expect, test } from "vitest";
import { copy } from "../../src/tasks/copy.js";
import type { TaskFile } from "../../src/tasks/files.js";
import { identify } from "../../src/tasks/local-files.js";
import { move } from "../../src/tasks/move.js";
import { at, make, perform, shown, tree, workbench } from "../support/workbench.js";

workbench();

const sha256 = (content: Buffer): string => createHash("sha256").update(content).digest("hex");

test("hostile names are copied byte by byte, and never become commands", async () => {
  const names = ["$(touch x)", ";id", "-rf", "a b%20*?~'\"`", "naïve-😀", "back\\slash", `${"n".repeat(255)}`];
  for (const name of names) await make(`in/${name}`);
  await perform(copy, { from: "in/*", to: "out/" });
  expect(tree("out")).toEqual([...names].sort());
  for (const name of names) execFileSync("cmp", [at(`in/${name}`), at(`out/${name}`)]);
});

test("a name that is not accepted fails the task, after the others are copied", async () => {
  await make("in/a");
  await make("in/new\nline");
  await expect(perform(copy, { from: "in/*", to: "out/" })).rejects.toMatchObject({
    code: "FERRY_NAME_REFUSED",
    message: expect.stringContaining("1 of 2"),
  });
  expect(tree("out")).toEqual(["a"]);
});

test("copy keeps folders unless flatten, and names what it copies by template", async () => {
  await make("in/x/a.tar.gz");
  await make("in/b.csv");
  expect(shown(await perform(copy, { from: "in/*", recursive: true, to: "out/" }))).toEqual([
    "out/b.csv",
    "out/x/a.tar.gz",
  ]);
  expect(
    shown(
      await perform(
        copy,
        { from: "in/*", recursive: true, to: "flat/", flatten: true, name: "{{ file.stem }}_1{{ file.ext }}" },
        { task: "t2" },
      ),
    ),
  ).toEqual(["flat/a_1.tar.gz", "flat/b_1.csv"]);
  expect(shown(await perform(copy, { from: "in/b.csv", to: "one/file.txt" }, { task: "t3" }))).toEqual([
    "one/file.txt",
  ]);
});

test.each([
  ["fail", "old", "FERRY_TARGET_EXISTS"],
  ["overwrite", "new", undefined],
  ["skip", "old", undefined],
  ["newer", "new", undefined],
  ["rename", "old", undefined],
])("ifExists: %s leaves the target %s", async (ifExists, content, code) => {
  await make("out/a.csv", "old");
  await utimes(at("out/a.csv"), new Date("2020-01-01"), new Date("2020-01-01"));
  await make("in/a.csv", "new");
  const result = perform(copy, { from: "in/*", to: "out/", ifExists });
  if (code) await expect(result).rejects.toMatchObject({ code });
  else await result;
  expect(await readFile(at("out/a.csv"), "utf8")).toBe(content);
  expect(tree("out")).toEqual(ifExists === "rename" ? ["a.csv", "a_1.csv"] : ["a.csv"]);
});

test("newer leaves a target alone that is as new as the source", async () => {
  await make("in/a.csv", "new");
  await perform(copy, { from: "in/*", to: "out/", ifExists: "newer" });
  const result = await perform(copy, { from: "in/*", to: "out/", ifExists: "newer" }, { task: "t2" });
  expect(result).toEqual({ files: [], nothing: "all 1 files were skipped: their targets exist" });
});

test("two files of one task never share a target", async () => {
  await make("in/x/a.csv");
  await make("in/y/a.csv");
  const result = perform(copy, { from: "in/*", recursive: true, to: "out/", flatten: true, ifExists: "overwrite" });
  await expect(result).rejects.toMatchObject({
    code: "FERRY_TARGET_EXISTS",
    message: expect.stringContaining("have the same target"),
  });
  expect(await readFile(at("out/a.csv"), "utf8")).toBe("in/x/a.csv");
});

test("a further attempt goes on, and neither trips over its own files nor makes them twice", async () => {
  await make("in/a.csv");
  await make("in/b.csv");
  await make("out/b.csv", "in the way");
  await expect(perform(copy, { from: "in/*", to: "out/" })).rejects.toMatchObject({ code: "FERRY_TARGET_EXISTS" });
  const before = await identify(at("out/a.csv"));
  await unlink(at("out/b.csv"));
  expect(shown(await perform(copy, { from: "in/*", to: "out/" }, { attempt: 2 }))).toEqual(["out/a.csv", "out/b.csv"]);
  expect(await identify(at("out/a.csv"))).toEqual(before);
});

test("what is written never leaves the folder, neither by a name nor by a link", async () => {
  await make("in/sub/a.csv");
  await mkdir(at("out"));
  await mkdir(at("outside"));
  await symlink("../outside", at("out/sub"));
  const spec = { from: "in/**/*", to: "out/" };
  await expect(perform(copy, spec)).rejects.toMatchObject({ code: "FERRY_PATH_OUTSIDE" });
  for (const name of ["../a", "x/../../a", "/etc/a", "{{ vars.up }}"]) {
    await expect(perform(copy, { ...spec, name, flatten: true }, { vars: { up: "../up" } })).rejects.toMatchObject({
      code: "FERRY_PATH_OUTSIDE",
    });
  }
  await expect(
    perform(copy, { ...spec, to: "out/{{ vars.up }}/" }, { vars: { up: "../outside" } }),
  ).rejects.toMatchObject({ code: "FERRY_PATH_OUTSIDE" });
  expect(tree("outside")).toEqual([]);
});

test("move keeps content, mode and time, on this file system and to another", async () => {
  const other = await mkdtemp("/dev/shm/ferry-");
  try {
    for (const to of ["moved", other]) {
      const path = await make("in/run.sh", randomBytes(500_000));
      execFileSync("chmod", ["750", path]);
      const before = [sha256(await readFile(path)), execFileSync("stat", ["-c", "%a %Y", path], { encoding: "utf8" })];
      const [file] = (await perform(move, { from: "in/*", to: `${to}/` }, { task: to === other ? "b" : "a" }))
        .files as [TaskFile];
      expect([
        sha256(await readFile(file.path)),
        execFileSync("stat", ["-c", "%a %Y", file.path], { encoding: "utf8" }),
      ]).toEqual(before);
      expect([tree("in"), file.identity]).toEqual([[], await identify(file.path)]);
    }
  } finally {
    await rm(other, { recursive: true });
  }
});

test("a move whose target exists leaves the source", async () => {
  await make("in/a.csv", "new");
  await make("out/a.csv", "old");
  await expect(perform(move, { from: "in/*", to: "out/" })).rejects.toMatchObject({ code: "FERRY_TARGET_EXISTS" });
  expect([tree("in"), tree("out")]).toEqual([["a.csv"], ["a.csv"]]);
});

test("a file is never moved onto itself, by whatever path", async () => {
  await make("in/a.csv", "the only one");
  await symlink("in", at("alias"));
  for (const to of ["in/", "alias/", "alias/../in/"]) {
    await expect(perform(move, { from: "in/*", to, ifExists: "overwrite" })).rejects.toMatchObject({
      code: "FERRY_TARGET_EXISTS",
    });
  }
  expect([await readFile(at("in/a.csv"), "utf8"), tree("in")]).toEqual(["the only one", ["a.csv"]]);
});

test("a move over a second name of the same file leaves one name and no temporary", async () => {
  await make("in/a.csv", "one");
  await mkdir(at("out"));
  execFileSync("ln", [at("in/a.csv"), at("out/a.csv")]);
  await perform(move, { from: "in/*", to: "out/", ifExists: "overwrite" });
  expect([tree("in"), tree("out"), await readFile(at("out/a.csv"), "utf8")]).toEqual([[], ["a.csv"], "one"]);
});

test("a move that died after the new name is finished by the next attempt, with the result of what is gone", async () => {
  await make("in/a.csv");
  await make("in/b.csv");
  await perform(move, { from: "in/*", to: "out/" });
  // As a crash before the old name went would leave it: both names, one file.
  execFileSync("ln", [at("out/b.csv"), at("in/b.csv")]);
  expect(shown(await perform(move, { from: "in/*", to: "out/" }, { attempt: 2 }))).toEqual(["out/a.csv", "out/b.csv"]);
  expect([tree("in"), tree("out")]).toEqual([[], ["a.csv", "b.csv"]]);
});

test("an archive that arrives again under its name is found as it is now", async () => {
  await make("in/a.csv", "1");
  await perform(copy, { from: "in/*", to: "out/", ifExists: "overwrite" });
  await make("new", "22");
  await rename(at("new"), at("in/a.csv"));
  await perform(copy, { from: "in/*", to: "out/", ifExists: "overwrite" }, { attempt: 2 });
  expect(await readFile(at("out/a.csv"), "utf8")).toBe("22");
});
