import { type BigIntStats, constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { AgentError, systemCode } from "../base/errors.js";

export interface PrivateFile {
  readonly content: Buffer;
  readonly stats: BigIntStats;
}

/** `own`: only its owner, who is us, may read it. `credential`: handed over by systemd, which may keep it as root's. */
export type Keeper = "own" | "credential";

/**
 * Reads a file that nobody else may read; undefined when there is none. A link, another owner and wider permissions are
 * refused with FERRY_UNSAFE_PERMISSIONS, what cannot be read otherwise with FERRY_VAULT.
 */
export async function readPrivateFile(path: string, keeper: Keeper): Promise<PrivateFile | undefined> {
  const handle = await openItself(path);
  if (!handle) return undefined;
  try {
    const stats = await handle.stat({ bigint: true });
    refuseUnsafe(path, stats, keeper);
    return { content: await handle.readFile(), stats };
  } catch (error) {
    throw unreadable(path, error);
  } finally {
    await handle.close();
  }
}

async function openItself(path: string): Promise<FileHandle | undefined> {
  try {
    // Not blocking: a pipe under this name would wait for a writer.
    return await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    if (systemCode(error) === "ENOENT") return undefined;
    if (systemCode(error) === "ELOOP") throw unsafe(path, "is a link", "put the file itself there");
    throw unreadable(path, error);
  }
}

function refuseUnsafe(path: string, stats: BigIntStats, keeper: Keeper): void {
  if (!stats.isFile()) throw unsafe(path, "is not a regular file", "put a regular file there");
  const user = BigInt(process.getuid?.() ?? 0);
  const owned = stats.uid === user || (keeper === "credential" && stats.uid === 0n);
  if (!owned) throw unsafe(path, `belongs to the user with the number ${stats.uid}`, `chown it to the user ${user}`);
  // systemd grants a service's user by an access list, which shows as the group's permission.
  const others = stats.mode & (keeper === "credential" ? 0o007n : 0o077n);
  if (others !== 0n) throw unsafe(path, "can be read or written by others", `chmod 600 ${path}`);
}

function unsafe(path: string, what: string, hint: string): AgentError {
  return new AgentError("FERRY_UNSAFE_PERMISSIONS", `${path} ${what}`, { where: path, hint });
}

function unreadable(path: string, error: unknown): AgentError {
  if (error instanceof AgentError) return error;
  return new AgentError("FERRY_VAULT", `${path} cannot be read`, { cause: error, where: path });
}
