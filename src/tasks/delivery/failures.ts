import { AgentError, asAgentError, type RetryClass } from "../../base/errors.js";

/** Gathers what failed while the other files of a task went on, and tells it as one error. */
export interface Failures {
  /** Keeps the failure of one file; rethrows at once what concerns every file (login, trust, storage, cancelling). */
  add(name: string, error: unknown): void;
  count(): number;
  throwIfAny(total: number): void;
}

const FOR_ALL: ReadonlySet<string> = new Set([
  "FERRY_CANCELLED",
  "FERRY_RUN_TIMEOUT",
  "FERRY_STORAGE",
  "FERRY_SECRET_MISSING",
  "FERRY_VAULT",
  "FERRY_NOT_SUPPORTED",
]);

export function gatherFailures(signal: AbortSignal): Failures {
  const failures: { readonly name: string; readonly error: AgentError }[] = [];
  return {
    count: () => failures.length,
    add(name, error) {
      signal.throwIfAborted();
      const known = asAgentError(error);
      if (known.retry === "closed" || FOR_ALL.has(known.code) || isUnreachable(known)) throw known;
      failures.push({ name, error: known });
    },
    throwIfAny(total) {
      const [first] = failures;
      if (!first) return;
      if (failures.length === 1 && total === 1) throw first.error;
      const same = failures.every(({ error }) => error.code === first.error.code);
      const words = failures.slice(0, 5).map(({ name, error }) => `${name}: ${error.message}`);
      if (failures.length > words.length) words.push(`and ${failures.length - words.length} more`);
      throw new AgentError(
        same ? first.error.code : "FERRY_FILES_FAILED",
        `${failures.length} of ${total} files failed: ${words.join("; ")}`,
        {
          cause: first.error.cause ?? first.error.message,
          retry: gathered(failures.map(({ error }) => error.retry)),
          ...(same ? { hint: first.error.hint } : {}),
        },
      );
    },
  };
}

/** A server that does not answer the door does not need to be asked again for each file. */
function isUnreachable(error: AgentError): boolean {
  return [
    "FERRY_ADDRESS_UNKNOWN",
    "FERRY_CONNECT_REFUSED",
    "FERRY_CONNECT_TIMEOUT",
    "FERRY_TOO_MANY_CONNECTIONS",
  ].includes(error.code);
}

/** One file that may still succeed is worth another try: the others are not sent again. */
function gathered(classes: readonly RetryClass[]): RetryClass {
  return classes.includes("transient") ? "transient" : (classes[0] ?? "permanent");
}
