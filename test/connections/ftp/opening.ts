import { systemClock } from "../../../src/base/clock.js";
import { Secret } from "../../../src/base/secret.js";
import type { OpenContext, OpenStep } from "../../../src/connections/driver.js";
import { ftpDriver } from "../../../src/connections/ftp/driver.js";
import type { RemoteSession } from "../../../src/connections/session.js";
import type { TrustPolicy } from "../../../src/connections/trust/policy.js";

export interface Target {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
}

/** One line a voice: `> USER anna`, `< 230 welcome`, `* connected …`. */
export interface Opening {
  readonly lines: string[];
  readonly steps: OpenStep[];
  open(signal?: AbortSignal): Promise<RemoteSession>;
}

export const trusting: TrustPolicy = { certificate: () => "accepted unchecked", hostKey: () => "accepted unchecked" };

/** The driver against a server, with everything it says and hears written down. */
export function opening(target: Target, written: object = {}, context: Partial<OpenContext> = {}): Opening {
  const lines: string[] = [];
  const steps: OpenStep[] = [];
  const anonymous = "anonymous" in written;
  const definition = ftpDriver.schema.parse({
    address: target.host,
    port: target.port,
    ...(anonymous ? {} : { username: target.user }),
    keepAlive: "off",
    ...written,
  });
  return {
    lines,
    steps,
    open: (signal = new AbortController().signal) =>
      ftpDriver.open(definition, {
        name: "partner",
        number: 1,
        clock: systemClock,
        signal,
        trust: trusting,
        transcript: {
          sent: (line) => lines.push(`> ${line}`),
          received: (line) => lines.push(`< ${line}`),
          note: (line) => lines.push(`* ${line}`),
        },
        secrets: {
          password: new Secret(target.password),
          account: undefined,
          passphrase: undefined,
          privateKey: undefined,
          proxyPassword: undefined,
        },
        onStep: (step) => steps.push(step),
        ...context,
      }),
  };
}

export const plain = { encryption: { protocol: "none" } };
