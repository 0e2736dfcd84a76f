import { expect, test } from "vitest";
import type { RemoteSession } from "../../../src/connections/session.js";
import type { FtpScript, FtpSession } from "../../support/scripted-ftp.js";
import { bufferSink, source } from "../session-contract/material.js";
import { codeOf } from "../session-contract/workshop.js";
import { opening, plain } from "./opening.js";
import { withServer } from "./with-server.js";

const short = { ...plain, timeout: { connect: "200ms", reply: "200ms", stall: "200ms", completion: "200ms" } };
const hang = (_: string, session: FtpSession): Promise<never> => session.hang();

/** Everything that a job may do, one after the other. */
async function everything(remote: RemoteSession): Promise<void> {
  await remote.makeDirectory("new/below");
  await remote.list(".");
  await remote.stat("file");
  await remote.size("file");
  await remote.upload(source(Buffer.from("x")), "up");
  await remote.download("file", bufferSink());
  await remote.download("file", bufferSink(), { from: 2 });
  await remote.rename("up", "there");
  await remote.setModifiedAt?.("there", new Date(0));
  await remote.remove("there");
  await remote.removeDirectory("new/below");
}

const OPENING = ["USER", "PASS", "FEAT", "OPTS", "TYPE", "PWD", "CWD"];
const ACTING = ["MKD", "EPSV", "MLSD", "MLST", "SIZE", "STOR", "RETR", "REST", "RNFR", "RNTO", "MFMT", "DELE", "RMD"];
const tree = { files: { "/home/file": "content" }, folders: ["/home"] };
const scripted = (verb: string, answer: FtpScript[Uppercase<string>]): FtpScript =>
  ({ ...tree, [verb]: answer }) as FtpScript;
const run = async (script: FtpScript, written: object): Promise<[string, boolean | undefined]> =>
  withServer(script, async (server) => {
    let remote: RemoteSession | undefined;
    const code = await codeOf(
      (async () => {
        remote = await opening(server, { ...written, directory: "/home" }).open();
        await everything(remote);
      })(),
    );
    await remote?.close();
    return [code, remote?.alive];
  });

test("with a server that behaves, everything works", async () => {
  expect(await run(tree, short)).toEqual(["no failure", false]);
});

test.each([...OPENING, ...ACTING])("silence after %s ends within the deadline for replies", async (verb) => {
  expect((await run(scripted(verb, hang), short))[0]).toBe("FERRY_REPLY_TIMEOUT");
});

test.each([
  ["MLST", true],
  ["RNFR", true],
  ["RNTO", false],
])("a rename that had no answer to %s is known to have moved nothing: %s", async (verb, nothingDone) => {
  await withServer(scripted(verb, hang), async (server) => {
    const remote = await opening(server, { ...short, directory: "/home" }).open();
    const error = await remote.rename("file", "there").catch((failure: unknown) => failure);
    expect(error).toMatchObject({ code: "FERRY_REPLY_TIMEOUT", nothingDone });
  });
});

test.each([...OPENING, ...ACTING])("421 in answer to %s closes the session and is transient", async (verb) => {
  expect((await run(scripted(verb, "421 going down"), short))[0]).toBe("FERRY_SERVER_BUSY");
});

test.each(["USER", "PASS", "TYPE", "CWD", ...ACTING])("451 in answer to %s is transient", async (verb) => {
  const code = (await run(scripted(verb, "451 not now"), short))[0];
  // A size can be asked for in other ways.
  expect(code).toBe(verb === "SIZE" ? "no failure" : "FERRY_SERVER_BUSY");
});

test.each(["DELE", "RMD", "RNFR", "RNTO", "STOR", "RETR", "MKD"])(
  "550 and 553 in answer to %s keep the session",
  async (verb) => {
    for (const answer of ["550 no", "553 no", "550 Permission denied"]) {
      await withServer(scripted(verb, answer), async (server) => {
        const remote = await opening(server, { ...short, directory: "/home" }).open();
        const code = await codeOf(everything(remote));
        expect([code, remote.alive]).toEqual([
          answer.endsWith("denied") ? "FERRY_REMOTE_REFUSED" : "FERRY_SERVER_REFUSED",
          true,
        ]);
        await remote.close();
      });
    }
  },
);

test("no greeting: the deadline for replies, with the hint that it may be implicit TLS", async () => {
  await withServer({ greeting: null }, async (server) => {
    const error = await opening(server, short)
      .open()
      .catch((failure) => failure);
    expect([error.code, error.hint.includes("implicit")]).toEqual(["FERRY_REPLY_TIMEOUT", true]);
  });
});

test("AUTH accepted and then silence: the deadline for connecting", async () => {
  const accept = async (_: string, session: FtpSession): Promise<never> => {
    await session.reply("234 go ahead");
    return session.hang();
  };
  await withServer({ AUTH: accept }, async (server) => {
    const code = await codeOf(opening(server, { timeout: short.timeout }).open());
    expect([code, server.commands[0], server.commands.join().includes("USER")]).toEqual([
      "FERRY_CONNECT_TIMEOUT",
      "AUTH TLS",
      false,
    ]);
  });
});

test("nobody listens, and no such name", async () => {
  const gone = await withServer({}, async (server) => server);
  const codes = [
    await codeOf(opening(gone, short).open()),
    await codeOf(opening({ ...gone, host: "no-such-host.invalid" }, short).open()),
  ];
  expect(codes).toEqual(["FERRY_CONNECT_REFUSED", "FERRY_ADDRESS_UNKNOWN"]);
});

test("no confirmation after the last byte: the deadline for completion", async () => {
  const swallow = async (name: string, session: FtpSession): Promise<never> => {
    await session.receive(session.path(name), Buffer.alloc(0));
    return session.hang();
  };
  const slow = { ...short, timeout: { ...short.timeout, completion: "300ms" } };
  expect((await run(scripted("STOR", swallow), slow))[0]).toBe("FERRY_COMPLETION_TIMEOUT");
});

test("a server that stops reading, and one that stops sending: the deadline for stalls", async () => {
  const stop = async (_: string, session: FtpSession): Promise<never> => {
    (await session.openData()).pause();
    return session.hang();
  };
  await withServer({ STOR: stop, RETR: stop }, async (server) => {
    const endless = async function* () {
      for (;;) yield Buffer.alloc(1_000_000);
    };
    const codes = [
      await codeOf((await opening(server, short).open()).upload(endless(), "f")),
      await codeOf((await opening(server, short).open()).download("f", bufferSink())),
    ];
    expect(codes).toEqual(["FERRY_STALLED", "FERRY_STALLED"]);
  });
});

test("a slow source and a slow sink are not taken for a stall", async () => {
  const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 450));
  await withServer({ files: { "/f": Buffer.alloc(5_000_000) } }, async (server) => {
    const remote = await opening(server, short).open();
    const slow = async function* () {
      yield Buffer.from("a");
      await pause();
      yield Buffer.from("b");
    };
    let first = true;
    const sink = {
      async write(): Promise<void> {
        if (first) await pause();
        first = false;
      },
    };
    const bytes = [(await remote.upload(slow(), "slow")).bytes, (await remote.download("f", sink)).bytes];
    expect(bytes).toEqual([2, 5_000_000]);
    await remote.close();
  });
});

test("an answer that drips without end does not put the deadline off", async () => {
  const drip = async (_: string, session: FtpSession): Promise<undefined> => {
    session.write("200-begin\r\n");
    const timer = setInterval(() => session.write("200-more\r\n"), 50);
    setTimeout(() => clearInterval(timer), 600);
    return undefined;
  };
  expect((await run(scripted("TYPE", drip), short))[0]).toBe("FERRY_REPLY_TIMEOUT");
});

test("a confirmation before all was sent is no success", async () => {
  const early = async (_: string, session: FtpSession): Promise<string> => {
    (await session.openData()).pause();
    return "226 have it all";
  };
  await withServer({ STOR: early }, async (server) => {
    const remote = await opening(server, short).open();
    const endless = async function* () {
      for (;;) yield Buffer.alloc(1_000_000);
    };
    expect([await codeOf(remote.upload(endless(), "f")), remote.alive]).toEqual(["FERRY_CONNECTION_LOST", false]);
  });
});

test.each([
  ["552 quota exceeded", "FERRY_SERVER_DISK_FULL"],
  ["452 no space", "FERRY_SERVER_DISK_FULL"],
  ["426 broken", "FERRY_SERVER_BUSY"],
  ["451 no", "FERRY_SERVER_BUSY"],
])("%j in the middle of an upload ends it at once, and the session lives", async (answer, code) => {
  const midway = async (_: string, session: FtpSession): Promise<string> => {
    const data = await session.openData();
    await new Promise((resolve) => data.once("data", resolve).resume());
    data.pause();
    return answer;
  };
  await withServer({ STOR: midway }, async (server) => {
    const remote = await opening(server, short).open();
    const endless = async function* () {
      for (;;) yield Buffer.alloc(1_000_000);
    };
    expect([await codeOf(remote.upload(endless(), "f")), remote.alive]).toEqual([code, true]);
    await remote.close();
  });
});

test.each(["fin", "rst"] as const)("a cut (%s) in an upload is a lost connection", async (how) => {
  await withServer({ cut: { afterBytes: 100_000, how } }, async (server) => {
    const remote = await opening(server, plain).open();
    const code = await codeOf(remote.upload(source(Buffer.alloc(3_000_000)), "f"));
    expect([code, remote.alive, await codeOf(remote.stat("f"))]).toEqual([
      "FERRY_CONNECTION_LOST",
      false,
      "FERRY_CONNECTION_LOST",
    ]);
  });
});

test("a short download is counted as it is: its size is for the caller to judge", async () => {
  await withServer({ files: { "/f": Buffer.alloc(1_000) }, RETR: half as never }, async (server) => {
    const remote = await opening(server, plain).open();
    expect((await remote.download("f", bufferSink())).bytes).toBe(500);
    await remote.close();
  });
});

async function half(_: string, session: FtpSession): Promise<string> {
  await session.send(Buffer.alloc(500));
  return "226 sent";
}

test("an idle session is kept awake, and never within a transfer", async () => {
  const timers: { ms: number; action: () => void; refreshed: number }[] = [];
  const { systemClock } = await import("../../../src/base/clock.js");
  const clock = {
    ...systemClock,
    timer(ms: number, action: () => void) {
      if (ms !== 12_345) return systemClock.timer(ms, action);
      const made = { ms, action, refreshed: 0 };
      timers.push(made);
      return { refresh: () => void made.refreshed++, cancel() {} };
    },
  };
  const release: (() => void)[] = [];
  const slow = async (_: string, session: FtpSession): Promise<string> => {
    const data = await session.openData();
    await new Promise<void>((resolve) => void release.push(resolve));
    data.end("content");
    return "226 sent";
  };
  await withServer({ RETR: slow as never }, async (server) => {
    const remote = await opening(server, { ...plain, keepAlive: "12345ms" }, { clock }).open();
    timers[0]?.action();
    await server.waitFor("NOOP");
    const transfer = remote.download("f", bufferSink());
    await server.waitFor("RETR");
    timers[0]?.action();
    await expect.poll(() => release.length).toBe(1);
    release[0]?.();
    await transfer;
    expect([server.commands.filter((line) => line === "NOOP").length, timers[0]?.refreshed]).toEqual([1, 2]);
    await remote.close();
  });
});

test.each(["421 Timeout", "226 what?", "rubbish"])(
  "%j while nothing is asked for closes the session",
  async (words) => {
    let session: FtpSession | undefined;
    const PWD = (_: string, current: FtpSession) => {
      session = current;
      return current.usual();
    };
    await withServer({ PWD }, async (server) => {
      const remote = await opening(server, plain).open();
      session?.write(`${words}\r\n`);
      await expect.poll(() => remote.alive).toBe(false);
      const error = await remote.list("/").catch((failure) => failure);
      expect([error.code, error.causeText.includes(words)]).toEqual(["FERRY_CONNECTION_LOST", true]);
    });
  },
);

test("closing says QUIT, and waits for no answer longer than two seconds", async () => {
  await withServer({ QUIT: hang }, async (server) => {
    const remote = await opening(server, { ...plain, timeout: "20s" }).open();
    const started = performance.now();
    await remote.close();
    expect([server.commands.at(-1), performance.now() - started < 2_600]).toEqual(["QUIT", true]);
  });
});
