import { execFileSync } from "node:child_process";
import { appendFile, link, readdir, readFile, rename, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { FileIdentity } from "../../src/tasks/files.js";
import {
  exists,
  identify,
  makeFolder,
  openSource,
  publishLocal,
  sameContent,
  sameFile,
  translateSystemError,
} from "../../src/tasks/local-files.js";
import { removeSource } from "../../src/tasks/remove-source.js";
import { testWorkspace } from "../support/task-context.js";

let workspace: Awaited<ReturnType<typeof testWorkspace>>;
let at: (name: string) => string;
beforeEach(async () => {
  workspace = await testWorkspace();
  at = (name) => join(workspace.path, name);
});
afterEach(() => workspace.close());

test("only regular files are identified and opened, and nothing waits for a FIFO", async () => {
  await writeFile(at("a"), "a");
  await symlink("a", at("link"));
  execFileSync("mkfifo", [at("fifo")]);
  for (const name of ["link", "fifo", "."]) {
    await expect(identify(at(name))).rejects.toMatchObject({ code: "FERRY_NOT_A_FILE" });
    await expect(openSource(at(name))).rejects.toMatchObject({ code: "FERRY_NOT_A_FILE" });
  }
  await expect(identify(at("none"))).rejects.toMatchObject({ code: "FERRY_FILE_NOT_FOUND" });
});

test("a source that was written to, replaced or swapped for a link is not opened", async () => {
  await writeFile(at("a"), "a");
  const planned = await identify(at("a"));
  const { handle, identity } = await openSource(at("a"), planned);
  await handle.close();
  expect(sameFile(identity, planned)).toBe(true);
  await appendFile(at("a"), "b");
  await expect(openSource(at("a"), planned)).rejects.toMatchObject({ code: "FERRY_SOURCE_CHANGED" });
  await rename(at("a"), at("b"));
  await symlink("b", at("a"));
  await expect(openSource(at("a"), planned)).rejects.toMatchObject({ code: "FERRY_NOT_A_FILE" });
});

test("a file swapped for a link again and again never lets an outside byte through", async () => {
  await writeFile(at("inside"), "inside");
  await writeFile(at("outside"), "OUTSIDE");
  await symlink("outside", at("link"));
  let stop = false;
  const swapping = (async () => {
    for (let _round = 0; !stop; _round++) {
      await rename(at("inside"), at("aside"));
      await rename(at("link"), at("inside"));
      await rename(at("inside"), at("link"));
      await rename(at("aside"), at("inside"));
    }
  })();
  const read = new Set<string>();
  for (let round = 0; round < 3000; round++) {
    const opened = await openSource(at("inside")).catch(() => undefined);
    if (!opened) continue;
    read.add(await opened.handle.readFile("utf8"));
    await opened.handle.close();
  }
  stop = true;
  await swapping;
  expect([...read]).toEqual(["inside"]);
});

test("publishing refuses an existing target, replaces it when asked, and leaves no temporary", async () => {
  await writeFile(at("final"), "old");
  await writeFile(at(".t.part"), "new");
  await expect(publishLocal(at(".t.part"), at("final"), { replace: false })).rejects.toMatchObject({
    code: "FERRY_TARGET_EXISTS",
  });
  expect(await readFile(at("final"), "utf8")).toBe("old");
  const identity = await publishLocal(at(".t.part"), at("final"), { replace: true });
  expect([await readFile(at("final"), "utf8"), await identify(at("final")), await readdir(workspace.path)]).toEqual([
    "new",
    identity,
    ["final"],
  ]);
});

test("publishing over a link replaces the link, not what it points to", async () => {
  await writeFile(at("victim"), "victim");
  await symlink("victim", at("final"));
  await writeFile(at(".t.part"), "new");
  await expect(publishLocal(at(".t.part"), at("final"), { replace: false })).rejects.toMatchObject({
    code: "FERRY_TARGET_EXISTS",
  });
  await publishLocal(at(".t.part"), at("final"), { replace: true });
  expect([await readFile(at("final"), "utf8"), await readFile(at("victim"), "utf8")]).toEqual(["new", "victim"]);
});

test("a source is removed once, and never another file that has its name", async () => {
  await writeFile(at("a"), "a");
  const planned = await identify(at("a"));
  await writeFile(at("new"), "a");
  await rename(at("new"), at("a"));
  await expect(removeSource(at("a"), planned)).rejects.toMatchObject({ code: "FERRY_SOURCE_CHANGED" });
  expect(await readFile(at("a"), "utf8")).toBe("a");
  expect([
    await removeSource(at("a"), await identify(at("a"))),
    await removeSource(at("a"), planned),
    await readdir(workspace.path),
  ]).toEqual([true, false, []]);
});

test("what replaces a source while it is removed survives", async () => {
  const removed = new Set<string>();
  let stop = false;
  let last = "";
  const writer = (async () => {
    while (!stop) {
      await writeFile(at("new"), "version");
      last = version(await identify(at("new")));
      await rename(at("new"), at("a"));
    }
  })();
  for (let round = 0; round < 500; round++) {
    const found = await identify(at("a")).catch(() => undefined);
    if (found && (await removeSource(at("a"), found).catch(() => false))) removed.add(version(found));
  }
  stop = true;
  await writer;
  const left = await Promise.all(
    (await readdir(workspace.path)).map(async (name) => version(await identify(at(name)))),
  );
  expect([...left, ...removed]).toContain(last);
});

function version(identity: FileIdentity): string {
  return `${identity.ino} ${identity.mtimeNs}`;
}

test("a file that a crash left aside is removed by the next attempt", async () => {
  await writeFile(at("a"), "a");
  const planned = await identify(at("a"));
  await rename(at("a"), at(".a.x7k2.part"));
  await writeFile(at(".a.zzzz.part"), "somebody else's");
  expect([await removeSource(at("a"), planned), await readdir(workspace.path)]).toEqual([true, [".a.zzzz.part"]]);
});

test("linking changes a file's identity, but not its content", async () => {
  await writeFile(at("a"), "a");
  const before = await identify(at("a"));
  await new Promise((resolve) => setTimeout(resolve, 20));
  await link(at("a"), at("b"));
  const after = await identify(at("a"));
  expect([sameFile(before, after), sameContent(before, after)]).toEqual([false, true]);
});

test("folders are made with those above them", async () => {
  await makeFolder(at("x/y/z"));
  await makeFolder(at("x/y/z"));
  expect(await exists(at("x/y/z"))).toBe(true);
});

test("the system's refusals have our codes, and what is not the system's is a bug", () => {
  const code = (name: string): string => translateSystemError(Object.assign(new Error(name), { code: name }), "p").code;
  expect(
    [
      "ENOENT",
      "EACCES",
      "EPERM",
      "ENOSPC",
      "EDQUOT",
      "EMFILE",
      "ELOOP",
      "EEXIST",
      "ENAMETOOLONG",
      "EWHATEVER",
      "ERR_X",
    ].map(code),
  ).toEqual([
    "FERRY_FILE_NOT_FOUND",
    "FERRY_FILE_REFUSED",
    "FERRY_FILE_REFUSED",
    "FERRY_DISK_FULL",
    "FERRY_DISK_FULL",
    "FERRY_FILE_BUSY",
    "FERRY_NOT_A_FILE",
    "FERRY_TARGET_EXISTS",
    "FERRY_NAME_REFUSED",
    "FERRY_FILE_REFUSED",
    "FERRY_BUG",
  ]);
});
