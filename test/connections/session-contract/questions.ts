import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { AgentError } from "../../../src/base/errors.js";
import { contents, source } from "./material.js";
import { type ContractOptions, codeOf, type Workshop } from "./workshop.js";

export function questions(place: Workshop, options: ContractOptions): void {
  test("a list tells names, types, sizes and times, without . and ..", async () => {
    const { remote, path } = await place.folder();
    const before = Date.now();
    await remote.upload(source(contents(77)), `${path}/file`);
    await remote.upload(source(Buffer.alloc(0)), `${path}/.hidden`);
    await remote.makeDirectory(`${path}/folder`);
    const listed = [...(await remote.list(path))].sort((a, b) => (a.name < b.name ? -1 : 1));
    const age = Math.abs((listed.find(({ name }) => name === "file")?.modifiedAt?.getTime() ?? 0) - before);
    expect(listed.map(({ name, type }) => [name, type])).toEqual([
      [".hidden", "file"],
      ["file", "file"],
      ["folder", "directory"],
    ]);
    expect([listed[0]?.size, listed[1]?.size, age < 86_400_000]).toEqual([0, 77, true]);
  });

  test("an absolute path means the same as the one that it was made of", async () => {
    const { remote, path } = await place.folder();
    await remote.upload(source(contents(5)), `${path}/file`);
    const absolute = remote.absolute(`${path}/file`);
    expect([absolute.startsWith("/"), remote.absolute(absolute), (await remote.stat(absolute))?.size]).toEqual([
      true,
      absolute,
      5,
    ]);
  });

  test("an empty folder lists as nothing", async () => {
    const { remote, path } = await place.folder();
    expect(await remote.list(path)).toEqual([]);
  });

  test("the list of an absent folder is an error, not an empty list", async () => {
    const { remote, path } = await place.folder();
    expect(await codeOf(remote.list(`${path}/absent`))).toBe("FERRY_REMOTE_NOT_FOUND");
  });

  test("a thousand entries are all listed", async () => {
    const { remote, path, disk } = await place.folder();
    for (let index = 0; index < 1000; index++) writeFileSync(join(disk, `file ${index}`), "");
    expect(new Set((await remote.list(path)).map(({ name }) => name)).size).toBe(1000);
  });

  test("stat tells a file, a folder, and absence", async () => {
    const { remote, path } = await place.folder();
    await remote.upload(source(contents(42)), `${path}/file`);
    const [file, folder, absent, below] = [
      await remote.stat(`${path}/file`),
      await remote.stat(path),
      await remote.stat(`${path}/absent`),
      await remote.stat(`${path}/absent/file`),
    ];
    expect([file?.name, file?.type, file?.size, folder?.type, absent, below]).toEqual([
      "file",
      "file",
      42,
      "directory",
      undefined,
      undefined,
    ]);
  });

  test.skipIf(options.canRefuse === false)("a refusal is an error, never absence and never an empty list", async () => {
    const { remote, path, disk } = await place.folder();
    mkdirSync(join(disk, "forbidden"));
    writeFileSync(join(disk, "forbidden", "file"), "x");
    chmodSync(join(disk, "forbidden"), 0o700);
    const refusal = /^FERRY_(REMOTE_REFUSED|SERVER_REFUSED)$/;
    expect(await codeOf(remote.list(`${path}/forbidden`))).toMatch(refusal);
    expect(await codeOf(remote.upload(source(Buffer.from("x")), `${path}/forbidden/new`))).toMatch(refusal);
    expect(await codeOf(remote.stat(`${path}/forbidden/file`))).toMatch(refusal);
  });

  test("size tells the bytes and how it knows", async () => {
    const { remote, path } = await place.folder();
    await remote.upload(source(contents(98_765)), `${path}/file`);
    const size = await remote.size(`${path}/file`);
    expect(options.sizeBy ?? ["size", "size-list"]).toContain(size?.by);
    if (size) expect(size.bytes).toBe(98_765);
  });

  test("the size of what is absent is FERRY_REMOTE_NOT_FOUND or not told", async () => {
    const { remote, path } = await place.folder();
    const answer = await remote.size(`${path}/absent`).then(
      (size) => size ?? "not told",
      (error: AgentError) => error.code,
    );
    expect(["not told", "FERRY_REMOTE_NOT_FOUND"]).toContain(answer);
  });
}
