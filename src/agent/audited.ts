import { AgentError, asAgentError } from "../base/errors.js";
import type { AcceptedIdentity } from "../connections/trust/store.js";
import type { Host } from "./host.js";

type Done = Record<string, never>;

/** What people change in the vault and in the trust. What can be refused is refused before anything is recorded. */
export async function setSecret(host: Host, name: string, value: string): Promise<Done> {
  // Refuses a name that is not accepted, and a vault that cannot be opened.
  await host.vault.get(name);
  const secret = host.secrets.protect(value);
  return recorded(host, { action: "secret.set", subject: name, detail: "" }, () => host.vault.set(name, secret));
}

export async function removeSecret(host: Host, name: string): Promise<Done> {
  if ((await host.vault.get(name)) === undefined) throw noSecret(name);
  return recorded(host, { action: "secret.remove", subject: name, detail: "" }, async () => {
    if (!(await host.vault.remove(name))) throw noSecret(name);
  });
}

export async function acceptTrust(host: Host, connection: string, accepted: AcceptedIdentity): Promise<Done> {
  // Refuses a store that cannot be read.
  host.trust.list();
  const detail = `${accepted.kind} ${accepted.fingerprint} of ${accepted.host}:${accepted.port}`;
  return recorded(host, { action: "trust.accept", subject: connection, detail }, () =>
    host.trust.accept(connection, accepted),
  );
}

export async function forgetTrust(host: Host, connection: string): Promise<Done> {
  if (!host.trust.list().some((kept) => kept.connection === connection)) throw nothingAccepted(connection);
  return recorded(host, { action: "trust.forget", subject: connection, detail: "" }, async () => {
    if (!(await host.trust.forget(connection))) throw nothingAccepted(connection);
  });
}

interface Act {
  readonly action: string;
  readonly subject: string;
  readonly detail: string;
}

/** The row is durable before `work` begins: what cannot be recorded is not done. Where it fails, a second row says so. */
async function recorded({ storage, log }: Host, act: Act, work: () => Promise<void>): Promise<Done> {
  const { recorder } = storage;
  await recorder.record({ type: "audit", ...act });
  try {
    await work();
  } catch (error) {
    const { code, message } = asAgentError(error);
    const detail = `failed: ${code}: ${message}`;
    await recorder.record({ type: "audit", ...act, detail }).catch((refused: unknown) => {
      const why = asAgentError(refused).message;
      log("error", `${act.action} ${act.subject} ${detail}; this could not be recorded: ${why}`);
    });
    throw error;
  }
  return {};
}

function noSecret(name: string): AgentError {
  return new AgentError("FERRY_NOT_FOUND", `the vault has no secret ${name}`, { hint: "see `ferry secret list`" });
}

function nothingAccepted(connection: string): AgentError {
  return new AgentError("FERRY_NOT_FOUND", `nothing was accepted for ${connection}`, {
    hint: "see `ferry trust list`",
  });
}
