import { posix } from "node:path";
import { safeRemotePath } from "../../base/names.js";

/** The folder that `257 "/a ""b"" c" is current` names: quotes within are doubled (RFC 959). */
export function parsePwd(line: string): string | undefined {
  const match = /^257[ -][^"]*"((?:[^"]|"")*)"/.exec(line);
  const path = match?.[1]?.replaceAll('""', '"') ?? /^257 (\/\S*)/.exec(line)?.[1];
  return path === undefined || path === "" ? undefined : path;
}

/** `path` as it is sent: absolute, so that no command depends on the one before, and none is taken for an option. */
export function resolvePath(path: string, base: string): string {
  const safe = safeRemotePath(path);
  const normal = posix.normalize(safe.startsWith("/") ? safe : `${base}/${safe}`);
  return normal.length > 1 && normal.endsWith("/") ? normal.slice(0, -1) : normal;
}

export const nameOf = (path: string): string => posix.basename(path) || path;
export const folderOf = (path: string): string => posix.dirname(path);
