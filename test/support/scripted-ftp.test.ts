import { execFile } from "node:child_process";
import { PassThrough, Readable } from "node:stream";
import { promisify } from "node:util";
import { Client, FTPError } from "basic-ftp";
import { afterEach, describe, expect, test } from "vitest";
import { startRelay } from "./relay.js";
import { type FtpScript, type ScriptedFtp, scriptedFtp } from "./scripted-ftp.js";
import { serverCertificate, testAuthority } from "./servers/certificates.js";

const closing: (() => unknown)[] = [];
afterEach(async () => {
  await Promise.all(closing.splice(0).map((close) => close()));
});

async function serve(script: FtpScript): Promise<ScriptedFtp> {
  const server = await scriptedFtp(script);
  closing.push(() => server.close());
  return server;
}

async function login(server: { host: string; port: number }, secure: boolean | "implicit" = false): Promise<Client> {
  const client = new Client(5_000);
  closing.push(() => client.close());
  const secureOptions = { ca: testAuthority().ca, servername: "localhost" };
  await client.access({
    ...{ host: server.host, port: server.port, user: "anna", password: "pear tree" },
    secure,
    secureOptions,
  });
  return client;
}

const content = (text: string) => Readable.from([Buffer.from(text)]);

async function download(client: Client, name: string, from = 0): Promise<string> {
  const sink = new PassThrough();
  const text = sink.toArray().then((chunks) => Buffer.concat(chunks).toString());
  await client.downloadTo(sink, name, from);
  return text;
}

test("a scripted reply is given and everything is written down", async () => {
  const server = await serve({ OPTS: "502 not here", PASS: "530 no" });
  await expect(login(server)).rejects.toThrow("530 no");
  const start = ["< 220 ready", "> OPTS UTF8 ON", "< 502 not here"];
  expect(server.wire[0]).toEqual([...start, "> USER anna", "< 331 password please", "> PASS pear tree", "< 530 no"]);
  expect(server.commands).toEqual(["OPTS UTF8 ON", "USER anna", "PASS pear tree"]);
});

describe.each([["none"], ["explicit"], ["implicit"]] as const)("a well-behaved server with TLS %s", (mode) => {
  const { cert, key } = serverCertificate();
  const tls = mode === "none" ? {} : { tls: { mode, cert, key, requireReuse: true } };
  const secure = mode === "implicit" ? "implicit" : mode === "explicit";

  test("stores, lists, resumes, renames and removes", async () => {
    const server = await serve({ ...tls, folders: ["/in"] });
    const client = await login(server, secure);
    await client.cd("/in");
    await client.uploadFrom(content("a,b\n"), "orders.tmp");
    await client.appendFrom(content("1,2\n"), "orders.tmp");
    await client.send("MFMT 20260203040506 orders.tmp");
    await client.rename("orders.tmp", "orders.csv");
    const [entry] = await client.list();
    expect(entry).toMatchObject({ name: "orders.csv", size: 8, modifiedAt: new Date("2026-02-03T04:05:06Z") });
    expect(await download(client, "orders.csv", 4)).toBe("1,2\n");
    await client.remove("orders.csv");
    expect(server.events.map(({ kind, path, size }) => `${kind} ${path} ${size}`)).toEqual([
      "appeared /in/orders.tmp 0",
      "changed /in/orders.tmp 4",
      "changed /in/orders.tmp 4",
      "changed /in/orders.tmp 8",
      "appeared /in/orders.csv 8",
      "removed /in/orders.tmp 8",
      "removed /in/orders.csv 8",
    ]);
    expect(server.wire[0]).not.toContain("< 502 not here");
  });
});

test("active mode reaches the client's port", async () => {
  const server = await serve({ files: { "/a": "hello" } });
  expect(await curl(server, "--ftp-port", "127.0.0.1")).toBe("hello");
  expect(server.commands.some((line) => line.startsWith("EPRT "))).toBe(true);
});

test("TLS without session reuse is refused where reuse is required", async () => {
  const { cert, key } = serverCertificate();
  const server = await serve({ tls: { cert, key, requireReuse: true, maxVersion: "TLSv1.2" } });
  const client = await login(server, true);
  client.ftp.tlsOptions = { ...client.ftp.tlsOptions, session: undefined };
  Object.defineProperty(client.ftp.socket, "getSession", { value: () => undefined });
  await expect(client.uploadFrom(content("x"), "x")).rejects.toThrow();
  await server.waitFor("STOR");
  expect(server.wire[0]?.some((line) => line.startsWith("< 522") || line.startsWith("< 425"))).toBe(true);
});

test("a cut leaves the part that arrived, and the next session is not cut", async () => {
  const server = await serve({ cut: { afterBytes: 3, how: "rst" } });
  await expect((await login(server)).uploadFrom(content("abcdef"), "a")).rejects.toThrow();
  expect(server.files.get("/a")?.toString()).toBe("abc");
  await (await login(server)).uploadFrom(content("abcdef"), "a");
  expect(server.files.get("/a")?.toString()).toBe("abcdef");
  expect(server.sessions).toBe(2);
});

test.each([
  ["fin", "Server sent FIN packet unexpectedly, closing connection."],
  ["rst", "read ECONNRESET (control socket)"],
] as const)("a cut under TLS is a %s on the wire", async (how, told) => {
  const { cert, key } = serverCertificate();
  const server = await serve({
    tls: { cert, key },
    NOOP: (_, session) => {
      how === "fin" ? session.close() : session.reset();
      return undefined;
    },
  });
  await expect((await login(server, true)).send("NOOP")).rejects.toThrow(told);
});

test.each([
  ["fin", "closed with 3 bytes remaining"],
  ["rst", "reset by peer"],
] as const)("a cut of a protected data connection is a %s", async (how, told) => {
  const { cert, key } = serverCertificate();
  const server = await serve({
    tls: { cert, key },
    files: { "/a": "abcdef" },
    cut: { afterBytes: 3, how, what: "data" },
  });
  await expect(curl(server, "--ssl-reqd", "--cacert", testAuthority().caFile)).rejects.toThrow(told);
  expect(await curl(server, "--ssl-reqd", "--cacert", testAuthority().caFile)).toBe("abcdef");
});

test("a cut of the data connection alone shortens a download", async () => {
  const server = await serve({
    files: { "/a": "abcdef" },
    cut: { afterBytes: 3, how: "fin", what: "data" },
    RETR: async (_, session) => ((await session.usual()) ? "226 sent" : undefined),
  });
  expect(await download(await login(server), "a")).toBe("abc");
});

test("an answer can do its work and then lose the reply, or hang", async () => {
  const server = await serve({
    files: { "/a": "x" },
    RNTO: async (_, session) => {
      await session.usual();
      session.reset();
      return undefined;
    },
    stallAt: "NOOP",
  });
  const client = await login(server);
  await expect(client.rename("a", "b")).rejects.toThrow();
  expect([...server.files.keys()]).toEqual(["/b"]);
  const second = await login(server);
  const never = second.send("NOOP").catch((error: Error) => error.message);
  await server.waitFor("NOOP");
  server.disconnect("fin");
  expect(await never).toContain("FIN");
});

/** basic-ftp loses a one-line reply that comes in more than one packet; curl does not. */
async function curl(server: { port: number }, ...options: readonly string[]): Promise<string> {
  const url = `ftp://anna:pear@127.0.0.1:${server.port}/a`;
  return (await promisify(execFile)("curl", ["-sS", "--max-time", "10", ...options, url])).stdout;
}

test("replies come byte by byte", async () => {
  const server = await serve({ bytewise: true, files: { "/a": "hello" } });
  expect(await curl(server)).toBe("hello");
  expect(server.wire[0]?.slice(0, 2)).toEqual(["< 220 ready", "> USER anna"]);
});

test("a partner takes files at once, and a server is silent", async () => {
  const server = await serve({ takenAtOnce: true, files: { "/a": "x" } });
  const client = await login(server);
  await client.rename("a", "b");
  await expect(client.size("b")).rejects.toBeInstanceOf(FTPError);
  expect(server.events.at(-1)).toMatchObject({ kind: "removed", path: "/b" });
  const silent = await serve({ greeting: null });
  const waiting = login(silent).catch((error: Error) => error.message);
  await expect.poll(() => silent.sessions).toBe(1);
  silent.disconnect("rst");
  expect(await waiting).toBeDefined();
});

test("the relay re-segments, cuts and stalls", async () => {
  const server = await serve({ files: { "/a": "hello" } });
  const relay = await startRelay(server, { interfere: { down: { pieces: 1 }, up: { pieces: 1 } } });
  closing.push(() => relay.close());
  expect(await curl(relay)).toBe("hello");
  relay.interfere({ down: { after: 10 } });
  await expect(login(relay)).rejects.toThrow();
  expect(relay.connections[1]?.passed.down).toBe(10);
  relay.interfere(undefined);
  const client = await login(relay);
  relay.connections[2]?.stall();
  const asked = client.send("NOOP").catch((error: Error) => error.message);
  relay.connections[2]?.cut("rst");
  expect(await asked).toContain("ECONNRESET");
  expect(server.commands).not.toContain("NOOP");
});
