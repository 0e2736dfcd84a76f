import { join } from "node:path";
import { afterAll, beforeAll } from "vitest";
import { AgentError } from "../../../src/base/errors.js";
import type { RemoteSession } from "../../../src/connections/session.js";

/** A server of the driver under test, for the whole suite. */
export interface ContractServer {
  /** Opens a session that settles in `root`. Aborting `signal` destroys it. */
  open(signal?: AbortSignal): Promise<RemoteSession>;
  /** The folder on disk that relative paths start at. */
  readonly root: string;
  stop(): Promise<void>;
}

/** What a certain server cannot do; each a known limit of that server, never of a driver. */
export interface ContractOptions {
  /** Names that this server itself does not take. */
  readonly refusesNames?: readonly string[];
  /** How it tells sizes; `undefined` in the list where it may not tell at all. */
  readonly sizeBy?: readonly ("size" | "size-list" | undefined)[];
  /** False where everything is permitted (the tests run as root on a local folder). */
  readonly canRefuse?: boolean;
  /** True where times can be set, so that a driver cannot forget the method. */
  readonly hasModifiedAt?: boolean;
}

/** One server and one shared session; a folder of its own for each test. */
export interface Workshop {
  session(): Promise<RemoteSession>;
  fresh(signal?: AbortSignal): Promise<RemoteSession>;
  /** A new folder on the server: its remote path and where it is on disk. */
  folder(): Promise<{ readonly remote: RemoteSession; readonly path: string; readonly disk: string }>;
}

export function workshop(start: () => Promise<ContractServer>): Workshop {
  let server: ContractServer;
  let shared: RemoteSession | undefined;
  const others: RemoteSession[] = [];
  let count = 0;
  beforeAll(async () => {
    server = await start();
  });
  afterAll(async () => {
    for (const session of [shared, ...others]) await session?.close();
    await server?.stop();
  });
  const session = async (): Promise<RemoteSession> => {
    if (!shared?.alive) shared = await server.open();
    return shared;
  };
  return {
    session,
    async fresh(signal) {
      const opened = await server.open(signal);
      others.push(opened);
      return opened;
    },
    async folder() {
      const remote = await session();
      const path = `test-${++count}`;
      await remote.makeDirectory(path);
      return { remote, path, disk: join(server.root, path) };
    },
  };
}

/** The code of the failure; what is not an AgentError is shown as it is, and so fails the comparison. */
export async function codeOf(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => "no failure",
    (error: unknown) => (error instanceof AgentError ? error.code : String(error)),
  );
}
