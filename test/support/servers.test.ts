import { execFile, spawn } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { PassThrough, Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { Client } from "basic-ftp";
import SftpClient from "ssh2-sftp-client";
import { afterEach, describe, expect, test } from "vitest";
import { type Flaw, serverCertificate, testAuthority } from "./servers/certificates.js";
import { canMount, smallDisk } from "./servers/disk.js";
import { startOpenssh } from "./servers/openssh.js";
import type { RunningServer } from "./servers/process.js";
import { startProftpd } from "./servers/proftpd.js";
import { startPureFtpd } from "./servers/pure-ftpd.js";
import { requireServer } from "./servers/require-server.js";
import { startVsftpd } from "./servers/vsftpd.js";

const running: RunningServer[] = [];
const keep = <Server extends RunningServer>(server: Server): Server => {
  running.push(server);
  return server;
};
afterEach(async () => {
  await Promise.all(running.splice(0).map((server) => server.stop()));
});

/** ssh2-sftp-client prints events that nobody waits for. */
const quiet = { error: () => {}, end: () => {}, close: () => {} };

/** Logs in, puts a file, lists; leaves the session open for the caller. */
async function visit(
  server: RunningServer,
  secure: boolean | "implicit",
): Promise<{ client: Client; names: string[] }> {
  const client = new Client(10_000);
  const { host, port, user, password } = server;
  await client.access({
    host,
    port,
    user,
    password,
    secure,
    secureOptions: { ca: testAuthority().ca, servername: "localhost" },
  });
  await client.uploadFrom(Readable.from([Buffer.from("a,b\n1,2\n")]), "orders.csv");
  const names = (await client.list()).map((entry) => `${entry.name} ${entry.size}`);
  return { client, names };
}

async function proveFtp(server: RunningServer, secure: boolean | "implicit"): Promise<void> {
  const { client, names } = await visit(server, secure);
  expect(names).toEqual(["orders.csv 8"]);
  expect(readFileSync(join(server.root, "orders.csv"), "utf8")).toBe("a,b\n1,2\n");
  // Stopped with the session open: its process has to go, too.
  await server.stop();
  client.close();
  await expectGone(server);
}

async function expectGone(server: RunningServer): Promise<void> {
  await expect(refused(server.port)).resolves.toBe("ECONNREFUSED");
  expect(processesNaming(server.root.replace(/\/root$/, ""))).toEqual([]);
}

function refused(port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => resolve("connected"));
    socket.once("error", (error: NodeJS.ErrnoException) => resolve(error.code));
  });
}

/** Live processes whose working folder or command line is in the server's folder; a zombie has neither. */
function processesNaming(folder: string): string[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, "utf8");
      } catch {
        return [];
      }
    })
    .filter((line) => line.includes(folder));
}

test("a killed test process leaves no server, not even a child in a session of its own", async () => {
  const guard = fileURLToPath(new URL("servers/guard.mjs", import.meta.url));
  const marker = `3${process.pid}.25`;
  const server = `setsid sleep ${marker} & sleep ${marker} & wait`;
  const guarded = JSON.stringify([guard, "sh", "-c", server]);
  const script = `require("node:child_process").spawn(process.execPath, ${guarded}, { stdio: "pipe" }); setInterval(() => {}, 1000)`;
  const victim = spawn(process.execPath, ["-e", script], { stdio: "ignore" });
  await expect.poll(() => processesNaming(`sleep\0${marker}`).length, { timeout: 10_000 }).toBe(2);
  victim.kill("SIGKILL");
  await expect.poll(() => processesNaming(`sleep\0${marker}`), { timeout: 10_000 }).toEqual([]);
});

describe.skipIf(!requireServer("vsftpd"))("vsftpd", () => {
  test.each([
    ["none", false],
    ["explicit", true],
    ["implicit", "implicit"],
  ] as const)("serves with TLS %s and stops", async (tls, secure) => {
    await proveFtp(keep(await startVsftpd({ tls })), secure);
  });

  test("refuses a wrong password", async () => {
    const server = keep(await startVsftpd());
    const client = new Client();
    const login = client.access({ host: server.host, port: server.port, user: server.user, password: "wrong" });
    await expect(login).rejects.toThrow("530 Login incorrect");
  });

  test("requires the TLS session to be reused unless told otherwise", async () => {
    const strict = keep(await startVsftpd({ tls: "explicit" }));
    const lenient = keep(await startVsftpd({ tls: "explicit", requireReuse: false }));
    await expect(curlList(strict, ["--no-sessionid"])).rejects.toThrow();
    await expect(curlList(lenient, ["--no-sessionid"])).resolves.toBe("");
    expect(strict.log()).toContain("session reuse required");
  });

  test("refuses downloads and more sessions than allowed", async () => {
    const server = keep(await startVsftpd({ downloadEnable: false, maxPerIp: 1 }));
    const first = await visit(server, false);
    await expect(visit(server, false)).rejects.toThrow("421");
    await expect(first.client.downloadTo(new PassThrough(), "orders.csv")).rejects.toThrow("550");
    first.client.close();
  });
});

describe.skipIf(!requireServer("proftpd"))("proftpd", () => {
  test.each([
    ["none", false],
    ["explicit", true],
    ["implicit", "implicit"],
  ] as const)("serves with TLS %s and stops", async (tls, secure) => {
    await proveFtp(keep(await startProftpd({ tls })), secure);
  });

  test("speaks only the TLS version it is told", async () => {
    const server = keep(await startProftpd({ tls: "explicit", tlsProtocols: ["TLSv1.2"] }));
    const { client } = await visit(server, true);
    expect((client.ftp.socket as { getProtocol?: () => string }).getProtocol?.()).toBe("TLSv1.2");
    client.close();
  });

  test("offers MLSD unless told otherwise, and takes raw configuration", async () => {
    const server = keep(await startProftpd({ mlsd: false, extra: 'ServerIdent on "quite another greeting"' }));
    const { client } = await visit(server, false);
    expect([...(await client.features()).keys()]).not.toContain("MLST");
    expect(server.log()).toContain("STOR orders.csv 226");
    client.close();
  });
});

describe.skipIf(!requireServer("pure-ftpd"))("pure-ftpd", () => {
  test.each([
    [0, false],
    [1, true],
    [2, true],
    [3, true],
  ] as const)("serves with TLS %s and stops", async (tls, secure) => {
    await proveFtp(keep(await startPureFtpd({ tls })), secure);
  });
});

describe.skipIf(!requireServer("openssh"))("openssh", () => {
  test("serves with a password and with a key, and stops", async () => {
    const server = keep(await startOpenssh());
    const { host, port, user, password, root, clientKey } = server;
    for (const credentials of [{ password }, { privateKey: clientKey }]) {
      const client = new SftpClient("test", quiet);
      await client.connect({ host, port, username: user, ...credentials });
      await client.put(Buffer.from("a,b\n"), `${root}/orders.csv`);
      expect((await client.list(root)).map((entry) => entry.name)).toEqual(["orders.csv"]);
      await client.end();
    }
    const open = new SftpClient("test", quiet);
    await open.connect({ host, port, username: user, password });
    await server.stop();
    await expectGone(server);
  });

  test("shows the fingerprints it says it has, and others after a restart", async () => {
    const server = keep(await startOpenssh({ hostKeys: ["ed25519"] }));
    const before = server.fingerprints();
    expect(await seenFingerprint(server)).toBe(before.ed25519);
    await server.restartWithNewHostKey();
    expect(server.fingerprints()).not.toEqual(before);
    expect(await seenFingerprint(server)).toBe(server.fingerprints().ed25519);
  });
});

async function seenFingerprint({ host, port, user, password }: RunningServer): Promise<string> {
  const client = new SftpClient("test", quiet);
  let seen = "";
  const hostVerifier = (digest: string) => {
    seen = `SHA256:${Buffer.from(digest, "hex").toString("base64").replace(/=+$/, "")}`;
    return true;
  };
  await client.connect({ host, port, username: user, password, hostHash: "sha256", hostVerifier });
  await client.end();
  return seen;
}

test("certificates have the flaw that was asked for", async () => {
  const verdict = async (flaw: Flaw) => {
    const server = keep(await startProftpd({ tls: "implicit", certificate: serverCertificate(flaw) }));
    return visit(server, "implicit").then(
      ({ client }) => client.close(),
      (error: NodeJS.ErrnoException) => error.code,
    );
  };
  expect(await Promise.all((["none", "expired", "wrong-host", "self-signed"] as const).map(verdict))).toEqual([
    undefined,
    "CERT_HAS_EXPIRED",
    "ERR_TLS_CERT_ALTNAME_INVALID",
    "DEPTH_ZERO_SELF_SIGNED_CERT",
  ]);
});

test.skipIf(!canMount())("a small disk is full when it is full", () => {
  const disk = smallDisk("64k");
  expect(() => writeFileSync(join(disk?.path ?? "", "big"), Buffer.alloc(100_000))).toThrow("ENOSPC");
  disk?.remove();
});

async function curlList({ host, port, user, password }: RunningServer, options: readonly string[]): Promise<string> {
  const { caFile } = testAuthority();
  const url = `ftp://${host}:${port}/`;
  const login = ["--user", `${user}:${password}`, "--ssl-reqd", "--cacert", caFile];
  const { stdout } = await promisify(execFile)("curl", ["-sS", ...login, ...options, url]);
  return stdout;
}
