import { createHash, X509Certificate } from "node:crypto";
import { describe, expect, test } from "vitest";
import { systemClock } from "../../../src/base/clock.js";
import { connectionSchema } from "../../../src/connections/registry.js";
import { inspectServer } from "../../../src/connections/trust/inspect.js";
import { scriptedSftp } from "../../support/scripted-sftp.js";
import { serverCertificate } from "../../support/servers/certificates.js";
import { startOpenssh } from "../../support/servers/openssh.js";
import { requireServer } from "../../support/servers/require-server.js";
import { startVsftpd } from "../../support/servers/vsftpd.js";
import { codeOf } from "../session-contract/workshop.js";

const inspect = (definition: object) =>
  inspectServer(connectionSchema.parse(definition), { clock: systemClock, signal: new AbortController().signal });

test("an sftp server shows its host key, and nobody logs in", async () => {
  const server = await scriptedSftp({});
  const identity = await inspect({
    protocol: "sftp",
    address: server.host,
    port: server.port,
    username: "anna",
    privateKey: "not/there",
    agent: true,
  });
  await server.close();
  expect([identity, server.sessions]).toEqual([
    {
      host: "127.0.0.1",
      port: server.port,
      kind: "host-key",
      fingerprint: server.fingerprint,
      detail: { type: "ssh-ed25519" },
      problems: [],
    },
    0,
  ]);
});

test.skipIf(!requireServer("openssh"))(
  "any host key of a server that is wanted is found, not only the first",
  async () => {
    const server = await startOpenssh({ hostKeys: ["ed25519", "rsa"] });
    const definition = connectionSchema.parse({
      ...{ protocol: "sftp", address: server.host, port: server.port, username: server.user },
    });
    const wanting = (fingerprint: string | undefined) =>
      inspectServer(definition, {
        ...{ clock: systemClock, signal: new AbortController().signal },
        wanted: (identity) => identity.fingerprint === fingerprint,
      });
    const { ed25519, rsa } = server.fingerprints();
    const found = [await wanting(rsa), await wanting(ed25519), await wanting("SHA256:other")];
    await server.stop();
    expect(found.map((identity) => identity.fingerprint)).toEqual([rsa, ed25519, ed25519]);
  },
);

test("what shows nothing cannot be inspected", async () => {
  expect(await codeOf(inspect({ address: "127.0.0.1", username: "anna", encryption: { protocol: "none" } }))).toBe(
    "FERRY_USAGE",
  );
});

test("a server that is not there is told as when opening", async () => {
  expect(await codeOf(inspect({ protocol: "sftp", address: "127.0.0.1", port: 1, username: "anna" }))).toBe(
    "FERRY_CONNECT_REFUSED",
  );
});

describe.skipIf(!requireServer("vsftpd"))("an ftp server with TLS", () => {
  test.each(["explicit", "implicit"] as const)("shows its certificate and what is wrong with it (%s)", async (mode) => {
    const certificate = serverCertificate("self-signed");
    const server = await startVsftpd({ tls: mode, certificate });
    const identity = await inspect({
      address: "localhost",
      port: server.port,
      username: server.user,
      encryption: { mode },
    });
    await server.stop();
    const key = new X509Certificate(certificate.cert).publicKey.export({ type: "spki", format: "der" });
    const keySha256 = createHash("sha256").update(key).digest("base64");
    expect([identity, /PASS|OK LOGIN/.test(server.log())]).toEqual([
      {
        ...{ host: "localhost", port: server.port, kind: "certificate" },
        fingerprint: `sha256:${certificate.fingerprint256.replaceAll(":", "").toLowerCase()}`,
        detail: {
          ...{
            subject: "CN=localhost, O=server-self-signed",
            issuer: "CN=localhost, O=server-self-signed",
            names: "localhost, 127.0.0.1",
          },
          key: `spki-sha256:${keySha256}`,
          ...{ validFrom: "2024-01-01", validTo: "2045-01-01", problem: "is signed by itself, by no authority" },
        },
        problems: ["is signed by itself, by no authority"],
      },
      false,
    ]);
  });
});
