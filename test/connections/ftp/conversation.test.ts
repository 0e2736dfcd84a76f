import { expect, test } from "vitest";
import type { FtpScript } from "../../support/scripted-ftp.js";
import { bufferSink, source } from "../session-contract/material.js";
import { codeOf } from "../session-contract/workshop.js";
import { opening, plain } from "./opening.js";
import { withServer } from "./with-server.js";

test("a refused login is told as it happened, without the password", async () => {
  await withServer({ PASS: "530 no" }, async (server) => {
    const told = opening(server, plain);
    const error = await told.open().catch((failure) => failure);
    expect([error.code, error.causeText]).toEqual(["FERRY_LOGIN_REFUSED", "530 no"]);
    expect(told.lines.map((line) => line.replace(/\d+ ms$/, "N ms"))).toEqual([
      `* connected to 127.0.0.1:${server.port} in N ms`,
      "< 220 ready",
      "> USER anna",
      "< 331 password please",
      "> PASS ********",
      "< 530 no",
    ]);
  });
});

test("a server that repeats the password does not get it into the error", async () => {
  await withServer({ PASS: (given) => `530 "${given}" is wrong` }, async (server) => {
    const error = await opening(server, plain)
      .open()
      .catch((failure) => failure);
    expect(error.causeText).toBe('530 "********" is wrong');
  });
});

test.each([
  ["530 Login incorrect", "FERRY_LOGIN_REFUSED"],
  ["430 Invalid username or password", "FERRY_LOGIN_REFUSED"],
  ["430 temporarily not possible", "FERRY_SERVER_BUSY"],
  ["530 Sorry, the maximum number of clients (5) for this user are already connected", "FERRY_TOO_MANY_CONNECTIONS"],
  ["421 Too many connections", "FERRY_TOO_MANY_CONNECTIONS"],
  ["421 Service not available", "FERRY_SERVER_BUSY"],
  ["550 SSL/TLS required on the control channel", "FERRY_SERVER_REFUSED"],
  ["314 what?", "FERRY_PROTOCOL"],
])("PASS answered by %j is %s", async (answer, code) => {
  await withServer({ PASS: answer }, async (server) => {
    expect(await codeOf(opening(server, plain).open())).toBe(code);
  });
});

test.each([
  ["SSH-2.0-OpenSSH_9.2", /SSH server/],
  ["HTTP/1.1 400 Bad Request", /web server/],
  ["* OK IMAP4rev1", /mail server/],
  ["hello", /not an FTP reply/],
])("the greeting %j is told for what it is, and gets no login", async (greeting, message) => {
  await withServer({ greeting }, async (server) => {
    const error = await opening(server, plain)
      .open()
      .catch((failure) => failure);
    expect([error.code, server.commands]).toEqual(["FERRY_PROTOCOL", []]);
    expect(error.message).toMatch(message);
  });
});

test("the account is sent when the server asks for it, and masked", async () => {
  await withServer({ PASS: "332 account please" }, async (server) => {
    const told = opening(server, { ...plain, account: "blue" });
    await (await told.open()).close();
    expect([server.commands.slice(0, 3), told.lines.includes("> ACCT ********")]).toEqual([
      ["USER anna", "PASS pear tree", "ACCT blue"],
      true,
    ]);
    expect(await codeOf(opening(server, plain).open())).toBe("FERRY_LOGIN_REFUSED");
  });
});

test("anonymous, avoided commands and raw commands after the login", async () => {
  const script = { SITE: (given: string) => (given === "A" ? "200 yes" : "500 no") } as const;
  await withServer(script, async (server) => {
    const written = { ...plain, anonymous: true, avoid: ["FEAT", "EPSV"], afterLogin: ["SITE A", "*SITE B"] };
    const remote = await opening(server, written).open();
    await remote.upload(source(Buffer.from("x")), "f");
    expect(server.commands).toEqual([
      ...["USER anonymous", "PASS ferry@", "SITE A", "SITE B", "TYPE I", "PWD", "PASV", "STOR /f"],
    ]);
    await remote.close();
    const strict = opening(server, { ...plain, afterLogin: ["SITE PSWD old12 new12"] });
    // Not what follows: it may be a password.
    await expect(strict.open()).rejects.toMatchObject({
      code: "FERRY_SERVER_REFUSED",
      message: expect.stringMatching(/^afterLogin: SITE: /),
    });
  });
});

test("a conversation that comes byte by byte has the same outcome", async () => {
  const talk = async (bytewise: boolean): Promise<unknown> =>
    withServer({ bytewise, files: { "/a/b.txt": "content" } }, async (server) => {
      const told = opening(server, { ...plain, directory: "/a" });
      const remote = await told.open();
      const sink = bufferSink();
      const found = [await remote.size("b.txt"), await remote.stat("b.txt"), await remote.list(".")];
      await remote.download("b.txt", sink);
      await remote.upload(source(Buffer.from("new")), "c.txt");
      const replies = [await remote.rename("c.txt", "d.txt"), await remote.remove("d.txt")];
      await remote.close();
      // Where the note of the data channel stands depends on how TCP delivers.
      const fixed = told.lines
        .filter((line) => !line.startsWith("* data channel"))
        .map((line) => line.replace(/\d+ ms|\d+\.\d+ s|\d{4,5}(?=\b)/g, "N"));
      return [found, replies, sink.bytes().toString(), fixed];
    });
  expect(await talk(true)).toEqual(await talk(false));
});

test("a second 226 ends the session before its next command can take it for an answer", async () => {
  const twice = {
    STOR: async (_: string, session: { usual(): Promise<unknown> }) => [await session.usual(), "226 again"].flat(),
  };
  await withServer(twice as never, async (server) => {
    const remote = await opening(server, plain).open();
    await remote.upload(source(Buffer.from("x")), "f");
    const outcome = await codeOf(remote.remove("f"));
    expect([outcome, remote.alive, server.files.has("/f")]).toEqual(["FERRY_CONNECTION_LOST", false, true]);
  });
});

test("a stray reply that arrives late is not taken for success, either", async () => {
  const late = { DELE: ["226 Transfer complete", "550 no"] } as const;
  await withServer({ ...late, files: { "/f": "x" } }, async (server) => {
    const remote = await opening(server, plain).open();
    expect([await codeOf(remote.remove("f")), remote.alive]).toEqual(["FERRY_PROTOCOL", false]);
  });
});

test.each([
  ["TYPE", "314 no"],
  ["TYPE", "150 no"],
  ["PWD", "314 no"],
  ["CWD", "150 no"],
  ["FEAT", "314 no"],
  ["USER", "633 no"],
])("%s answered by %j is never success", async (verb, answer) => {
  await withServer({ [verb]: answer, folders: ["/in"] }, async (server) => {
    expect(await codeOf(opening(server, { ...plain, directory: "/in" }).open())).toBe("FERRY_PROTOCOL");
    expect(server.files.size).toBe(0);
  });
});

test.each([
  ["DELE", "350 hm"],
  ["RNFR", "250 hm"],
  ["RNTO", "350 hm"],
  ["EPSV", "200 hm"],
  ["RETR", "350 hm"],
])("%s answered by %j ends the session", async (verb, answer) => {
  await withServer({ [verb]: answer, files: { "/f": "x" } } as FtpScript, async (server) => {
    const remote = await opening(server, plain).open();
    const acts = {
      DELE: () => remote.remove("f"),
      RNFR: () => remote.rename("f", "g"),
      RNTO: () => remote.rename("f", "g"),
    };
    const act = verb in acts ? acts[verb as keyof typeof acts] : () => remote.download("f", bufferSink());
    expect([await codeOf(act()), remote.alive]).toEqual(["FERRY_PROTOCOL", false]);
  });
});

test.each([
  ["213 123", { bytes: 123, by: "size" }],
  ["213 12abc", { bytes: 7, by: "size" }],
  ["213 -5", { bytes: 7, by: "size" }],
  ["213 1e20", { bytes: 7, by: "size" }],
  ["213 99999999999999999999", { bytes: 7, by: "size" }],
  ["213 file: 213, Size =51", { bytes: 7, by: "size" }],
  ["502 no", { bytes: 7, by: "size" }],
])("SIZE answered by %j: another way is asked unless it is a number", async (answer, expected) => {
  await withServer({ SIZE: answer, files: { "/f": "content" } }, async (server) => {
    const remote = await opening(server, plain).open();
    expect(await remote.size("f")).toEqual(expected);
    await remote.close();
  });
});

test("without SIZE and MLST the listing of the file counts for its size", async () => {
  await withServer(
    { SIZE: "502 no", FEAT: "502 no", files: { "/f": "content" }, folders: ["/folder"] },
    async (server) => {
      const remote = await opening(server, plain).open();
      expect(await remote.size("f")).toEqual({ bytes: 7, by: "size-list" });
      expect(await remote.stat("g")).toBe(undefined);
      expect((await remote.stat("folder"))?.type).toBe("directory");
      await remote.close();
    },
  );
});

test("SIZE that says `no such file` of a folder does not make it absent", async () => {
  await withServer({ FEAT: "502 no", files: { "/f": "content" }, folders: ["/folder"] }, async (server) => {
    const remote = await opening(server, plain).open();
    const found = [await remote.stat("folder"), await remote.stat("f"), await remote.stat("g")];
    expect(found.map((entry) => entry?.type)).toEqual(["directory", "file", undefined]);
    await remote.close();
  });
});

test("a NUL, an endless line and an endless reply end the session", async () => {
  const replies = [
    "200 a\0b",
    `200 ${"x".repeat(70_000)}`,
    ["200-begin", ...Array(5_000).fill(`200-${"x".repeat(60)}`)],
  ];
  const codes: string[] = [];
  for (const TYPE of replies) {
    await withServer({ TYPE }, async (server) => void codes.push(await codeOf(opening(server, plain).open())));
  }
  expect(codes).toEqual(["FERRY_PROTOCOL", "FERRY_LIMIT", "FERRY_LIMIT"]);
});

test("FEAT that announces MLSD and has none: LIST, and the note says so", async () => {
  await withServer({ MLSD: "500 no", files: { "/f": "content" } }, async (server) => {
    const remote = await opening(server, plain).open();
    expect((await remote.list("/")).map(({ name, size }) => [name, size])).toEqual([["f", 7]]);
    await remote.close();
  });
});

test("450 No files found is an empty folder", async () => {
  await withServer({ LIST: "450 No files found", FEAT: "502 no" }, async (server) => {
    const remote = await opening(server, plain).open();
    expect(await remote.list("/")).toEqual([]);
    await remote.close();
  });
});

test("a listing with a line that cannot be read is an error", async () => {
  const MLSD = async (_: string, session: { send(bytes: Buffer): Promise<boolean> }) => {
    await session.send(Buffer.from("type=file;size=1; good\r\nrubbish\r\n"));
    return "226 done";
  };
  await withServer({ MLSD } as never, async (server) => {
    const remote = await opening(server, plain).open();
    const error = await remote.list("/").catch((failure) => failure);
    expect([error.code, error.causeText]).toEqual(["FERRY_LISTING_UNREADABLE", "rubbish"]);
    await remote.close();
  });
});

test("a server that does not overwrite keeps the old file until the new one is there", async () => {
  await withServer({ files: { "/new": "new", "/target": "old" } }, async (server) => {
    const remote = await opening(server, plain).open();
    await remote.rename("new", "target", { replace: true });
    expect(server.files.get("/target")?.toString()).toBe("new");
    await remote.close();
  });
  const noOverwrite = async (
    name: string,
    session: { tree: { entry(path: string): unknown }; usual(): Promise<unknown> },
  ) => (session.tree.entry(name) ? "553 File exists" : session.usual());
  await withServer({ RNTO: noOverwrite as never, files: { "/new": "new", "/target": "old" } }, async (server) => {
    const remote = await opening(server, plain).open();
    await remote.rename("new", "target", { replace: true });
    await remote.close();
    expect([...server.files].map(([name, bytes]) => [name, bytes.toString()])).toEqual([["/target", "new"]]);
    expect(
      server.commands.filter((line) => /^(RN|DELE)/.test(line)).map((line) => line.replace(/\.[0-9a-f]{6}\./, ".ID.")),
    ).toEqual([
      ...["RNFR /new", "RNTO /target", "RNFR /target", "RNTO /.target.ID.old", "RNFR /new", "RNTO /target"],
      "DELE /.target.ID.old",
    ]);
  });
});

test("only control characters are refused in names; the gate is shut before the wire", async () => {
  await withServer({}, async (server) => {
    const remote = await opening(server, plain).open();
    const before = server.commands.length;
    expect(await codeOf(remote.rename("a", "b\r\nDELE c"))).toBe("FERRY_NAME_REFUSED");
    expect(server.commands.length).toBe(before);
    await remote.close();
  });
});
