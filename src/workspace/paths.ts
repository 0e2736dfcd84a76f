import { join } from "node:path";

/** Where everything of a workspace lies; all absolute. */
export interface WorkspacePaths {
  readonly root: string;
  readonly settings: string;
  readonly connections: string;
  readonly connectionsFolder: string;
  readonly jobsFolder: string;
  readonly calendarsFolder: string;
  /** The folder of the state, `.ferry`. */
  readonly state: string;
  readonly history: string;
  readonly vault: string;
  readonly trust: string;
  readonly certificates: string;
  readonly keys: string;
  readonly logs: string;
  /** The runs' own folders. */
  readonly work: string;
  readonly lock: string;
  readonly socket: string;
}

export function workspacePaths(root: string): WorkspacePaths {
  const state = join(root, ".ferry");
  return {
    root,
    settings: join(root, "ferry.yaml"),
    connections: join(root, "connections.yaml"),
    connectionsFolder: join(root, "connections"),
    jobsFolder: join(root, "jobs"),
    calendarsFolder: join(root, "calendars"),
    state,
    history: join(state, "history.db"),
    vault: join(state, "vault.age"),
    trust: join(state, "trust.yaml"),
    certificates: join(state, "certificates"),
    keys: join(state, "keys"),
    logs: join(state, "logs"),
    work: join(state, "work"),
    lock: join(state, "agent.lock"),
    socket: join(state, "agent.sock"),
  };
}
