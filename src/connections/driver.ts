import type { z } from "zod";
import type { Clock } from "../base/clock.js";
import type { Kind } from "../base/kinds.js";
import type { Secret } from "../base/secret.js";
import type { Transcript } from "../base/transcript.js";
import type { RemoteSession } from "./session.js";
import type { TrustPolicy } from "./trust/policy.js";

/** The code that opens a connection of one protocol. */
export interface Driver<Type extends string = string, Schema extends z.ZodType = z.ZodType> extends Kind<Type, Schema> {
  /**
   * Connects, secures, verifies, logs in, and settles in the connection's directory. Rejects with an AgentError, with
   * everything closed. Aborting `signal` destroys the sockets at any time, also later.
   */
  open(definition: z.output<Schema>, context: OpenContext): Promise<RemoteSession>;
}

export interface OpenContext {
  /** The connection's name in the definitions. */
  readonly name: string;
  readonly number: number;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly transcript: Transcript;
  /** Judges certificates and host keys; the driver asks it before any credential leaves. */
  readonly trust: TrustPolicy;
  readonly secrets: ConnectionSecrets;
  /** The folder that relative local paths of a definition start at. */
  readonly workspace?: string;
  /** `policy: strict`: what would be a warning is refused. */
  readonly strict?: boolean;
  /** Told of what somebody should look at. */
  readonly warn?: (message: string) => void;
  /** Told of each step as it begins and ends: for `connection test`. */
  readonly onStep?: (step: OpenStep) => void;
}

export type OpenStepName =
  | "connect"
  | "greeting"
  | "tls"
  | "login"
  | "protection"
  | "features"
  | "directory"
  | "data"
  | "list"
  | "host-key";

export interface OpenStep {
  readonly name: OpenStepName;
  readonly durationMs: number;
  readonly detail: string;
}

/** The credentials of one connection, resolved from templates and the vault at the moment of login. */
export interface ConnectionSecrets {
  readonly password: Secret | undefined;
  readonly account: Secret | undefined;
  readonly passphrase: Secret | undefined;
  readonly privateKey: Secret | undefined;
  readonly proxyPassword: Secret | undefined;
}

/** Declares a driver with its types inferred from the schema. */
export function defineDriver<Type extends string, Schema extends z.ZodType>(
  driver: Driver<Type, Schema>,
): Driver<Type, Schema> {
  return driver;
}
