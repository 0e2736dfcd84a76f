import { closeSync, openSync } from "node:fs";
import { basename, dirname } from "node:path";

/** What fits into `sockaddr_un` on every system, with its closing zero. */
const LONGEST = 100;

/**
 * A path by which the agent's socket can be bound or reached: workspaces lie deeper than the 107 bytes that a socket's
 * address may have, so a long one goes by way of an open folder (Linux). `done` closes it.
 */
export function socketAddress(path: string): { readonly address: string; done(): void } {
  if (Buffer.byteLength(path) <= LONGEST || process.platform !== "linux") return { address: path, done() {} };
  const folder = openSync(dirname(path), "r");
  return { address: `/proc/self/fd/${folder}/${basename(path)}`, done: () => closeSync(folder) };
}
