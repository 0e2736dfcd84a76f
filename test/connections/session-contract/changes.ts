import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { source } from "./material.js";
import { type ContractOptions, codeOf, type Workshop } from "./workshop.js";

export function changes(place: Workshop, options: ContractOptions): void {
  test("a rename moves, also into another folder, and repeats the server's words", async () => {
    const { remote, path, disk } = await place.folder();
    await remote.makeDirectory(`${path}/other`);
    await remote.upload(source(Buffer.from("content")), `${path}/from`);
    const reply = await remote.rename(`${path}/from`, `${path}/other/to`);
    expect([reply !== "", existsSync(join(disk, "from")), readFileSync(join(disk, "other/to"), "utf8")]).toEqual([
      true,
      false,
      "content",
    ]);
  });

  test.each([{ replace: false }, {}])(
    "a rename onto what exists is refused with %j, and both contents survive",
    async (how) => {
      const { remote, path, disk } = await place.folder();
      await remote.upload(source(Buffer.from("new")), `${path}/new`);
      await remote.upload(source(Buffer.from("old")), `${path}/target`);
      expect(await codeOf(remote.rename(`${path}/new`, `${path}/target`, how))).toBe("FERRY_TARGET_EXISTS");
      expect([readFileSync(join(disk, "target"), "utf8"), readFileSync(join(disk, "new"), "utf8")]).toEqual([
        "old",
        "new",
      ]);
    },
  );

  test("a rename with replace puts the new content there, and leaves nothing else", async () => {
    const { remote, path, disk } = await place.folder();
    await remote.upload(source(Buffer.from("new")), `${path}/new`);
    await remote.upload(source(Buffer.from("old")), `${path}/target`);
    await remote.rename(`${path}/new`, `${path}/target`, { replace: true });
    expect([readFileSync(join(disk, "target"), "utf8"), (await remote.list(path)).map(({ name }) => name)]).toEqual([
      "new",
      ["target"],
    ]);
  });

  test("a rename with replace works where nothing is to be replaced", async () => {
    const { remote, path } = await place.folder();
    await remote.upload(source(Buffer.from("new")), `${path}/new`);
    await remote.rename(`${path}/new`, `${path}/target`, { replace: true });
    expect((await remote.list(path)).map(({ name }) => name)).toEqual(["target"]);
  });

  test("a rename of what is absent fails, and with replace keeps the target", async () => {
    const { remote, path, disk } = await place.folder();
    await remote.upload(source(Buffer.from("old")), `${path}/target`);
    const codes = [
      await codeOf(remote.rename(`${path}/absent`, `${path}/free`)),
      await codeOf(remote.rename(`${path}/absent`, `${path}/target`, { replace: true })),
    ];
    expect(codes).toEqual(["FERRY_REMOTE_NOT_FOUND", "FERRY_REMOTE_NOT_FOUND"]);
    expect([readFileSync(join(disk, "target"), "utf8"), (await remote.list(path)).length]).toEqual(["old", 1]);
  });

  test("folders are made with those above them, and again without complaint", async () => {
    const { remote, path, disk } = await place.folder();
    await remote.makeDirectory(`${path}/a/b c/ö`);
    await remote.makeDirectory(`${path}/a/b c/ö`);
    await remote.makeDirectory(`${path}/a/b c/d`);
    expect([existsSync(join(disk, "a/b c/ö")), existsSync(join(disk, "a/b c/d"))]).toEqual([true, true]);
  });

  test("a folder where a file is in the way is an error", async () => {
    const { remote, path } = await place.folder();
    await remote.upload(source(Buffer.from("x")), `${path}/file`);
    expect(await codeOf(remote.makeDirectory(`${path}/file`))).toMatch(/^FERRY_/);
  });

  test("an empty folder is removed; one that is full or absent is an error", async () => {
    const { remote, path, disk } = await place.folder();
    await remote.makeDirectory(`${path}/empty`);
    await remote.makeDirectory(`${path}/full/x`);
    await remote.removeDirectory(`${path}/empty`);
    const codes = [
      await codeOf(remote.removeDirectory(`${path}/full`)),
      await codeOf(remote.removeDirectory(`${path}/empty`)),
    ];
    expect([existsSync(join(disk, "empty")), existsSync(join(disk, "full/x")), codes[1]]).toEqual([
      false,
      true,
      "FERRY_REMOTE_NOT_FOUND",
    ]);
    expect(codes[0]).toMatch(/^FERRY_(REMOTE|SERVER)_/);
  });

  test("removing what is absent is FERRY_REMOTE_NOT_FOUND", async () => {
    const { remote, path } = await place.folder();
    expect(await codeOf(remote.remove(`${path}/absent`))).toBe("FERRY_REMOTE_NOT_FOUND");
  });

  test("the modification time is set, where the session offers it", async () => {
    const { remote, path } = await place.folder();
    if (options.hasModifiedAt) expect(remote.setModifiedAt).toBeDefined();
    if (!remote.setModifiedAt) return;
    const time = new Date("2024-02-29T12:34:56Z");
    await remote.upload(source(Buffer.from("x")), `${path}/file`);
    await remote.setModifiedAt(`${path}/file`, time);
    expect((await remote.stat(`${path}/file`))?.modifiedAt).toEqual(time);
  });
}
