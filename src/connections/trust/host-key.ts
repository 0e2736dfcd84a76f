import { createHash } from "node:crypto";
import { AgentError } from "../../base/errors.js";
import { knownKeys } from "./known-hosts.js";
import type { ShownHostKey } from "./policy.js";
import type { KeptIdentity } from "./store.js";

/** What is known of a connection's host key beforehand. */
export interface HostKeyRules {
  readonly name: string;
  readonly mode: "verify" | "ask" | "accept";
  readonly fingerprints: readonly string[];
  readonly knownHostsFiles: readonly string[];
  accepted(host: string, port: number): KeptIdentity | undefined;
}

/** Judges a host key; the word is for the transcript. */
export function judgeHostKey(rules: HostKeyRules, { host, port, key }: ShownHostKey): string {
  const shown = describeHostKey(key);
  const server = `${host}:${port}`;
  const known = knownKeys(rules.knownHostsFiles, host, port);
  const revoked = known.find((entry) => entry.isRevoked && entry.key.equals(key));
  if (revoked) {
    const hint = "do not connect; ask the server's owner for its new key";
    throw new AgentError(
      "FERRY_HOST_KEY_CHANGED",
      `${server} shows a host key that is revoked: ${shown.fingerprint} (${revoked.where})`,
      { hint },
    );
  }
  if (rules.fingerprints.length > 0) {
    if (rules.fingerprints.includes(shown.fingerprint)) return "as its fingerprint in the definition";
    throw changed(server, shown, rules.fingerprints.join(" or "), "in the definition", "set `fingerprint`");
  }
  const accepted = rules.accepted(host, port);
  if (accepted?.fingerprint === shown.fingerprint) return `accepted by ${accepted.by} on ${accepted.at.slice(0, 10)}`;
  const good = known.filter((entry) => !entry.isRevoked);
  const same = good.find((entry) => entry.key.equals(key));
  if (same) return `known from ${same.where}`;
  if (rules.mode === "accept") return "accepted unchecked";
  if (accepted)
    throw changed(
      server,
      shown,
      accepted.fingerprint,
      `accepted by ${accepted.by} on ${accepted.at.slice(0, 10)}`,
      `\`ferry connection trust ${rules.name}\``,
    );
  const other = good.find((entry) => entry.type === shown.type);
  if (other) {
    const remedy = `put the new key into the file, or \`ferry connection trust ${rules.name}\``;
    throw changed(server, shown, describeHostKey(other.key).fingerprint, other.where, remedy);
  }
  throw new AgentError(
    "FERRY_HOST_KEY_UNKNOWN",
    `the host key of ${server} is not known: ${shown.type} ${shown.fingerprint}`,
    {
      hint: `compare the fingerprint with the server's owner, then \`ferry connection trust ${rules.name}\``,
    },
  );
}

/** The types that are known for a server, so that it can be asked for one of them. */
export function knownHostKeyTypes(rules: HostKeyRules, host: string, port: number): readonly string[] {
  const accepted = rules.accepted(host, port)?.detail.type;
  const known = knownKeys(rules.knownHostsFiles, host, port).filter((entry) => !entry.isRevoked);
  return [...(accepted === undefined ? [] : [accepted]), ...known.map((entry) => entry.type)];
}

export interface DescribedHostKey {
  readonly type: string;
  readonly fingerprint: string;
}

/** The type, with which the blob begins, and the fingerprint as OpenSSH writes it. */
export function describeHostKey(key: Buffer): DescribedHostKey {
  const length = key.length >= 4 ? Math.min(key.readUInt32BE(0), 64) : 0;
  const fingerprint = `SHA256:${createHash("sha256").update(key).digest("base64").replace(/=+$/, "")}`;
  return { type: key.subarray(4, 4 + length).toString("latin1"), fingerprint };
}

function changed(server: string, shown: DescribedHostKey, expected: string, where: string, remedy: string): AgentError {
  return new AgentError(
    "FERRY_HOST_KEY_CHANGED",
    `${server} shows the host key ${shown.type} ${shown.fingerprint}, expected ${expected} (${where})`,
    { hint: `compare both fingerprints with the server's owner, then ${remedy}` },
  );
}
