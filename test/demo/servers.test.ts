import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { mkdir, mkdtemp, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { connect as connectTcp, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough, Readable, Writable } from "node:stream";
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from "node:tls";
import { Client } from "basic-ftp";
import SftpClient from "ssh2-sftp-client";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { makeCertificate, makeHostKey } from "../../src/demo/servers/certificate.js";
import { type DemoServer, startFtps } from "../../src/demo/servers/ftps.js";
import { type SftpServer, startSftp } from "../../src/demo/servers/sftp.js";

const login = { user: "ferry", password: "pear tree" };
const certificate = makeCertificate({
  from: new Date("2024-01-01T00:00:00Z"),
  until: new Date("2051-01-01T00:00:00Z"),
});
const sizes = [0, 1, 1024 * 1024, 5 * 1024 * 1024];

let base: string;
let root: string;
let log: string[] = [];
let ftps: DemoServer;
let sftp: SftpServer;

beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), "ferry-demo-"));
  root = join(base, "root");
  await mkdir(root);
  await writeFile(join(base, "outside.txt"), "not yours");
  await symlink(join(base, "outside.txt"), join(root, "leak.txt"));
  await symlink(base, join(root, "leak"));
  await symlink(join(base, "unborn.txt"), join(root, "dangling.txt"));
  ftps = await startFtps({ root, ...login, certificate, requireResumption: true, log: (line) => log.push(line) });
  sftp = await startSftp({ root, ...login, hostKey: makeHostKey(), log: (line) => log.push(line) });
});

afterAll(async () => {
  await Promise.all([ftps.close(), sftp.close()]);
  await rm(base, { recursive: true, force: true });
});

describe("the certificate", () => {
  test("is valid for localhost and 127.0.0.1, between its two moments, and signed with its own key", () => {
    const read = new X509Certificate(certificate.cert);
    expect({
      names: [read.checkHost("localhost"), read.checkIP("127.0.0.1"), read.checkHost("example.com")],
      dates: [read.validFrom, read.validTo],
      signed: read.verify(read.publicKey),
      authority: read.ca,
      fingerprint: certificate.fingerprint,
    }).toEqual({
      names: ["localhost", "127.0.0.1", undefined],
      dates: ["Jan  1 00:00:00 2024 GMT", "Jan  1 00:00:00 2051 GMT"],
      signed: true,
      authority: false,
      fingerprint: `sha256:${read.fingerprint256.replaceAll(":", "").toLowerCase()}`,
    });
  });
});

describe.each(["TLSv1.2", "TLSv1.3"] as const)("the FTPS server over %s", (version) => {
  const secureOptions = { ca: certificate.cert, host: "127.0.0.1", minVersion: version, maxVersion: version } as const;

  async function withClient<T>(work: (client: Client) => Promise<T>): Promise<T> {
    const client = new Client(10_000);
    try {
      await client.access({ host: "127.0.0.1", port: ftps.port, ...login, secure: true, secureOptions });
      return await work(client);
    } finally {
      client.close();
    }
  }

  test.each(sizes)("takes and gives a file of %i bytes unchanged, and lists it", async (size) => {
    const content = sample(size);
    log = [];
    const seen = await withClient(async (client) => {
      await client.uploadFrom(Readable.from([content]), "new.part");
      await client.rename("new.part", "new.bin");
      const [entry] = (await client.list()).filter((file) => file.name === "new.bin");
      const back = await download(client, "new.bin");
      return { same: back.equals(content), listed: entry?.size, size: await client.size("new.bin") };
    });
    expect(seen).toEqual({ same: true, listed: size, size });
    expect((await readFile(join(root, "new.bin"))).equals(content)).toBe(true);
    const handshakes = log.filter((line) => line.includes("* data connection"));
    expect(handshakes).toEqual(Array(3).fill(expect.stringContaining(`data connection: ${version}, session resumed`)));
  });

  test("takes and gives twenty empty files in a row", async () => {
    const lengths = await withClient(async (client) => {
      const found: number[] = [];
      for (let count = 0; count < 20; count++) {
        await client.uploadFrom(Readable.from([]), `empty-${count}`);
        found.push((await download(client, `empty-${count}`)).length);
        await client.remove(`empty-${count}`);
      }
      return found;
    });
    expect(lengths).toEqual(Array(20).fill(0));
  });

  test("continues downloads and uploads, appends, sets times and keeps directories", async () => {
    const seen = await withClient(async (client) => {
      await client.ensureDir("/in/deep");
      await client.uploadFrom(Readable.from([Buffer.from("hello ")]), "a b.txt");
      await client.appendFrom(Readable.from([Buffer.from("world")]), "a b.txt");
      await client.send("MFMT 20260102030405 a b.txt");
      const time = (await client.lastMod("a b.txt")).toISOString();
      const rest = (await download(client, "a b.txt", 6)).toString();
      const facts = (await client.send("MLST a b.txt")).message.split("\n")[1];
      const full = await client.removeEmptyDir("/in/deep").catch((error: Error) => error.message);
      await client.removeDir("/in");
      return { time, rest, facts, full, left: (await client.list("/")).some((file) => file.name === "in") };
    });
    expect(seen).toEqual({
      time: "2026-01-02T03:04:05.000Z",
      rest: "world",
      facts: " type=file;size=11;modify=20260102030405;UNIX.mode=0644; /in/deep/a b.txt",
      full: "550 directory not empty",
      left: false,
    });
  });

  test("refuses a data connection that does not resume the session of its control connection", async () => {
    const [one, other] = await Promise.all([rawSession(secureOptions), rawSession(secureOptions)]);
    const replies = [
      await one.list({ ...secureOptions }),
      await one.list({ ...secureOptions, session: other.session() }),
      await one.list({ ...secureOptions, session: one.session() }),
    ];
    one.end();
    other.end();
    expect(replies.map((reply) => reply.at(-1)?.slice(0, 3))).toEqual(["522", "522", "226"]);
  });

  test("serves a client that starts TLS on the data connection only after the 150", async () => {
    const client = await rawSession(secureOptions);
    const replies = await client.list({ ...secureOptions, session: client.session() }, "late");
    client.end();
    expect(replies.map((reply) => reply.slice(0, 3))).toEqual(["150", "226"]);
  });

  test("cuts a transfer off on ABOR and goes on", async () => {
    await writeFile(join(root, "large.bin"), Buffer.alloc(64 * 1024 * 1024));
    const client = await rawSession(secureOptions);
    const port = await client.passive();
    const data = connectTls({ port, ...secureOptions, session: client.session() });
    data.on("error", () => {});
    await once(data, "secureConnect");
    const replies = [
      await client.say("RETR large.bin"),
      await client.say("ABOR"),
      await client.next(),
      await client.say("NOOP"),
    ];
    client.end();
    data.destroy();
    expect(replies.map((reply) => reply.slice(0, 3))).toEqual(["150", "426", "226", "200"]);
  });

  test("lets no path out of its folder", async () => {
    const refused = await withClient(async (client) => {
      const attempts = [
        () => download(client, "../outside.txt"),
        () => download(client, "/../outside.txt"),
        () => download(client, "leak.txt"),
        () => download(client, "leak/outside.txt"),
        () => client.cd("leak"),
        () => client.list("leak"),
        () => client.uploadFrom(Readable.from(["x"]), "dangling.txt"),
        () => client.uploadFrom(Readable.from(["x"]), "leak/unborn.txt"),
        () => client.rename("new.bin", "../unborn.txt"),
        () => client.rename("new.bin", "leak/unborn.txt"),
        () => client.send("MKD ../unborn.txt"),
        () => client.send("DELE leak/outside.txt"),
      ];
      const codes: unknown[] = [];
      for (const attempt of attempts) codes.push(await attempt().catch((error: { code: unknown }) => error.code));
      return codes;
    });
    expect(refused).toEqual(Array(12).fill(550));
    expect(await readFile(join(base, "outside.txt"), "utf8")).toBe("not yours");
    await expect(stat(join(base, "unborn.txt"))).rejects.toThrow("ENOENT");
  });
});

describe("the FTPS server's door", () => {
  test("refuses a login in clear and what comes in clear behind AUTH", async () => {
    const socket = connectTcp(ftps.port, "127.0.0.1");
    const lines = replyReader(socket);
    await lines.next();
    socket.write("USER ferry\r\n");
    const refused = await lines.next();
    socket.write("AUTH TLS\r\nUSER ferry\r\n");
    await once(socket, "close");
    expect(refused.slice(0, 3)).toBe("530");
  });

  test("refuses a wrong password, and tells nobody which", async () => {
    log = [];
    const client = new Client(10_000);
    const secureOptions = { ca: certificate.cert, host: "127.0.0.1" };
    const attempt = client.access({
      host: "127.0.0.1",
      port: ftps.port,
      user: "ferry",
      password: "plum tree",
      secure: true,
      secureOptions,
    });
    await expect(attempt).rejects.toThrow("530");
    client.close();
    expect(log.join("\n")).toContain("< PASS ********");
    expect(log.join("\n")).not.toContain("plum");
  });
});

describe("the SFTP server", () => {
  async function withClient<T>(work: (client: SftpClient) => Promise<T>): Promise<T> {
    const client = new SftpClient();
    try {
      await client.connect({
        host: "127.0.0.1",
        port: sftp.port,
        username: login.user,
        password: login.password,
        hostHash: "sha256",
        hostVerifier: (hash: string) => hash === Buffer.from(sftp.fingerprint.slice(7), "base64").toString("hex"),
      });
      // The library leaves Nagle's algorithm on, which makes `put` a hundred times slower; its types do not know `client`.
      (client as unknown as { client: { setNoDelay(on: boolean): void } }).client.setNoDelay(true);
      return await work(client);
    } finally {
      await client.end();
    }
  }

  test.each(sizes)("takes and gives a file of %i bytes unchanged, and lists it", async (size) => {
    const content = sample(size);
    const seen = await withClient(async (client) => {
      await client.put(content, "/sftp.part");
      await client.posixRename("/sftp.part", "/sftp.bin");
      const [entry] = await client.list("/", (file) => file.name === "sftp.bin");
      // An empty file comes as an empty array.
      const back = Buffer.from((await client.get("/sftp.bin")) as Buffer);
      return { same: back.equals(content), listed: entry?.size, size: (await client.stat("/sftp.bin")).size };
    });
    expect(seen).toEqual({ same: true, listed: size, size });
    expect((await readFile(join(root, "sftp.bin"))).equals(content)).toBe(true);
  });

  test("keeps the order of many requests in flight", async () => {
    const content = sample(5 * 1024 * 1024);
    const local = join(base, "fast.bin");
    await writeFile(local, content);
    await withClient(async (client) => {
      await client.fastPut(local, "/fast.bin");
      await client.fastGet("/fast.bin", `${local}.back`);
    });
    expect((await readFile(`${local}.back`)).equals(content)).toBe(true);
  });

  test("renames only to a free name, unless asked with posix-rename", async () => {
    const seen = await withClient(async (client) => {
      await client.put(Buffer.from("old"), "/target");
      await client.put(Buffer.from("new"), "/source");
      const taken = await client.rename("/source", "/target").catch((error: Error) => error.message);
      await client.rename("/source", "/free");
      await client.posixRename("/free", "/target");
      await client.mkdir("/a/b", true);
      await client.rename("/a", "/c");
      const names = (await client.list("/"))
        .map((file) => file.name)
        .filter((name) => /^(source|target|free|a|c)$/.test(name));
      const content = String(await client.get("/target"));
      await client.rmdir("/c", true);
      await client.delete("/target");
      return { taken, names, content, gone: await client.exists("/target") };
    });
    expect(seen).toEqual({
      taken: expect.stringContaining("already exists"),
      names: ["c", "target"],
      content: "new",
      gone: false,
    });
  });

  test("lets no path out of its folder", async () => {
    const refused = await withClient(async (client) => {
      const attempts = [
        () => client.get("/../outside.txt"),
        () => client.get("../outside.txt"),
        () => client.get("/leak.txt"),
        () => client.get("/leak/outside.txt"),
        () => client.list("/leak"),
        () => client.put(Buffer.from("x"), "/dangling.txt"),
        () => client.put(Buffer.from("x"), "/leak/unborn.txt"),
        () => client.rename("/sftp.bin", "/leak/unborn.txt"),
        () => client.posixRename("/sftp.bin", "/../unborn.txt"),
        () => client.delete("/leak/outside.txt"),
      ];
      const outcomes: string[] = [];
      for (const attempt of attempts)
        outcomes.push(
          await attempt().then(
            () => "allowed",
            () => "refused",
          ),
        );
      return outcomes;
    });
    expect(refused).toEqual(Array(10).fill("refused"));
    expect(await readFile(join(base, "outside.txt"), "utf8")).toBe("not yours");
    await expect(stat(join(base, "unborn.txt"))).rejects.toThrow("ENOENT");
  });

  test("refuses a wrong password", async () => {
    const client = new SftpClient();
    const attempt = client.connect({ host: "127.0.0.1", port: sftp.port, username: login.user, password: "plum tree" });
    await expect(attempt).rejects.toThrow(/authentication/i);
    expect(log.join("\n")).not.toContain("plum");
  });
});

test("a server that is closed cuts off its clients", async () => {
  const mine = await startFtps({ root, ...login, certificate, requireResumption: true });
  const socket = connectTcp(mine.port, "127.0.0.1");
  await once(socket, "data");
  const cut = once(socket, "close");
  await Promise.all([mine.close(), cut]);
  expect(socket.destroyed).toBe(true);
});

function sample(size: number): Buffer {
  const pattern = Uint8Array.from({ length: 65_537 }, (_, place) => place * 31 + (place >> 8));
  return Buffer.alloc(size, pattern);
}

async function download(client: Client, path: string, from = 0): Promise<Buffer> {
  const chunks: Buffer[] = [];
  const sink = new Writable({
    write(chunk: Buffer, _encoding, done) {
      chunks.push(chunk);
      done();
    },
  });
  await client.downloadTo(sink, path, from);
  return Buffer.concat(chunks);
}

/** Replies one by one, of sockets that follow each other. */
function replyReader(first: Socket) {
  const lines: string[] = [];
  const arrived = new PassThrough();
  let rest = "";
  const listen = (socket: Socket): void => {
    socket.on("data", (chunk: Buffer) => {
      const parts = (rest + chunk.toString()).split("\r\n");
      rest = parts.pop() ?? "";
      lines.push(...parts);
      arrived.emit("line");
    });
    socket.on("error", () => {});
  };
  listen(first);
  return {
    listen,
    async next(): Promise<string> {
      while (lines.length === 0) await once(arrived, "line");
      return lines.shift() ?? "";
    },
  };
}

/** A logged-in FTP client made of bare sockets, which decides itself what its data connections resume. */
async function rawSession(tls: ConnectionOptions) {
  const raw = connectTcp(ftps.port, "127.0.0.1");
  const replies = replyReader(raw);
  await replies.next();
  raw.write("AUTH TLS\r\n");
  await replies.next();
  raw.removeAllListeners("data");
  const secure: TLSSocket = connectTls({ ...tls, socket: raw });
  let session: Buffer | undefined;
  secure.on("session", (ticket) => {
    session = ticket;
  });
  replies.listen(secure);
  await once(secure, "secureConnect");
  const say = async (line: string): Promise<string> => {
    secure.write(`${line}\r\n`);
    return replies.next();
  };
  for (const line of [`USER ${login.user}`, `PASS ${login.password}`, "PBSZ 0", "PROT P"]) await say(line);
  const passive = async (): Promise<number> => Number(/\|(\d+)\|/.exec(await say("EPSV"))?.[1]);
  return {
    say,
    passive,
    next: replies.next,
    session: () => session,
    end: () => secure.destroy(),
    /** The replies to one MLSD. */
    async list(options: ConnectionOptions, when: "early" | "late" = "early"): Promise<string[]> {
      const plain = connectTcp(await passive(), "127.0.0.1");
      await once(plain, "connect");
      const start = (): void =>
        void connectTls({ ...options, socket: plain })
          .on("error", () => {})
          .resume();
      if (when === "early") start();
      const first = await say("MLSD");
      if (when === "late") start();
      return first.startsWith("150") ? [first, await replies.next()] : [first];
    },
  };
}
