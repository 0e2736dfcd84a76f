import { createHash } from "node:crypto";
import type { Clock } from "../base/clock.js";
import { AgentError } from "../base/errors.js";
import type { Transcript } from "../base/transcript.js";
import { renderDefinition, resolveCredentials, type SecretSource } from "../connections/credentials.js";
import type { ConnectionSecrets, OpenStep } from "../connections/driver.js";
import { type ConnectionDefinition, driverOf } from "../connections/registry.js";
import type { RemoteSession } from "../connections/session.js";
import { createTrustPolicy } from "../connections/trust/judge.js";
import type { TrustStore } from "../connections/trust/store.js";
import type { LoginGuard } from "../runs/login-guard.js";

export interface Opener {
  readonly clock: Clock;
  readonly workspace: string;
  readonly secrets: SecretSource;
  readonly trust: TrustStore;
  readonly guard: LoginGuard;
  /** `policy: strict`. */
  readonly strict: boolean;
}

export interface Opening {
  readonly number: number;
  readonly transcript: Transcript;
  readonly signal: AbortSignal;
  /** A person's command tries once, at once; the agent's runs keep the pause after a refused login. */
  readonly byPerson: boolean;
  readonly warn?: (message: string) => void;
  readonly onStep?: (step: OpenStep) => void;
}

/** Opens the connection `name` as it is defined, with its templates, credentials and trust resolved now. */
export async function openConnection(
  opener: Opener,
  name: string,
  defined: ConnectionDefinition,
  opening: Opening,
): Promise<RemoteSession> {
  const { clock, guard, workspace, strict } = opener;
  const definition = await renderDefinition(defined, opener.secrets);
  const secrets = await resolveCredentials(name, definition, opener.secrets, workspace);
  const { number, transcript, signal, byPerson, warn, onStep } = opening;
  const trust = createTrustPolicy({ name, definition, store: opener.trust, clock });
  const context = {
    name,
    number,
    clock,
    signal,
    transcript,
    trust,
    secrets,
    workspace,
    strict,
    ...(warn ? { warn } : {}),
    ...(onStep ? { onStep } : {}),
  };
  const credentials = credentialsOf(definition, secrets);
  return guard.login({ connection: name, credentials, byPerson, signal }, () =>
    driverOf(definition).open(definition, context),
  );
}

export function noSuchConnection(name: string, known: Iterable<string>): AgentError {
  return new AgentError("FERRY_NOT_FOUND", `there is no connection ${name}`, {
    hint: `there are: ${[...known].join(", ") || "none"}`,
  });
}

/** Changes with the definition and with every secret, and tells none of them. */
function credentialsOf(definition: ConnectionDefinition, secrets: ConnectionSecrets): string {
  const hash = createHash("sha256").update(JSON.stringify(definition));
  for (const secret of Object.values(secrets)) hash.update(`\0${secret?.reveal() ?? ""}`);
  return hash.digest("hex");
}
