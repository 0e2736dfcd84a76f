import type { Folder } from "../folder.js";
import type { DataChannel } from "./data.js";

/** One control connection, as its commands see it. */
export interface Session {
  readonly user: string;
  readonly password: string;
  readonly folder: Folder;
  readonly data: DataChannel;
  /** Answers with one line. */
  reply(code: number, text: string): void;
  /** Answers with several: `code-first`, the lines between, `code last`. */
  replyLines(code: number, first: string, between: readonly string[], last: string): void;
  /** Answers AUTH, then goes on under TLS. */
  startTls(reply: string): void;
  /** Closes after what was said. */
  end(): void;
  secured: boolean;
  protectedData: boolean;
  named: string | undefined;
  loggedIn: boolean;
  refusedLogins: number;
  /** The virtual working directory. */
  directory: string;
  restartAt: number;
  renameFrom: string | undefined;
}

export type Command = (session: Session, argument: string) => void | Promise<void>;

/** The absolute virtual path of a command's argument. */
export function pathOf({ folder, directory }: Session, argument: string): string {
  return folder.absolute(argument, directory);
}
