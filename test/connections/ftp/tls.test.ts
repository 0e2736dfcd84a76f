import { expect, test } from "vitest";
import { AgentError } from "../../../src/base/errors.js";
import type { OpenStep } from "../../../src/connections/driver.js";
import { protocolOptions } from "../../../src/connections/ftp/tls.js";
import type { ShownCertificate, TrustPolicy } from "../../../src/connections/trust/policy.js";
import type { FtpScript, FtpSession } from "../../support/scripted-ftp.js";
import { clientCertificate, serverCertificate, testAuthority } from "../../support/servers/certificates.js";
import { startProftpd } from "../../support/servers/proftpd.js";
import { requireServer } from "../../support/servers/require-server.js";
import { startVsftpd } from "../../support/servers/vsftpd.js";
import { bufferSink, source } from "../session-contract/material.js";
import { codeOf } from "../session-contract/workshop.js";
import { opening, trusting } from "./opening.js";
import { withServer } from "./with-server.js";

const { cert, key } = serverCertificate();
const tls: FtpScript = { tls: { cert, key } };
const logins = (commands: readonly string[]): string[] => commands.filter((line) => /^(USER|PASS|ACCT)/.test(line));

/** Remembers what it was shown, and refuses on the channel that is named. */
function judge(refuse?: "control" | "data"): TrustPolicy & { readonly seen: ShownCertificate[] } {
  const seen: ShownCertificate[] = [];
  return {
    ...trusting,
    seen,
    certificate(shown) {
      seen.push(shown);
      if (shown.channel === refuse) throw new AgentError("FERRY_CERTIFICATE_UNTRUSTED", "not this one");
      return "verified";
    },
  };
}

test("the steps of opening, with what was negotiated", async () => {
  await withServer(tls, async (server) => {
    const told = opening(server, {});
    const remote = await told.open();
    expect(told.steps.map(({ name }: OpenStep) => name)).toEqual([
      ...["connect", "greeting", "tls", "protection", "login", "features", "directory"],
    ]);
    expect([
      remote.facts.tlsVersion,
      remote.facts.cipher,
      remote.facts.certificateSha256,
      remote.facts.resumed,
    ]).toEqual([
      "TLSv1.3",
      "TLS_AES_256_GCM_SHA384",
      serverCertificate().fingerprint256.replaceAll(":", "").toLowerCase(),
      undefined,
    ]);
    await remote.list("/");
    expect(remote.facts.resumed).toBe(true);
    expect(told.lines.filter((line) => line.startsWith("* data channel")).at(-1)).toMatch(/, TLS session resumed$/);
    await remote.close();
  });
});

test("a certificate that is refused costs no credential", async () => {
  await withServer(tls, async (server) => {
    const trust = judge("control");
    expect(await codeOf(opening(server, {}, { trust }).open())).toBe("FERRY_CERTIFICATE_UNTRUSTED");
    expect([server.commands, trust.seen.length]).toEqual([["AUTH TLS"], 1]);
  });
});

test("the policy is shown the chain's verdict, the expected name, and nothing is decided for it", async () => {
  await withServer({ tls: { cert, key } }, async (server) => {
    const unknown = judge();
    await (await opening({ ...server, host: "localhost" }, {}, { trust: unknown }).open()).close();
    const known = judge();
    const ca = testAuthority().caFile;
    await (
      await opening(server, { certificates: { ca, serverName: "other.example" } }, { trust: known }).open()
    ).close();
    expect(
      [unknown.seen[0], known.seen[0]].map((shown) => [shown?.host, shown?.expectedName, shown?.chainError]),
    ).toEqual([
      ["localhost", "localhost", "UNABLE_TO_VERIFY_LEAF_SIGNATURE"],
      ["127.0.0.1", "other.example", undefined],
    ]);
  });
});

test("a data connection that does not resume is judged as well, before a byte is sent", async () => {
  await withServer(tls, async (server) => {
    const trust = judge("data");
    const remote = await opening(server, { encryption: { sessionResumption: false } }, { trust }).open();
    const code = await codeOf(remote.upload(source(Buffer.from("secret")), "f"));
    expect([code, server.files.get("/f")?.length ?? 0, remote.alive]).toEqual([
      "FERRY_CERTIFICATE_UNTRUSTED",
      0,
      false,
    ]);
  });
});

test("a server that wants resumption and does not get it", async () => {
  await withServer({ tls: { cert, key, requireReuse: true } }, async (server) => {
    const without = await opening(server, { encryption: { sessionResumption: false } }).open();
    expect(await codeOf(without.upload(source(Buffer.from("x")), "f"))).toBe("FERRY_SESSION_RESUMPTION");
    const remote = await opening(server, {}).open();
    await remote.upload(source(Buffer.from("x")), "f");
    expect(remote.facts.resumed).toBe(true);
    await remote.close();
  });
});

test.each(["534 no", "536 no", "504 no"])("PROT P refused (%s): no credential is sent", async (answer) => {
  await withServer({ ...tls, PROT: answer }, async (server) => {
    expect(await codeOf(opening(server, {}).open())).toBe("FERRY_TLS_PROTECTION_REFUSED");
    expect(logins(server.commands)).toEqual([]);
  });
});

test("a server that wants the login before PROT gets it, and PROT after", async () => {
  let isLoggedIn = false;
  const PASS = (): string => {
    isLoggedIn = true;
    return "230 in";
  };
  const PBSZ = (): string => (isLoggedIn ? "200 ok" : "530 log in first");
  await withServer({ ...tls, PASS, PBSZ }, async (server) => {
    await (await opening(server, {}).open()).close();
    expect(server.commands.slice(0, 6)).toEqual([
      "AUTH TLS",
      "PBSZ 0",
      "USER anna",
      "PASS pear tree",
      "PBSZ 0",
      "PROT P",
    ]);
  });
});

test("AUTH TLS refused: AUTH SSL is tried; both refused: no login in clear", async () => {
  const onlySsl = (name: string, session: FtpSession) => (name === "SSL" ? session.usual() : "504 unknown");
  await withServer({ ...tls, AUTH: onlySsl }, async (server) => {
    await (await opening(server, {}).open()).close();
    expect(server.commands.slice(0, 2)).toEqual(["AUTH TLS", "AUTH SSL"]);
  });
  await withServer({}, async (server) => {
    expect(await codeOf(opening(server, { encryption: { protocol: "ssl" } }).open())).toBe("FERRY_TLS_REFUSED");
    expect(server.commands).toEqual(["AUTH SSL", "AUTH TLS"]);
  });
});

test.each(["220 injected\r\n", "220 injec"])("bytes in clear after 234 close the session: %j", async (injected) => {
  const AUTH = async (_: string, session: FtpSession): Promise<undefined> => {
    session.write(`234 go ahead\r\n${injected}`);
    return undefined;
  };
  await withServer({ ...tls, AUTH }, async (server) => {
    expect(await codeOf(opening(server, {}).open())).toBe("FERRY_PROTOCOL");
    expect(logins(server.commands)).toEqual([]);
  });
});

test("implicit TLS on an explicit port, and the reverse, say which mode to try", async () => {
  const timeout = { connect: "500ms", reply: "300ms" };
  await withServer(tls, async (server) => {
    const error = await opening(server, { timeout, encryption: { mode: "implicit" } })
      .open()
      .catch((failure) => failure);
    expect([error.code, server.commands.filter((line) => line.startsWith("USER"))]).toEqual([
      "FERRY_TLS_HANDSHAKE",
      [],
    ]);
  });
  await withServer({ tls: { cert, key, mode: "implicit" } }, async (server) => {
    await (await opening(server, { encryption: { mode: "implicit" } }).open()).close();
    expect(await codeOf(opening(server, { timeout }).open())).toBe("FERRY_REPLY_TIMEOUT");
  });
});

test("no version, and no suite, in common", async () => {
  await withServer({ tls: { cert, key, maxVersion: "TLSv1.2" } }, async (server) => {
    expect(await codeOf(opening(server, { encryption: { versions: ["TLSv1.3"] } }).open())).toBe("FERRY_TLS_VERSION");
    const rsaOnly = { autoAdjustCiphers: false, ciphers: ["ECDHE-RSA-AES256-GCM-SHA384"] };
    expect(await codeOf(opening(server, { encryption: rsaOnly }).open())).toBe("FERRY_TLS_CIPHER");
  });
});

test.each([
  [["TLSv1.2", "TLSv1.3"], undefined, "TLSv1.3"],
  [["TLSv1.2"], undefined, "TLSv1.2"],
  [["TLSv1.2", "TLSv1.3"], ["ECDHE-ECDSA-AES128-GCM-SHA256"], "TLSv1.2"],
  [["TLSv1.2", "TLSv1.3"], ["TLS_CHACHA20_POLY1305_SHA256"], "TLSv1.3"],
  [["TLSv1", "TLSv1.3"], undefined, "TLSv1.3"],
])("versions %j with suites %j settle on %s", async (versions, ciphers, expected) => {
  await withServer(tls, async (server) => {
    const encryption = { versions, ...(ciphers ? { ciphers, autoAdjustCiphers: false } : {}) };
    const remote = await opening(server, { encryption }).open();
    await remote.upload(source(Buffer.from("x")), "f");
    expect([remote.facts.tlsVersion, ciphers === undefined || ciphers.includes(remote.facts.cipher ?? "")]).toEqual([
      expected,
      true,
    ]);
    await remote.close();
  });
});

test("a version that is left out between two others is not used", async () => {
  await withServer({ tls: { cert, key, maxVersion: "TLSv1.2" } }, async (server) => {
    const error = await opening(server, { encryption: { versions: ["TLSv1.1", "TLSv1.3"] } })
      .open()
      .catch((failure) => failure);
    expect([error.code, error.message, server.commands]).toEqual([
      "FERRY_TLS_VERSION",
      "127.0.0.1: the server chose TLSv1.2, which `encryption.versions` leaves out",
      ["AUTH TLS"],
    ]);
  });
});

test("old versions lower the security level, and nothing else does", () => {
  const of = (versions: string[]) => protocolOptions({ versions, autoAdjustCiphers: true } as never).ciphers;
  expect([of(["TLSv1.1", "TLSv1.3"]), of(["TLSv1.2"])]).toEqual(["DEFAULT:@SECLEVEL=0", undefined]);
});

test("TLS on the data connection begins after the command, or with syncDataChannel after 150", async () => {
  for (const syncDataChannel of [false, true]) {
    await withServer({ ...tls, files: { "/f": "content" } }, async (server) => {
      const remote = await opening(server, { syncDataChannel }).open();
      const sink = bufferSink();
      await remote.download("f", sink);
      await remote.upload(source(Buffer.alloc(0)), "empty");
      expect([sink.bytes().toString(), server.files.get("/empty")?.length, remote.facts.resumed]).toEqual([
        "content",
        0,
        true,
      ]);
      await remote.close();
    });
  }
});

if (requireServer("vsftpd", "proftpd")) {
  test("real servers that require resumption say so when it is switched off", async () => {
    for (const start of [startVsftpd, startProftpd]) {
      const server = await start({ tls: "explicit" });
      const remote = await opening(server, { encryption: { sessionResumption: false } }).open();
      expect(await codeOf(remote.upload(source(Buffer.from("x")), "f"))).toBe("FERRY_SESSION_RESUMPTION");
      await remote.close();
      await server.stop();
    }
  });

  test("two hundred data connections in a row resume, with TLS 1.2 and 1.3", async () => {
    const server = await startProftpd({ tls: "explicit" });
    for (const version of ["TLSv1.2", "TLSv1.3"]) {
      const remote = await opening(server, { encryption: { versions: [version] } }).open();
      for (let turn = 0; turn < 200; turn++) await remote.upload(source(Buffer.alloc(turn % 2)), `f${turn % 5}`);
      expect([remote.facts.tlsVersion, remote.facts.resumed]).toEqual([version, true]);
      await remote.close();
    }
    await server.stop();
  });

  test.each(["TLSv1.2", "TLSv1.3"])("a client certificate that is asked for, with %s", async (version) => {
    const ca = testAuthority().caFile;
    const extra = `require_cert=YES\nvalidate_cert=YES\nssl_request_cert=YES\nca_certs_file=${ca}`;
    const server = await startVsftpd({ tls: "explicit", extra });
    const { certFile, keyFile } = clientCertificate();
    const encryption = { versions: [version] };
    const remote = await opening(server, {
      encryption,
      certificates: { client: { cert: certFile, key: keyFile } },
    }).open();
    await remote.upload(source(Buffer.from("x")), "f");
    await remote.close();
    expect(await codeOf(opening(server, { encryption }).open())).toMatch(
      /^FERRY_(CLIENT_CERTIFICATE|TLS_CIPHER|TLS_HANDSHAKE)$/,
    );
    await server.stop();
  });

  test("TLS 1.0 and 1.1 work when they are written, data channel included", async () => {
    const extra = "TLSCipherSuite ALL:@SECLEVEL=0";
    const server = await startProftpd({ tls: "explicit", tlsProtocols: ["TLSv1", "TLSv1.1"], extra });
    for (const version of ["TLSv1", "TLSv1.1"]) {
      const remote = await opening(server, { encryption: { versions: [version] } }).open();
      await remote.upload(source(Buffer.from("x")), "f");
      expect([remote.facts.tlsVersion, remote.facts.resumed]).toEqual([version, true]);
      await remote.close();
    }
    expect(await codeOf(opening(server, {}).open())).toBe("FERRY_TLS_VERSION");
    await server.stop();
  });
}
