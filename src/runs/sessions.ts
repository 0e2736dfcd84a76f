import type { Clock } from "../base/clock.js";
import { AgentError } from "../base/errors.js";
import type { Transcript } from "../base/transcript.js";
import type { RemoteSession } from "../connections/session.js";
import type { RunRecorder } from "./ports.js";

/** Opens a connection by its name; the run's number of the session and its transcript are given. */
export type OpenConnection = (
  name: string,
  context: {
    readonly number: number;
    readonly transcript: Transcript;
    readonly signal: AbortSignal;
    readonly byPerson: boolean;
    readonly warn?: (message: string) => void;
  },
) => Promise<RemoteSession>;

export interface SessionPool {
  /** The run's open session to `connection`; a broken one is replaced. Lines said from now on belong to `task`. */
  get(connection: string, task: string): Promise<RemoteSession>;
  closeAll(): Promise<void>;
  /** Destroys every socket at once; a session opened later is not concerned. */
  destroyAll(): void;
}

export interface PoolOptions {
  readonly run: number;
  /** Whether a person wants the run, now: then each connection is tried once, even if its login was refused just before. */
  readonly byPerson: boolean;
  readonly clock: Clock;
  readonly recorder: RunRecorder;
  readonly open: OpenConnection;
  /** Numbers of sessions go on where an earlier pool of the run ended. */
  readonly counter: { last: number };
  /** Told of what somebody should look at. */
  readonly warn?: (message: string) => void;
  /** What of a connection's transcript is kept. */
  readonly kept: (connection: string) => { readonly sent: boolean; readonly received: boolean };
}

/** The sessions of one run: opened on first use, shared by its tasks, recorded. */
export function createSessionPool(options: PoolOptions): SessionPool {
  const open = new Map<string, { session: RemoteSession; scope: Scope }>();
  const tried = new Set<string>();
  let controller = new AbortController();

  async function connect(connection: string, task: string): Promise<RemoteSession> {
    const scope: Scope = { task, number: ++options.counter.last };
    const { run, recorder } = options;
    const byPerson = options.byPerson && !tried.has(connection);
    tried.add(connection);
    await recorder.record({ type: "session-opened", run, session: scope.number, connection });
    try {
      const transcript = recordingTranscript(options, connection, scope);
      const session = await options.open(connection, {
        number: scope.number,
        transcript,
        signal: controller.signal,
        byPerson,
        warn: (message) => options.warn?.(`${connection}: ${message}`),
      });
      open.set(connection, { session, scope });
      return session;
    } catch (error) {
      await recorder.record({ type: "session-closed", run, session: scope.number, facts: undefined });
      throw error;
    }
  }

  async function close(connection: string): Promise<void> {
    const entry = open.get(connection);
    if (!entry) return;
    open.delete(connection);
    await entry.session.close();
    await options.recorder.record({
      type: "session-closed",
      run: options.run,
      session: entry.scope.number,
      facts: entry.session.facts,
    });
  }

  return {
    async get(connection, task) {
      const entry = open.get(connection);
      if (entry?.session.alive) {
        entry.scope.task = task;
        return entry.session;
      }
      await close(connection);
      return connect(connection, task);
    },
    async closeAll() {
      await Promise.all([...open.keys()].map(close));
    },
    destroyAll() {
      const destroyed = controller;
      controller = new AbortController();
      destroyed.abort(new AgentError("FERRY_CANCELLED", "the session was ended from our side"));
    },
  };
}

interface Scope {
  task: string;
  readonly number: number;
}

/** Commands and requests whose answers say what became of a file. */
const DELIVERING = /^(STOR|APPE|RETR|RNTO|CLOSE|RENAME|POSIX-RENAME)\b/;
const FTP_REFUSAL = /^[45]\d\d[ -]/;
/** What an SSH server says besides refusals, which have many names. */
const SSH_ANSWER = /^(OK|EOF|DATA|HANDLE|NAME|ATTRS|LIMITS|SSH|BANNER|QUESTION|AUTH accepted|\d+)\b/;

function recordingTranscript(options: PoolOptions, connection: string, scope: Scope): Transcript {
  const { run, clock, recorder } = options;
  const kept = options.kept(connection);
  const line = (
    direction: "sent" | "received" | "note",
    text: string,
    channel: "control" | "data" | "ssh" = "control",
  ): void => recorder.line({ run, task: scope.task, session: scope.number, at: clock.now(), channel, direction, text });
  const off = [...(kept.sent ? [] : ["sent"]), ...(kept.received ? [] : ["received"])];
  if (off.length > 0) line("note", `lines ${off.join(" and ")} are not kept, as the connection's \`log\` says`);
  let delivering = false;
  return {
    sent(text, channel) {
      delivering = DELIVERING.test(text);
      if (kept.sent) line("sent", text, channel);
    },
    // Refusals are the evidence of what went wrong, and the replies of deliveries of what went well: always kept.
    received(text, channel = "control") {
      const isRefusal = channel === "ssh" ? !SSH_ANSWER.test(text) : FTP_REFUSAL.test(text);
      if (kept.received || delivering || isRefusal) line("received", text, channel);
    },
    note: (text, channel) => line("note", text, channel),
  };
}
