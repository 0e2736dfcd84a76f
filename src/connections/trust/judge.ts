import type { Clock } from "../../base/clock.js";
import { judgeCertificate } from "./certificate.js";
import { judgeHostKey, knownHostKeyTypes } from "./host-key.js";
import { systemKnownHosts } from "./known-hosts.js";
import type { TrustPolicy } from "./policy.js";
import type { TrustStore } from "./store.js";

/** What of a definition says how its server is judged; each protocol has some of it. */
interface Judged {
  readonly certificates?: { readonly server: "verify" | "ask" | "accept"; readonly pin: readonly string[] } | undefined;
  readonly hostKey?: "verify" | "ask" | "accept" | undefined;
  readonly fingerprint?: readonly string[] | undefined;
}

export interface TrustPolicyOptions {
  /** The connection's name. */
  readonly name: string;
  readonly definition: object;
  readonly store: TrustStore;
  readonly clock: Clock;
  /** OpenSSH's files; by default the user's and the system's. */
  readonly knownHostsFiles?: readonly string[];
}

/**
 * Judges as the definition says. `ask` is `verify` here: a command on a terminal catches the refusal, shows what
 * `inspectServer` finds, keeps the answer in the store, and opens again.
 */
export function createTrustPolicy({
  name,
  definition,
  store,
  clock,
  knownHostsFiles = systemKnownHosts(),
}: TrustPolicyOptions): TrustPolicy {
  const { certificates, hostKey, fingerprint } = definition as Judged;
  const certificateRules = {
    name,
    mode: certificates?.server ?? "verify",
    pins: certificates?.pin ?? [],
    accepted: (host: string, port: number) => store.find(name, host, port, "certificate"),
    now: () => clock.now(),
  };
  const hostKeyRules = {
    name,
    mode: hostKey ?? "verify",
    fingerprints: fingerprint ?? [],
    knownHostsFiles,
    accepted: (host: string, port: number) => store.find(name, host, port, "host-key"),
  };
  return {
    certificate: (shown) => judgeCertificate(certificateRules, shown),
    hostKey: (shown) => judgeHostKey(hostKeyRules, shown),
    hostKeyTypes: (host, port) => knownHostKeyTypes(hostKeyRules, host, port),
  };
}
