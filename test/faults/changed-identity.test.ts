import { describe, expect, test } from "vitest";
import { type Certificate, type Flaw, serverCertificate, testAuthority } from "../support/servers/certificates.js";
import { startOpenssh } from "../support/servers/openssh.js";
import { requireServer } from "../support/servers/require-server.js";
import { startVsftpd, type Vsftpd } from "../support/servers/vsftpd.js";
import { cuttingRelay } from "./cuts.js";
import { filesIn, outcome, runJob, serving, times, workspace } from "./stage.js";

/** Who the server is counts before anything else: no name and no password is sent to one that is not the right one. */
const JOB =
  "retry: { attempts: 3, delay: 10ms }\ntasks: [{ upload: { connection: partner, from: out/*, ifExists: overwrite } }]\n";

function ftps({ port, user, password }: Vsftpd, more = ""): string {
  return `protocol: ftp, address: 127.0.0.1, port: ${port}, username: ${user}, password: '${password}', directory: /${more}`;
}

/** By the server's own log of the protocol. */
function credentials(server: Vsftpd): number {
  return times(server.log(), /FTP command: .*"(?:USER|PASS|ACCT)/g);
}

describe.skipIf(!requireServer("vsftpd", "openssh"))("a server that is not who it was", () => {
  test("another certificate than the accepted one is told with both fingerprints, and nothing is sent to it", async () => {
    const [before, after] = [serverCertificate("self-signed", "before"), serverCertificate("self-signed", "after")];
    const servers = {
      before: await serving(startVsftpd({ tls: "explicit", certificate: before })),
      after: await serving(startVsftpd({ tls: "explicit", certificate: after })),
    };
    // One address, behind which another server is from one run to the next.
    const target = { host: "127.0.0.1", port: servers.before.port };
    const relay = await cuttingRelay(target, 0, () => undefined);
    const ferry = workspace(ftps({ ...servers.before, port: relay.port }), JOB);
    ferry.write("out/a.csv", "a");

    const wrong = await ferry.run([
      "connection",
      "trust",
      "partner",
      "--fingerprint",
      `sha256:${after.fingerprint256}`,
    ]);
    const right = await ferry.run([
      "connection",
      "trust",
      "partner",
      "--fingerprint",
      `sha256:${before.fingerprint256}`,
    ]);
    expect([wrong.code, right.code]).toEqual([1, 0]);
    expect(outcome(await runJob(ferry))).toEqual({ run: ["succeeded", null], transfers: [["delivered", null]] });

    target.port = servers.after.port;
    const changed = await runJob(ferry);
    const { message, cause, hint } = changed.run.error ?? {};
    const told = [message, cause, hint].join("\n");
    expect({
      code: changed.code,
      run: changed.run.error?.code,
      attempts: changed.tasks[0]?.attempts,
      sent: credentials(servers.after),
    }).toEqual({
      ...{ code: 1, run: "FERRY_CERTIFICATE_CHANGED", attempts: 1, sent: 0 },
    });
    expect(told).toContain(hex(before));
    expect(told).toContain(hex(after));
    expect([filesIn(servers.before.root), filesIn(servers.after.root)]).toEqual([["a.csv"], []]);
  });

  test("another host key than the accepted one is told with both fingerprints, and nothing is sent to it", async () => {
    const server = await serving(startOpenssh({ hostKeys: ["ed25519"] }));
    const login = `address: 127.0.0.1, port: ${server.port}, username: ${server.user}, password: '${server.password}'`;
    const ferry = workspace(`protocol: sftp, ${login}, directory: ${server.root}`, JOB);
    ferry.write("out/a.csv", "a");
    const before = server.fingerprints().ed25519 ?? "";

    const unknown = await runJob(ferry);
    expect([unknown.code, unknown.run.error?.code]).toEqual([1, "FERRY_HOST_KEY_UNKNOWN"]);
    const accepted = await ferry.run(["connection", "trust", "partner", "--fingerprint", before]);
    expect([accepted.code, outcome(await runJob(ferry))]).toEqual([
      0,
      { run: ["succeeded", null], transfers: [["delivered", null]] },
    ]);

    await server.restartWithNewHostKey();
    const after = server.fingerprints().ed25519 ?? "";
    const logins = times(server.log(), /(?:Accepted|Failed) (?:password|none|publickey) for/g);
    const changed = await runJob(ferry);
    const { message, cause, hint } = changed.run.error ?? {};
    const told = [message, cause, hint].join("\n");
    expect({
      ...{ code: changed.code, run: changed.run.error?.code, attempts: changed.tasks[0]?.attempts },
      logins: times(server.log(), /(?:Accepted|Failed) (?:password|none|publickey) for/g) - logins,
    }).toEqual({ code: 1, run: "FERRY_HOST_KEY_CHANGED", attempts: 1, logins: 0 });
    expect(told).toContain(before);
    expect(told).toContain(after);
  });

  test.each([
    { flaw: "expired", code: "FERRY_CERTIFICATE_EXPIRED" },
    { flaw: "wrong-host", code: "FERRY_CERTIFICATE_NAME" },
    { flaw: "self-signed", code: "FERRY_CERTIFICATE_UNTRUSTED" },
  ] as const satisfies { flaw: Flaw; code: string }[])(
    "a certificate that is $flaw is $code, and nothing is sent",
    async ({ flaw, code }) => {
      const server = await serving(startVsftpd({ tls: "explicit", certificate: serverCertificate(flaw) }));
      const ferry = workspace(ftps(server, `, certificates: { ca: ${testAuthority().caFile} }`), JOB);
      ferry.write("out/a.csv", "a");
      const ended = await runJob(ferry);
      expect({
        code: ended.code,
        run: ended.run.error?.code,
        attempts: ended.tasks[0]?.attempts,
        sent: credentials(server),
        files: filesIn(server.root),
      }).toEqual({
        ...{ code: 1, run: code, attempts: 1, sent: 0, files: [] },
      });
    },
  );
});

function hex({ fingerprint256 }: Certificate): string {
  return fingerprint256.replaceAll(":", "").toLowerCase();
}
