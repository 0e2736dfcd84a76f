import { writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import SftpClient from "ssh2-sftp-client";
import { afterEach, expect, test } from "vitest";
import { startRelay } from "./relay.js";
import { newHostKey, type ScriptedSftp, type SftpScript, scriptedSftp, sftpStatus } from "./scripted-sftp.js";

const closing: (() => unknown)[] = [];
afterEach(async () => {
  await Promise.all(closing.splice(0).map((close) => close()));
});

async function serve(script: SftpScript): Promise<ScriptedSftp> {
  const server = await scriptedSftp(script);
  closing.push(() => server.close());
  return server;
}

async function login(server: ScriptedSftp, port = server.port): Promise<SftpClient> {
  const client = new SftpClient("test", { error: () => {}, end: () => {}, close: () => {} });
  closing.push(() => client.end().catch(() => {}));
  await client.connect({ host: server.host, port, username: server.user, password: server.password });
  return client;
}

test("a well-behaved server stores, lists, renames and removes", async () => {
  const server = await serve({ folders: ["/in"], posixRename: true });
  const client = await login(server);
  const big = Buffer.alloc(300_000, "ferry ");
  await client.put(big, "/in/a.tmp");
  expect(server.files.get("/in/a.tmp")?.equals(big)).toBe(true);
  await client.put(Buffer.from("old"), "/in/a.csv");
  await expect(client.rename("/in/a.tmp", "/in/a.csv")).rejects.toThrow();
  await client.posixRename("/in/a.tmp", "/in/a.csv");
  expect((await client.list("/in")).map(({ name, size, type }) => [name, size, type])).toEqual([
    ["a.csv", 300_000, "-"],
  ]);
  expect(((await client.get("/in/a.csv")) as Buffer).equals(big)).toBe(true);
  await client.delete("/in/a.csv");
  expect(await client.exists("/in/a.csv")).toBe(false);
  expect(server.requests).toContain("POSIX-RENAME /in/a.tmp /in/a.csv");
  expect(server.events.map(({ kind, path, size }) => `${kind} ${path} ${size}`)).toEqual([
    "appeared /in/a.tmp 0",
    "changed /in/a.tmp 300000",
    "appeared /in/a.csv 0",
    "changed /in/a.csv 3",
    "changed /in/a.csv 300000",
    "removed /in/a.tmp 300000",
    "removed /in/a.csv 300000",
  ]);
});

test("hooks refuse, lose a reply, and reset", async () => {
  const server = await serve({
    files: { "/a": "x" },
    RENAME: ({ occurrence }) => (occurrence === 1 ? sftpStatus.PERMISSION_DENIED : "do-and-cut"),
  });
  const client = await login(server);
  await expect(client.rename("/a", "/b")).rejects.toThrow("Permission denied");
  await expect(client.rename("/a", "/b")).rejects.toThrow();
  expect([...server.files.keys()]).toEqual(["/b"]);
  const second = await login(server);
  const never = second.rename("/b", "/c").catch(() => "lost");
  await server.waitFor("RENAME", 3);
  expect(await never).toBe("lost");
});

test("a hung request blocks what follows", async () => {
  const server = await serve({ files: { "/a": "x" }, STAT: "hang" });
  const client = await login(server);
  const never = client.stat("/a").catch(() => "lost");
  await server.waitFor("STAT");
  server.disconnect("rst");
  expect(await never).toBe("lost");
});

test("login is by the right password or key only, and the host key is the one that was asked for", async () => {
  const [hostKey, clientKey] = [newHostKey("rsa"), newHostKey()];
  const server = await serve({ hostKey, methods: ["password", "publickey", "keyboard-interactive"], clientKey });
  const connect = (options: SftpClient.ConnectOptions) => {
    const client = new SftpClient("test", { error: () => {}, end: () => {}, close: () => {} });
    closing.push(() => client.end().catch(() => {}));
    return client.connect({ host: server.host, port: server.port, username: server.user, ...options });
  };
  let seen = "";
  const hostVerifier = (digest: string) => {
    seen = `SHA256:${Buffer.from(digest, "hex").toString("base64").replace(/=+$/, "")}`;
    return true;
  };
  await connect({ privateKey: clientKey, hostHash: "sha256", hostVerifier });
  expect(seen).toBe(server.fingerprint);
  await expect(connect({ privateKey: newHostKey() })).rejects.toThrow("authentication");
  await expect(connect({ password: "wrong" })).rejects.toThrow("authentication");
  expect(server.sessions).toBe(1);
});

test("an upload through a relay that cuts leaves a part", async () => {
  const server = await serve({});
  const relay = await startRelay(server, { interfere: { up: { after: 100_000, ending: "rst" } } });
  closing.push(() => relay.close());
  const folder = await mkdtemp(join(tmpdir(), "ferry-test-"));
  closing.push(() => rm(folder, { recursive: true }));
  writeFileSync(join(folder, "big"), Buffer.alloc(500_000));
  const client = await login(server, relay.port);
  await expect(client.put(join(folder, "big"), "/big")).rejects.toThrow();
  expect(server.files.get("/big")?.length).toBeGreaterThan(0);
  expect(server.files.get("/big")?.length).toBeLessThan(100_000);
});
