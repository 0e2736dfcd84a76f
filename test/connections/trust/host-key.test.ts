import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import ssh2 from "ssh2";
import { afterAll, beforeEach, describe, expect, test } from "vitest";
import { systemClock } from "../../../src/base/clock.js";
import { AgentError } from "../../../src/base/errors.js";
import { describeHostKey } from "../../../src/connections/trust/host-key.js";
import { createTrustPolicy } from "../../../src/connections/trust/judge.js";
import { openTrustStore } from "../../../src/connections/trust/store.js";
import { ed25519Pair } from "../../support/ssh-keys.js";

const folder = mkdtempSync(join(tmpdir(), "ferry-trust-"));
afterAll(() => rmSync(folder, { recursive: true }));
const known = join(folder, "known_hosts");
const trustFile = join(folder, "trust.yaml");
const store = openTrustStore(trustFile, { clock: systemClock });
beforeEach(() => {
  writeFileSync(known, "");
  rmSync(trustFile, { force: true });
});

function makeKey(type: "ed25519" | "ecdsa"): Buffer {
  const pair = type === "ecdsa" ? ssh2.utils.generateKeyPairSync("ecdsa", { bits: 256 }) : ed25519Pair();
  const key = ssh2.utils.parseKey(pair.private);
  if (key instanceof Error) throw key;
  return key.getPublicSSH();
}

const [shown, other, ecdsa] = [makeKey("ed25519"), makeKey("ed25519"), makeKey("ecdsa")];
const print = (key: Buffer): string => describeHostKey(key).fingerprint;
const line = (key: Buffer, hosts = "[sftp.example]:2222"): string =>
  `${hosts} ${describeHostKey(key).type} ${key.toString("base64")}\n`;

function policy(definition: object = {}) {
  return createTrustPolicy({
    name: "bank",
    definition,
    store,
    clock: systemClock,
    knownHostsFiles: [known, join(folder, "absent")],
  });
}

/** The word of the judgement, or the code and the message of the refusal. */
function judged(definition: object = {}, key = shown): string {
  try {
    return policy(definition).hostKey({ host: "sftp.example", port: 2222, key });
  } catch (error) {
    return error instanceof AgentError ? `${error.code}: ${error.message}` : String(error);
  }
}

describe("a host key is accepted", () => {
  test("that has the definition's fingerprint, one of several", () => {
    expect(judged({ fingerprint: [print(other), print(shown)] })).toBe("as its fingerprint in the definition");
  });
  test("that stands in known_hosts", () => {
    writeFileSync(known, line(other, "sftp.example") + line(shown));
    expect(judged()).toBe(`known from ${known}, line 2`);
  });
  test("that stands in known_hosts without the port, as OpenSSH does it", () => {
    writeFileSync(known, line(shown, "sftp.example"));
    expect(judged()).toBe(`known from ${known}, line 1`);
  });
  test("that a person accepted", async () => {
    await store.accept("bank", {
      host: "sftp.example",
      port: 2222,
      kind: "host-key",
      fingerprint: print(shown),
      detail: { type: "ssh-ed25519" },
    });
    expect(judged()).toMatch(/^accepted by .+ on \d{4}-\d\d-\d\d$/);
  });
  test("unchecked, where the definition says so", () => {
    expect(judged({ hostKey: "accept" })).toBe("accepted unchecked");
  });
});

describe("a host key is refused", () => {
  test.each(["verify", "ask"])("that nobody knows, with its fingerprint (%s)", (hostKey) => {
    expect(judged({ hostKey })).toBe(
      `FERRY_HOST_KEY_UNKNOWN: the host key of sftp.example:2222 is not known: ssh-ed25519 ${print(shown)}`,
    );
  });
  test("that is not the one of the definition, with both fingerprints, even under accept", () => {
    const refusal = judged({ fingerprint: [print(other)], hostKey: "accept" });
    expect(refusal).toBe(
      `FERRY_HOST_KEY_CHANGED: sftp.example:2222 shows the host key ssh-ed25519 ${print(shown)}, expected ${print(other)} (in the definition)`,
    );
  });
  test("that is not the one of known_hosts, with both", () => {
    writeFileSync(known, line(other));
    expect(judged()).toBe(
      `FERRY_HOST_KEY_CHANGED: sftp.example:2222 shows the host key ssh-ed25519 ${print(shown)}, expected ${print(other)} (${known}, line 1)`,
    );
  });
  test("that is not the one that a person accepted, with both", async () => {
    await store.accept("bank", {
      host: "sftp.example",
      port: 2222,
      kind: "host-key",
      fingerprint: print(other),
      detail: {},
    });
    expect(judged()).toContain(
      `FERRY_HOST_KEY_CHANGED: sftp.example:2222 shows the host key ssh-ed25519 ${print(shown)}, expected ${print(other)}`,
    );
  });
  test("that was accepted for another connection or another port only", async () => {
    await store.accept("other", {
      host: "sftp.example",
      port: 2222,
      kind: "host-key",
      fingerprint: print(shown),
      detail: {},
    });
    await store.accept("bank", {
      host: "sftp.example",
      port: 22,
      kind: "host-key",
      fingerprint: print(shown),
      detail: {},
    });
    expect(judged()).toMatch(/^FERRY_HOST_KEY_UNKNOWN/);
  });
  test("that is revoked, even under accept", () => {
    writeFileSync(known, `@revoked ${line(shown, "*")}`);
    expect(judged({ hostKey: "accept", fingerprint: [print(shown)] })).toMatch(
      /^FERRY_HOST_KEY_CHANGED: .* is revoked/,
    );
  });
  test("as unknown, not as changed, where known_hosts has one of another type", () => {
    writeFileSync(known, line(ecdsa));
    expect([judged().split(":")[0], policy().hostKeyTypes?.("sftp.example", 2222)]).toEqual([
      "FERRY_HOST_KEY_UNKNOWN",
      ["ecdsa-sha2-nistp256"],
    ]);
  });
  test("where the store is damaged, whatever it says", () => {
    writeFileSync(trustFile, "accepted: [{ nonsense: true }]\n");
    expect(judged()).toMatch(/^FERRY_TRUST_STORE/);
  });
});
