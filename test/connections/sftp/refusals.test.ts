import { describe, expect, test } from "vitest";
import { sftpStatus } from "../../support/scripted-sftp.js";
import { bufferSink, contents, sha256, source } from "../session-contract/material.js";
import { codeOf } from "../session-contract/workshop.js";
import { open, serve } from "./scripted.js";

const { FAILURE, PERMISSION_DENIED, OK, EOF, OP_UNSUPPORTED } = sftpStatus;
const bytes = contents(1_000_000);

describe("an upload fails, and the session goes on,", () => {
  test.each([1, 2, 6, 32])("when the server refuses WRITE number %i", async (number) => {
    const server = await serve({ WRITE: ({ occurrence }) => (occurrence === number ? FAILURE : undefined) });
    const { session } = await open(server);
    expect([await codeOf(session.upload(source(bytes), "/new")), session.alive]).toEqual([
      "FERRY_SERVER_REFUSED",
      true,
    ]);
    expect((await session.upload(source(bytes), "/again")).bytes).toBe(bytes.length);
  });

  test.each(["FSYNC", "CLOSE"] as const)("when the server refuses %s", async (request) => {
    const server = await serve({ posixRename: true, [request as "CLOSE"]: FAILURE });
    const { session } = await open(server);
    expect([await codeOf(session.upload(source(bytes), "/new")), session.alive]).toEqual([
      "FERRY_SERVER_REFUSED",
      true,
    ]);
  });

  test("when the server says OK and stores less", async () => {
    const server = await serve({ WRITE: ({ occurrence }) => (occurrence > 10 ? OK : undefined) });
    const { session } = await open(server);
    expect(await codeOf(session.upload(source(bytes), "/new"))).toBe("FERRY_SIZE_MISMATCH");
  });

  test("when the server refuses OPEN", async () => {
    const server = await serve({ OPEN: PERMISSION_DENIED });
    const { session } = await open(server);
    expect([await codeOf(session.upload(source(bytes), "/new")), session.alive]).toEqual([
      "FERRY_REMOTE_REFUSED",
      true,
    ]);
  });

  test("when the server answers OPEN with OK instead of a handle; then it is dead", async () => {
    const server = await serve({ OPEN: OK });
    const { session } = await open(server);
    expect([await codeOf(session.upload(source(bytes), "/new")), session.alive]).toEqual(["FERRY_PROTOCOL", false]);
  });
});

describe("a download", () => {
  test.each([1, 3])("that ends early, at READ number %i, fails", async (number) => {
    const server = await serve({
      files: { "/big": bytes },
      READ: ({ occurrence }) => (occurrence >= number ? EOF : undefined),
    });
    const { session } = await open(server);
    expect([await codeOf(session.download("/big", bufferSink())), session.alive]).toEqual([
      "FERRY_SIZE_MISMATCH",
      true,
    ]);
  });

  test("whose READ is refused fails", async () => {
    const server = await serve({
      files: { "/big": bytes },
      READ: ({ occurrence }) => (occurrence === 5 ? FAILURE : undefined),
    });
    const { session } = await open(server);
    expect([await codeOf(session.download("/big", bufferSink())), session.alive]).toEqual([
      "FERRY_SERVER_REFUSED",
      true,
    ]);
  });

  test("works where the server knows no FSTAT", async () => {
    const server = await serve({ files: { "/big": bytes }, FSTAT: OP_UNSUPPORTED });
    const { session } = await open(server);
    const sink = bufferSink();
    await session.download("/big", sink);
    expect(sha256(sink.bytes())).toBe(sha256(bytes));
  });

  test("takes along what a file grows by meanwhile", async () => {
    const server = await serve({
      files: { "/big": bytes },
      READ({ occurrence }) {
        if (occurrence === 2) server.files.set("/big", Buffer.concat([bytes, Buffer.from("grown")]));
        return undefined;
      },
    });
    const { session } = await open(server);
    const sink = bufferSink();
    await session.download("/big", sink);
    expect([bytes.length, bytes.length + 5]).toContain(sink.bytes().length);
  });
});

describe("a rename", () => {
  const files = { "/new": "new", "/target": "old" };
  const texts = (server: { readonly files: ReadonlyMap<string, Buffer> }): object =>
    Object.fromEntries([...server.files].map(([path, content]) => [path, String(content)]));

  test("never overwrites, not even on a server whose RENAME does", async () => {
    const server = await serve({ files, renameReplaces: true });
    const { session } = await open(server);
    expect([await codeOf(session.rename("/new", "/target")), texts(server)]).toEqual(["FERRY_TARGET_EXISTS", files]);
  });

  test("replaces without posix-rename by way of a third name, which is gone at the end", async () => {
    const server = await serve({ files });
    const { session } = await open(server);
    await session.rename("/new", "/target", { replace: true });
    expect(texts(server)).toEqual({ "/target": "new" });
    const renames = server.requests
      .filter((request) => /^RENAME|^REMOVE/.test(request))
      .map((request) => request.replace(/\.\w{4}\.old/g, ".ID.old"));
    expect(renames).toEqual(["RENAME /target /.target.ID.old", "RENAME /new /target", "REMOVE /.target.ID.old"]);
  });

  test("that cannot put the new content there puts the old one back", async () => {
    const server = await serve({
      files,
      RENAME: ({ occurrence }) => (occurrence === 2 ? PERMISSION_DENIED : undefined),
    });
    const { session } = await open(server);
    expect([await codeOf(session.rename("/new", "/target", { replace: true })), texts(server)]).toEqual([
      "FERRY_REMOTE_REFUSED",
      files,
    ]);
  });

  test("that fails for no reason that the server gives keeps the server's word", async () => {
    const server = await serve({ files, RENAME: FAILURE });
    const { session } = await open(server);
    expect(await codeOf(session.rename("/new", "/free"))).toBe("FERRY_SERVER_REFUSED");
  });
});

test("FAILURE of what is absent is told as absence", async () => {
  const server = await serve({ REMOVE: FAILURE, RMDIR: FAILURE });
  const { session } = await open(server);
  expect([await codeOf(session.remove("/absent")), await codeOf(session.removeDirectory("/absent"))]).toEqual([
    "FERRY_REMOTE_NOT_FOUND",
    "FERRY_REMOTE_NOT_FOUND",
  ]);
});

test("stat tells a refusal from absence", async () => {
  const server = await serve({ LSTAT: ({ occurrence }) => (occurrence === 1 ? FAILURE : undefined) });
  const { session } = await open(server);
  expect([await codeOf(session.stat("/a")), await session.stat("/a")]).toEqual(["FERRY_SERVER_REFUSED", undefined]);
});

test("a listing that is refused halfway is an error, not a short list", async () => {
  const server = await serve({
    files: { "/a": "x" },
    READDIR: ({ occurrence }) => (occurrence === 2 ? FAILURE : undefined),
  });
  const { session } = await open(server);
  expect(await codeOf(session.list("/"))).toBe("FERRY_SERVER_REFUSED");
});
