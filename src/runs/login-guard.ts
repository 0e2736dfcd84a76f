import type { Clock } from "../base/clock.js";
import { AgentError, asAgentError } from "../base/errors.js";

/** Partners lock accounts after a few refused logins, and open them again after some minutes. */
const PAUSE_MS = 10 * 60_000;

/**
 * Keeps refused logins few. For ten minutes after one the agent's runs do not log in with that connection again, unless its
 * definition or secret changed. Until a login was accepted, the runs that want one try one after the other: those that
 * waited for one that is refused do not try.
 */
export interface LoginGuard {
  /** Does `attempt`. Fails with FERRY_LOGIN_REFUSED without it while the pause after a refused login lasts. */
  login<T>(login: Login, attempt: () => Promise<T>): Promise<T>;
}

export interface Login {
  readonly connection: string;
  /** Any text that changes with the connection's definition and secrets. */
  readonly credentials: string;
  /** A person may always try. */
  readonly byPerson: boolean;
  /** Ends the wait for others. */
  readonly signal: AbortSignal;
}

interface Refusal {
  readonly credentials: string;
  readonly at: Date;
  readonly until: Date;
  readonly words: string;
}

export function createLoginGuard(clock: Clock): LoginGuard {
  const accepted = new Map<string, string>();
  const refusals = new Map<string, Refusal>();
  /** Of each connection, the end of the last attempt that waits for its turn. */
  const turns = new Map<string, Promise<void>>();

  function refuse({ connection, credentials }: Login): void {
    const refusal = refusals.get(connection);
    if (!refusal || refusal.credentials !== credentials || clock.now() >= refusal.until) return;
    const message = `${connection}: not tried, because the login was refused at ${refusal.at.toISOString()}; the next try is allowed at ${refusal.until.toISOString()}`;
    throw new AgentError("FERRY_LOGIN_REFUSED", message, { cause: refusal.words });
  }

  async function tryNow<T>(login: Login, attempt: () => Promise<T>): Promise<T> {
    const { connection, credentials, byPerson } = login;
    if (!byPerson) refuse(login);
    try {
      const session = await attempt();
      refusals.delete(connection);
      accepted.set(connection, credentials);
      return session;
    } catch (error) {
      const known = asAgentError(error);
      if (known.code === "FERRY_LOGIN_REFUSED") {
        const at = clock.now();
        const until = new Date(at.getTime() + PAUSE_MS);
        refusals.set(connection, { credentials, at, until, words: known.causeText ?? known.message });
        accepted.delete(connection);
      }
      throw known;
    }
  }

  return {
    async login(login, attempt) {
      const { connection, credentials, signal } = login;
      const isAccepted = (): boolean => accepted.get(connection) === credentials;
      if (isAccepted()) return tryNow(login, attempt);
      const before = turns.get(connection) ?? Promise.resolve();
      const mine = turn();
      turns.set(
        connection,
        before.then(() => mine.over),
      );
      try {
        await unlessAborted(before, signal);
        if (isAccepted()) mine.end();
        return await tryNow(login, attempt);
      } finally {
        mine.end();
      }
    },
  };
}

function turn(): { readonly over: Promise<void>; end(): void } {
  let end: () => void = () => undefined;
  const over = new Promise<void>((resolve) => {
    end = resolve;
  });
  return { over, end: () => end() };
}

function unlessAborted(work: Promise<void>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener("abort", abort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}
