import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { localDriver } from "../../../src/connections/local/driver.js";
import type { RemoteSession } from "../../../src/connections/session.js";
import { canMount, smallDisk } from "../../support/servers/disk.js";
import { keptTranscript, openContext } from "../open-context.js";
import { bufferSink, contents, source } from "../session-contract/material.js";
import { codeOf } from "../session-contract/workshop.js";

let folder: string;
let root: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "ferry-confined-"));
  root = join(folder, "root");
  mkdirSync(root);
  writeFileSync(join(folder, "secret"), "secret");
});
afterEach(() => rmSync(folder, { recursive: true }));

const open = (directory = root, given = {}): Promise<RemoteSession> =>
  localDriver.open(localDriver.schema.parse({ protocol: "local", directory }), openContext(given));

describe("nothing leads out of the folder:", () => {
  test.each(["../secret", "a/../../secret", "/etc/passwd", "../root-other/x"])("not the path %s", async (path) => {
    const session = await open();
    const codes = [
      session.stat(path),
      session.download(path, bufferSink()),
      session.remove(path),
      session.upload(source(Buffer.from("x")), path),
      session.rename("a", path),
    ];
    expect(new Set(await Promise.all(codes.map(codeOf)))).toEqual(new Set(["FERRY_PATH_OUTSIDE"]));
    expect(readFileSync(join(folder, "secret"), "utf8")).toBe("secret");
  });

  test("not a link to a folder", async () => {
    symlinkSync(folder, join(root, "out"));
    const session = await open();
    expect([
      await codeOf(session.download("out/secret", bufferSink())),
      await codeOf(session.upload(source(Buffer.from("x")), "out/new")),
    ]).toEqual(["FERRY_PATH_OUTSIDE", "FERRY_PATH_OUTSIDE"]);
  });

  test("not a link to a file, neither reading nor writing", async () => {
    symlinkSync(join(folder, "secret"), join(root, "link"));
    const session = await open();
    expect([
      (await session.stat("link"))?.type,
      await codeOf(session.download("link", bufferSink())),
      await codeOf(session.upload(source(Buffer.from("x")), "link")),
    ]).toEqual(["link", "FERRY_NOT_A_FILE", "FERRY_NOT_A_FILE"]);
    expect(readFileSync(join(folder, "secret"), "utf8")).toBe("secret");
  });

  test("but an absolute path within it, also when the folder itself is reached by a link", async () => {
    symlinkSync(root, join(folder, "by-link"));
    const session = await open(join(folder, "by-link"));
    await session.upload(source(Buffer.from("x")), join(folder, "by-link", "file"));
    expect([(await session.stat(join(root, "file")))?.size, readFileSync(join(root, "file"), "utf8")]).toEqual([
      1,
      "x",
    ]);
  });
});

test("a pipe is not waited for", async () => {
  execFileSync("mkfifo", [join(root, "pipe")]);
  const session = await open();
  expect([await codeOf(session.download("pipe", bufferSink())), (await session.stat("pipe"))?.type]).toEqual([
    "FERRY_NOT_A_FILE",
    "other",
  ]);
});

test("a name that is not UTF-8 is listed as refused", async () => {
  writeFileSync(Buffer.concat([Buffer.from(`${root}/caf`), Buffer.from([0xe9])]), "x");
  const transcript = keptTranscript();
  const session = await open(root, { transcript });
  expect((await session.list(".")).map(({ name, type }) => [name, type])).toEqual([["caf\ufffd", "other"]]);
});

test("a relative directory starts at the workspace", async () => {
  const session = await open("root", { workspace: folder });
  expect(session.facts.address).toBe(root);
});

test.each(["absent", "secret"])("the directory %s fails the opening", async (directory) => {
  expect(await codeOf(open(directory, { workspace: folder }))).toBe("FERRY_REMOTE_NOT_FOUND");
});

test("a source that fails with a code of the system is told as it is", async () => {
  const reason = Object.assign(new Error("gone"), { code: "ENOENT" });
  const failing = (async function* () {
    yield Buffer.from("x");
    throw reason;
  })();
  await expect((await open()).upload(failing, "file")).rejects.toBe(reason);
});

test.skipIf(!canMount())("a full disk fails an upload", async () => {
  const disk = smallDisk("1m");
  if (!disk) throw new Error("there was a disk a moment ago");
  try {
    expect(await codeOf((await open(disk.path)).upload(source(contents(3_000_000)), "file"))).toBe(
      "FERRY_SERVER_DISK_FULL",
    );
  } finally {
    disk.remove();
  }
});
