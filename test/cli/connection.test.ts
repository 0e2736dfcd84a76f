import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import * as demo from "../../src/demo/servers/certificate.js";
import { type DemoServer, startFtps } from "../../src/demo/servers/ftps.js";
import { type SftpServer, startSftp } from "../../src/demo/servers/sftp.js";
import { ferry, type Setting } from "./terminal.js";
import { environment, workspace } from "./workspace.js";

const certificate = demo.makeCertificate({ from: new Date("2020-01-01"), until: new Date("2090-01-01") });
let ftps: DemoServer;
let sftp: SftpServer;
let at: Setting;

beforeAll(async () => {
  const root = mkdtempSync(join(tmpdir(), "ferry-root-"));
  writeFileSync(join(root, "there.csv"), "x");
  ftps = await startFtps({ root, user: "acme", password: "pear tree", certificate, requireResumption: true });
  sftp = await startSftp({ root, user: "acme", password: "pear tree", hostKey: demo.makeHostKey() });
  const ca = join(root, "..", `${basename(root)}.pem`);
  writeFileSync(ca, certificate.cert);
  const ftp = `address: 127.0.0.1, port: ${ftps.port}, username: acme`;
  const folder = workspace({
    "connections.yaml": `connections:
  good: { ${ftp}, password: pear tree, certificates: { ca: ${ca} } }
  unknown: { ${ftp}, password: pear tree }
  wrong: { ${ftp}, password: plum tree, certificates: { ca: ${ca} } }
  closed: { address: 127.0.0.1, port: 1, username: acme, password: pear tree }
  secretive: { ${ftp}, password: '{{ "nope" | secret }}' }
  ssh: { protocol: sftp, address: 127.0.0.1, port: ${sftp.port}, username: acme, password: pear tree }
  plain: { ${ftp}, password: pear tree, encryption: { protocol: none } }
`,
  });
  at = { folder, env: environment() };
});

afterAll(async () => {
  await ftps.close();
  await sftp.close();
});

interface Tested {
  readonly ok: boolean;
  readonly steps: { name: string; ok: boolean; skipped: boolean }[];
  readonly negotiated: Record<string, unknown>;
  readonly diagnosis: Record<string, unknown> | null;
}

async function tested(name: string): Promise<{ code: number; document: Tested }> {
  const ended = await ferry(["connection", "test", name, "--json"], at);
  return { code: ended.code, document: ended.json() as Tested };
}

describe("connection test", () => {
  test("tells each step, and what was negotiated", async () => {
    const { code, document } = await tested("good");
    expect({
      code,
      ok: document.ok,
      names: document.steps.map((step) => step.name),
      diagnosis: document.diagnosis,
    }).toEqual({
      code: 0,
      ok: true,
      names: ["connect", "greeting", "tls", "protection", "login", "features", "directory", "list"],
      diagnosis: null,
    });
    expect(document.steps[0]).toEqual({
      name: "connect",
      ok: true,
      skipped: false,
      durationMs: expect.any(Number),
      detail: `127.0.0.1:${ftps.port}`,
      error: null,
    });
    expect(document.negotiated).toMatchObject({
      tls: "TLSv1.3",
      cipher: expect.stringMatching(/^TLS_/),
      resumed: true,
      features: expect.arrayContaining([expect.any(String)]),
    });
  });

  test("a refused login fails at that step, leaves the rest, and never shows the password", async () => {
    const { code, document } = await tested("wrong");
    expect({
      code,
      ok: document.ok,
      failed: document.steps.find((step) => !step.ok && !step.skipped)?.name,
      skipped: document.steps.filter((step) => step.skipped).map((step) => step.name),
    }).toEqual({
      code: 1,
      ok: false,
      failed: "login",
      skipped: ["features", "directory", "list"],
    });
    expect(document.diagnosis).toEqual({
      code: "FERRY_LOGIN_REFUSED",
      message: expect.any(String),
      cause: expect.stringContaining("530"),
      hint: expect.any(String),
      settings: {},
    });
    const text = await ferry(["connection", "test", "wrong", "--verbose"], at);
    expect(text.out + text.err).not.toContain("plum tree");
    expect(text.err).toContain("> PASS ********");
  });

  test.each([
    ["closed", "connect", "FERRY_CONNECT_REFUSED"],
    ["unknown", "tls", "FERRY_CERTIFICATE_UNTRUSTED"],
    ["ssh", "host-key", "FERRY_HOST_KEY_UNKNOWN"],
  ])("%s fails at %s with %s", async (name, step, error) => {
    const { code, document } = await tested(name);
    expect({ code, step: document.steps.find((each) => !each.ok)?.name, error: document.diagnosis?.code }).toEqual({
      code: 1,
      step,
      error,
    });
  });

  test("a secret that is missing is no failure of the server: no step was tried", async () => {
    const ended = await ferry(["connection", "test", "secretive", "--json"], at);
    expect({ code: ended.code, document: ended.json() }).toMatchObject({
      code: 2,
      document: { error: { code: "FERRY_SECRET_MISSING" } },
    });
  });

  test("an unknown connection is exit code 4", async () => {
    expect((await ferry(["connection", "test", "nope"], at)).code).toBe(4);
  });
});

describe("connection trust", () => {
  test("without a terminal and without a fingerprint it shows what is there, and stores nothing", async () => {
    const { code, out, err } = await ferry(["connection", "trust", "unknown"], at);
    expect({
      code,
      shown: out.includes(certificate.fingerprint),
      told: err.startsWith("error[FERRY_CERTIFICATE_UNTRUSTED]"),
    }).toEqual({ code: 1, shown: true, told: true });
    expect((await ferry(["trust", "list", "--json"], at)).json()).toEqual({ accepted: [] });
  });

  test("another fingerprint is refused with both, one that is none is a usage error", async () => {
    const other = `sha256:${"00".repeat(32)}`;
    const { code, err } = await ferry(["connection", "trust", "unknown", "--fingerprint", other], at);
    expect({ code, both: err.includes(other) && err.includes(certificate.fingerprint) }).toEqual({
      code: 1,
      both: true,
    });
    expect((await ferry(["connection", "trust", "unknown", "--fingerprint", "abc"], at)).code).toBe(2);
  });

  test("the exact certificate is kept, in any spelling, and then trusted", async () => {
    const hex = certificate.fingerprint.slice("sha256:".length).toUpperCase();
    const spelled = `sha256:${hex.match(/../g)?.join(":")}`;
    const { code, json } = await ferry(["connection", "trust", "unknown", "--fingerprint", spelled, "--json"], at);
    expect({ code, document: json() }).toMatchObject({
      code: 0,
      document: {
        connection: "unknown",
        accepted: true,
        identity: { kind: "certificate", fingerprint: certificate.fingerprint, port: ftps.port },
      },
    });
    expect((await tested("unknown")).document).toMatchObject({ ok: true, diagnosis: null });
  });

  test("a host key is kept by its OpenSSH fingerprint, and then trusted", async () => {
    const { code } = await ferry(["connection", "trust", "ssh", "--fingerprint", sftp.fingerprint], at);
    const again = await tested("ssh");
    expect({ code, ok: again.document.ok, names: again.document.steps.map((step) => step.name) }).toEqual({
      code: 0,
      ok: true,
      names: ["connect", "host-key", "login", "directory", "list"],
    });
  });

  test("a connection in clear has nothing to trust", async () => {
    expect((await ferry(["connection", "trust", "plain"], at)).code).toBe(2);
  });
});
