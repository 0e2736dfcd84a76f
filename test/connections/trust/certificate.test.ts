import { execFileSync } from "node:child_process";
import { createHash, X509Certificate } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect, createServer } from "node:tls";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type Clock, systemClock } from "../../../src/base/clock.js";
import { AgentError } from "../../../src/base/errors.js";
import { certificateIdentity } from "../../../src/connections/trust/inspect.js";
import { createTrustPolicy } from "../../../src/connections/trust/judge.js";
import type { ShownCertificate } from "../../../src/connections/trust/policy.js";
import { openTrustStore } from "../../../src/connections/trust/store.js";
import { type Certificate, serverCertificate, testAuthority } from "../../support/servers/certificates.js";

const folder = mkdtempSync(join(tmpdir(), "ferry-judge-"));
afterAll(() => rmSync(folder, { recursive: true }));
const trustFile = join(folder, "trust.yaml");
const store = openTrustStore(trustFile, { clock: systemClock });
beforeEach(() => rmSync(trustFile, { force: true }));

/** What a client sees of a TLS server with this certificate, when it trusts `ca`. */
async function shownBy(
  certificate: Pick<Certificate, "cert" | "key">,
  expectedName: string,
  ca?: string,
): Promise<ShownCertificate> {
  const server = createServer({ cert: certificate.cert, key: certificate.key }, (socket) =>
    socket.on("error", () => {}),
  );
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  const socket = connect({
    host: "127.0.0.1",
    port,
    rejectUnauthorized: false,
    checkServerIdentity: () => undefined,
    ...(ca !== undefined && { ca }),
  });
  await once(socket, "secureConnect");
  const chainError = socket.authorizationError ? String(socket.authorizationError) : undefined;
  const shown = {
    host: "ftp.example",
    port: 21,
    expectedName,
    certificate: socket.getPeerCertificate(true),
    chainError,
    channel: "control",
  } as const;
  socket.destroy();
  server.close();
  return shown;
}

/** The word of the judgement, or the code and the message of the refusal. */
function judged(shown: ShownCertificate, certificates: object = {}, now = "2030-06-01"): string {
  const clock: Clock = { ...systemClock, now: () => new Date(now) };
  const definition = { certificates: { server: "verify", pin: [], ...certificates } };
  try {
    return createTrustPolicy({ name: "bank", definition, store, clock }).certificate(shown);
  } catch (error) {
    return error instanceof AgentError ? `${error.code}: ${error.message}` : String(error);
  }
}

function openssl(...args: string[]): void {
  execFileSync("openssl", args, { cwd: folder, stdio: "pipe" });
}

/** A certificate from an authority below a root, for `names`. */
function chained(names: string): {
  readonly cert: string;
  readonly key: string;
  readonly intermediate: string;
  readonly root: string;
} {
  const extensions = (file: string, text: string): string => {
    writeFileSync(join(folder, file), text);
    return file;
  };
  const ca = extensions("ca.ext", "basicConstraints=critical,CA:TRUE\n");
  const leaf = extensions("leaf.ext", `basicConstraints=CA:FALSE\nsubjectAltName=${names}\n`);
  const request = (name: string, subject: string): void =>
    openssl(
      "req",
      "-new",
      "-newkey",
      "ec",
      "-pkeyopt",
      "ec_paramgen_curve:P-256",
      "-nodes",
      "-keyout",
      `${name}.key`,
      "-subj",
      subject,
      "-out",
      `${name}.csr`,
    );
  request("root", "/CN=Root of the tests");
  openssl(
    "x509",
    "-req",
    "-in",
    "root.csr",
    "-signkey",
    "root.key",
    "-days",
    "9000",
    "-extfile",
    ca,
    "-out",
    "root.crt",
  );
  request("middle", "/CN=Middle of the tests");
  openssl(
    "x509",
    "-req",
    "-in",
    "middle.csr",
    "-CA",
    "root.crt",
    "-CAkey",
    "root.key",
    "-CAcreateserial",
    "-days",
    "9000",
    "-extfile",
    ca,
    "-out",
    "middle.crt",
  );
  request("leaf", "/CN=leaf");
  openssl(
    "x509",
    "-req",
    "-in",
    "leaf.csr",
    "-CA",
    "middle.crt",
    "-CAkey",
    "middle.key",
    "-CAcreateserial",
    "-days",
    "9000",
    "-extfile",
    leaf,
    "-out",
    "leaf.crt",
  );
  const text = (file: string): string => readFileSync(join(folder, file), "utf8");
  return { cert: text("leaf.crt"), key: text("leaf.key"), intermediate: text("middle.crt"), root: text("root.crt") };
}

const sha256 = (certificate: Pick<Certificate, "cert">): string =>
  createHash("sha256").update(new X509Certificate(certificate.cert).raw).digest("hex");
const spki = (certificate: Pick<Certificate, "cert">): string => {
  const info = new X509Certificate(certificate.cert).publicKey.export({ type: "spki", format: "der" });
  return `spki-sha256:${createHash("sha256").update(info).digest("base64")}`;
};

describe("a certificate is accepted", () => {
  test("with a good chain, dates and name", async () => {
    expect(judged(await shownBy(serverCertificate(), "localhost", testAuthority().ca))).toBe("verified");
  });

  test.each([
    ["the fingerprint", (one: Certificate) => `sha256:${sha256(one)}`],
    ["the fingerprint as openssl prints it", (one: Certificate) => `sha256:${one.fingerprint256}`],
    ["the key", spki],
  ])("pinned by %s, although no authority is known", async (_what, pin) => {
    const certificate = serverCertificate("self-signed");
    const shown = await shownBy(certificate, "localhost");
    expect(judged(shown, { pin: [`sha256:${"0".repeat(64)}`, pin(certificate)] })).toBe("pinned");
  });

  test("that a person accepted, whatever is wrong with it", async () => {
    const shown = await shownBy(serverCertificate("self-signed"), "wrong.example");
    await store.accept("bank", certificateIdentity(shown, new Date("2026-06-01")));
    expect(judged(shown)).toMatch(/^accepted by .+ on \d{4}-\d\d-\d\d$/);
  });

  test("unchecked, where the definition says so", async () => {
    expect(judged(await shownBy(serverCertificate("expired"), "wrong.example"), { server: "accept" })).toBe(
      "accepted unchecked",
    );
  });
});

describe("a certificate is refused", () => {
  test.each(["verify", "ask"])("that is signed by itself (%s)", async (server) => {
    const certificate = serverCertificate("self-signed");
    const refusal = judged(await shownBy(certificate, "localhost"), { server });
    expect(refusal).toBe(
      `FERRY_CERTIFICATE_UNTRUSTED: the certificate of ftp.example:21 is signed by itself, by no authority; its fingerprint is sha256:${sha256(certificate)}`,
    );
  });

  test("whose authority is not known", async () => {
    expect(judged(await shownBy(serverCertificate(), "localhost"))).toMatch(
      /^FERRY_CERTIFICATE_UNTRUSTED: .* was issued by CN=Ferry test CA, whose certificate is neither known here nor sent/,
    );
  });

  test("that has expired, with the date", async () => {
    expect(judged(await shownBy(serverCertificate("expired"), "localhost", testAuthority().ca))).toMatch(
      /^FERRY_CERTIFICATE_EXPIRED: .* expired on 2020-01-02;/,
    );
  });

  test("that is not yet valid, with the date", async () => {
    expect(judged(await shownBy(serverCertificate(), "localhost", testAuthority().ca), {}, "2020-01-01")).toMatch(
      /^FERRY_CERTIFICATE_EXPIRED: .* is not valid before 2024-01-01;/,
    );
  });

  test("that is for another name, with the names that it has", async () => {
    expect(judged(await shownBy(serverCertificate("wrong-host"), "localhost", testAuthority().ca))).toMatch(
      /^FERRY_CERTIFICATE_NAME: .* is for elsewhere\.example, not for localhost;/,
    );
  });

  test("that is not the one that is pinned, with both fingerprints", async () => {
    const certificate = serverCertificate();
    const shown = await shownBy(certificate, "localhost", testAuthority().ca);
    const pin = `sha256:${"0".repeat(64)}`;
    expect(judged(shown, { pin: [pin], server: "accept" })).toBe(
      `FERRY_CERTIFICATE_CHANGED: ftp.example:21 shows the certificate sha256:${sha256(certificate)}, expected ${pin} (pinned in the definition)`,
    );
  });

  test.each([
    ["expired", "localhost", "FERRY_CERTIFICATE_EXPIRED"],
    ["wrong-host", "localhost", "FERRY_CERTIFICATE_NAME"],
  ] as const)("that is pinned, and %s", async (flaw, name, code) => {
    const certificate = serverCertificate(flaw);
    expect(judged(await shownBy(certificate, name), { pin: [spki(certificate)] })).toMatch(new RegExp(`^${code}`));
  });

  test("that is not the one that a person accepted, with both fingerprints", async () => {
    const before = serverCertificate("self-signed", "before");
    await store.accept("bank", certificateIdentity(await shownBy(before, "localhost"), new Date("2026-06-01")));
    const after = serverCertificate("self-signed", "after");
    const refusal = judged(await shownBy(after, "localhost"));
    expect(refusal).toMatch(
      new RegExp(`^FERRY_CERTIFICATE_CHANGED: .*${sha256(after)}, expected sha256:${sha256(before)} \\(accepted by`),
    );
  });
});

describe("a chain with an authority in the middle", () => {
  let made: ReturnType<typeof chained>;
  beforeAll(() => {
    made = chained("DNS:*.bank.example,IP:192.0.2.7");
  });

  test("is good when the server sends it", async () => {
    const shown = await shownBy({ cert: made.cert + made.intermediate, key: made.key }, "ftp.bank.example", made.root);
    expect(judged(shown)).toBe("verified");
  });

  test("is refused when the server leaves it out, and the hint says so", async () => {
    const shown = await shownBy(made, "ftp.bank.example", made.root);
    expect(judged(shown)).toMatch(/^FERRY_CERTIFICATE_UNTRUSTED: .* was issued by CN=Middle of the tests/);
  });

  test("is refused when its root is not known", async () => {
    const shown = await shownBy({ cert: made.cert + made.intermediate + made.root, key: made.key }, "ftp.bank.example");
    expect(judged(shown)).toMatch(/^FERRY_CERTIFICATE_UNTRUSTED: .* comes from the authority/);
  });

  test.each([
    ["ftp.bank.example", true],
    ["FTP.Bank.Example", true],
    ["192.0.2.7", true],
    ["bank.example", false],
    ["a.ftp.bank.example", false],
    ["192.0.2.8", false],
    ["ftp.bank.example.evil.example", false],
  ])("its wildcard is for %s: %s", async (name, isGood) => {
    const shown = await shownBy({ cert: made.cert + made.intermediate, key: made.key }, name, made.root);
    expect(judged(shown).startsWith("verified")).toBe(isGood);
  });
});
