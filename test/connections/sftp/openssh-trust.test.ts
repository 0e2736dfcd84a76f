import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { systemClock } from "../../../src/base/clock.js";
import { createTrustPolicy } from "../../../src/connections/trust/judge.js";
import { openTrustStore } from "../../../src/connections/trust/store.js";
import { type Openssh, startOpenssh } from "../../support/servers/openssh.js";
import { requireServer } from "../../support/servers/require-server.js";
import { codeOf } from "../session-contract/workshop.js";
import { open } from "./scripted.js";

describe.skipIf(!requireServer("openssh"))("against OpenSSH", () => {
  const folder = mkdtempSync(join(tmpdir(), "ferry-openssh-"));
  const store = openTrustStore(join(folder, "trust.yaml"), { clock: systemClock });
  let server: Openssh;
  beforeAll(async () => {
    server = await startOpenssh();
  });
  afterAll(async () => {
    await server.stop();
    rmSync(folder, { recursive: true });
  });
  const trust = (definition: object) =>
    createTrustPolicy({ name: "bank", definition, store, clock: systemClock, knownHostsFiles: [] });
  /** Lines of the server's log about logins. */
  const logins = (): number => server.log().match(/Accepted|Failed|Postponed/g)?.length ?? 0;

  test.each(["ed25519", "rsa"] as const)("the fingerprint of its %s key is enough", async (type) => {
    const fingerprint = [server.fingerprints()[type]];
    const { session } = await open(server, { trust: trust({ fingerprint }) });
    expect(session.facts.hostKeySha256).toBe(fingerprint[0]);
  });

  test("a key file logs in", async () => {
    const { session } = await open(server, {
      keys: { privateKey: "client" },
      secrets: { privateKey: server.clientKey },
    });
    expect(session.alive).toBe(true);
  });

  test("a wrong password is one failed attempt", async () => {
    const before = logins();
    expect([await codeOf(open(server, { secrets: { password: "wrong" } })), logins() - before]).toEqual([
      "FERRY_LOGIN_REFUSED",
      1,
    ]);
  });

  test("the features and the address are told", async () => {
    const { session } = await open(server);
    const { address, cipher, features } = session.facts;
    expect([address, cipher, features.includes("posix-rename@openssh.com")]).toEqual([
      `127.0.0.1:${server.port}`,
      "aes128-gcm@openssh.com",
      true,
    ]);
  });

  test("a key of an agent logs in", async () => {
    const socket = join(folder, "agent");
    const started = execFileSync("ssh-agent", ["-s", "-a", socket], { encoding: "utf8" });
    const pid = Number(/SSH_AGENT_PID=(\d+)/.exec(started)?.[1]);
    try {
      execFileSync("ssh-add", ["-q", server.clientKeyFile], { env: { ...process.env, SSH_AUTH_SOCK: socket } });
      const { session, lines } = await open(server, { keys: { agent: socket }, secrets: {} });
      expect([session.alive, lines.includes(`> AUTH publickey by the agent as ${server.user}`)]).toEqual([true, true]);
    } finally {
      process.kill(pid);
    }
  });

  test("a changed host key is refused before any login, with both fingerprints", async () => {
    const [before] = Object.values(server.fingerprints());
    const accepted = {
      host: server.host,
      port: server.port,
      kind: "host-key",
      fingerprint: before ?? "",
      detail: { type: "ssh-ed25519" },
    } as const;
    await store.accept("bank", accepted);
    await (await open(server, { trust: trust({}) })).session.close();
    await server.restartWithNewHostKey();
    const attempts = logins();
    const refusal = await open(server, { trust: trust({}) }).then(
      () => "no failure",
      (error: Error) => error.message,
    );
    expect([
      refusal.includes(server.fingerprints().ed25519 ?? "?"),
      refusal.includes(before ?? "?"),
      logins() - attempts,
    ]).toEqual([true, true, 0]);
  });
});
