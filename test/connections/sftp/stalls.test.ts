import { describe, expect, test } from "vitest";
import type { RemoteSession } from "../../../src/connections/session.js";
import type { SftpHook } from "../../support/scripted-sftp.js";
import { bufferSink, contents, source } from "../session-contract/material.js";
import { codeOf } from "../session-contract/workshop.js";
import { open, serve } from "./scripted.js";

const files = { "/a": Buffer.from("old"), "/big": contents(300_000) };
/** Long enough for a server that answers, short enough for a test of one that does not. */
const timeout = { connect: "5s", reply: "150ms", stall: "150ms", completion: "150ms" };

type Call = (session: RemoteSession) => Promise<unknown>;
const upload: Call = (session) => session.upload(source(contents(300_000)), "/new");
const download: Call = (session) => session.download("/big", bufferSink());

const cases: readonly (readonly [request: string, code: string, call: Call])[] = [
  ["OPENDIR", "FERRY_REPLY_TIMEOUT", (session) => session.list("/")],
  ["READDIR", "FERRY_REPLY_TIMEOUT", (session) => session.list("/")],
  ["LSTAT", "FERRY_REPLY_TIMEOUT", (session) => session.stat("/a")],
  ["STAT", "FERRY_REPLY_TIMEOUT", (session) => session.size("/a")],
  ["OPEN", "FERRY_REPLY_TIMEOUT", upload],
  ["WRITE", "FERRY_STALLED", upload],
  ["FSYNC", "FERRY_COMPLETION_TIMEOUT", upload],
  ["FSTAT", "FERRY_COMPLETION_TIMEOUT", upload],
  ["CLOSE", "FERRY_COMPLETION_TIMEOUT", upload],
  ["READ", "FERRY_STALLED", download],
  ["FSTAT", "FERRY_REPLY_TIMEOUT", download],
  ["RENAME", "FERRY_REPLY_TIMEOUT", (session) => session.rename("/a", "/b")],
  ["POSIX-RENAME", "FERRY_REPLY_TIMEOUT", (session) => session.rename("/a", "/b", { replace: true })],
  ["REMOVE", "FERRY_REPLY_TIMEOUT", (session) => session.remove("/a")],
  ["MKDIR", "FERRY_REPLY_TIMEOUT", (session) => session.makeDirectory("/new/er")],
  ["RMDIR", "FERRY_REPLY_TIMEOUT", (session) => session.removeDirectory("/empty")],
  ["SETSTAT", "FERRY_REPLY_TIMEOUT", (session) => session.setModifiedAt?.("/a", new Date(0)) ?? Promise.resolve()],
];

describe("a request that is never answered", () => {
  test.each(cases)("%s ends with %s, and the session is dead", async (request, code, call) => {
    const server = await serve({ files, folders: ["/empty"], posixRename: true, [request as "OPEN"]: "hang" });
    const { session } = await open(server, { keys: { timeout } });
    expect([await codeOf(call(session)), session.alive, await codeOf(session.list("/"))]).toEqual([
      code,
      false,
      "FERRY_CONNECTION_LOST",
    ]);
  });

  test("REALPATH, the first of all, fails the opening", async () => {
    const server = await serve({ REALPATH: "hang" });
    expect(await codeOf(open(server, { keys: { timeout } }))).toBe("FERRY_REPLY_TIMEOUT");
  });

  test("WRITE is a stall although keep-alives go to and fro", async () => {
    const server = await serve({ WRITE: "hang" });
    const { session } = await open(server, { keys: { timeout: { stall: "300ms" }, keepAlive: "20ms" } });
    expect(await codeOf(upload(session))).toBe("FERRY_STALLED");
  });

  test("a WRITE in the middle of many is a stall, too, and how far it came is told", async () => {
    const server = await serve({ WRITE: ({ occurrence }) => (occurrence > 5 ? "hang" : undefined) });
    const { session, lines } = await open(server, { keys: { timeout: { stall: "500ms" } } });
    expect(await codeOf(upload(session))).toBe("FERRY_STALLED");
    expect(lines.slice(-2)).toEqual(["> WRITE ×10 (300000 bytes)", "< OK ×5"]);
  });
});

describe("a slow source or sink is not a stall", () => {
  const pauses = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 400));

  test("of an upload", async () => {
    const server = await serve({});
    const { session } = await open(server, { keys: { timeout } });
    const slowly = async function* () {
      yield contents(100_000);
      await pauses();
      yield contents(100_000);
    };
    expect((await session.upload(slowly(), "/new")).bytes).toBe(200_000);
  });

  test("of a download", async () => {
    const server = await serve({ files });
    const { session } = await open(server, { keys: { timeout } });
    let first = true;
    const write = async (): Promise<void> => {
      if (first) await pauses();
      first = false;
    };
    expect((await session.download("/big", { write })).bytes).toBe(300_000);
  });
});

describe("a connection that breaks", () => {
  const breaks: readonly SftpHook[] = ["cut", "reset", "do-and-cut"];
  test.each(breaks)("in the middle of an upload (%s) is told at once, and the session is dead", async (how) => {
    const server = await serve({ WRITE: ({ occurrence }) => (occurrence === 4 ? (how as "cut") : undefined) });
    const { session } = await open(server);
    expect([await codeOf(upload(session)), session.alive, await codeOf(session.stat("/a"))]).toEqual([
      "FERRY_CONNECTION_LOST",
      false,
      "FERRY_CONNECTION_LOST",
    ]);
  });

  test("between a rename and its reply leaves the outcome open", async () => {
    const server = await serve({ files, RENAME: "do-and-cut" });
    const { session } = await open(server);
    expect([await codeOf(session.rename("/a", "/b")), server.files.has("/b")]).toEqual(["FERRY_CONNECTION_LOST", true]);
  });

  test("while nothing goes on is noticed by the next call", async () => {
    const server = await serve({});
    const { session } = await open(server);
    server.disconnect("rst");
    expect(await codeOf(session.list("/"))).toBe("FERRY_CONNECTION_LOST");
  });
});
