import { systemClock } from "../../src/base/clock.js";
import { Secret } from "../../src/base/secret.js";
import type { Transcript } from "../../src/base/transcript.js";
import type { ConnectionSecrets, OpenContext } from "../../src/connections/driver.js";
import type { TrustPolicy } from "../../src/connections/trust/policy.js";

/** A context as a command builds it, with only what a test cares about given. */
export function openContext(
  given: Partial<Omit<OpenContext, "secrets">> & { readonly secrets?: Readonly<Record<string, string>> } = {},
): OpenContext {
  return {
    name: "test",
    number: 1,
    clock: systemClock,
    signal: new AbortController().signal,
    transcript: { sent() {}, received() {}, note() {} },
    trust: acceptAll,
    ...given,
    secrets: secretsOf(given.secrets ?? {}),
  };
}

const acceptAll: TrustPolicy = { certificate: () => "accepted unchecked", hostKey: () => "accepted unchecked" };

function secretsOf(texts: Readonly<Record<string, string>>): ConnectionSecrets {
  const secret = (name: string): Secret | undefined =>
    texts[name] === undefined ? undefined : new Secret(texts[name]);
  return {
    password: secret("password"),
    account: secret("account"),
    passphrase: secret("passphrase"),
    privateKey: secret("privateKey"),
    proxyPassword: secret("proxyPassword"),
  };
}

/** A transcript that keeps its lines: `> sent`, `< received`, `* noted`. */
export function keptTranscript(): Transcript & { readonly lines: string[] } {
  const lines: string[] = [];
  return {
    lines,
    sent: (line) => void lines.push(`> ${line}`),
    received: (line) => void lines.push(`< ${line}`),
    note: (line) => void lines.push(`* ${line}`),
  };
}
