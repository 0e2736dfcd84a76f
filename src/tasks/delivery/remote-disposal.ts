import { posix } from "node:path";
import { AgentError } from "../../base/errors.js";
import { safeRemotePath } from "../../base/names.js";
import type { RemoteSession } from "../../connections/session.js";
import type { Delivery } from "../ledger.js";
import { freeName } from "../names.js";
import { asTaskFile, type RemoteFile } from "../select-remote.js";
import { renderedPath } from "../target.js";
import type { TaskContext } from "../task.js";

export type RemoteAfter = "keep" | "delete" | { readonly move: string };

/**
 * Deletes or moves a server's file that was fetched, and gives its new path. One that is gone already was put away before
 * a crash, or by the partner; another file that has come under its name meanwhile is not touched.
 */
export async function disposeRemote(
  context: TaskContext,
  remote: RemoteSession,
  after: RemoteAfter,
  delivery: Delivery,
  file: RemoteFile,
): Promise<string | undefined> {
  const wanted = typeof after === "object" ? await movedPath(context, after.move, file) : undefined;
  const there = await remote.stat(delivery.remotePath);
  if (!there) return wanted;
  if (!isFetched(delivery, there)) {
    throw new AgentError(
      "FERRY_DISPOSAL_FAILED",
      `${delivery.remotePath} is another file than the one that was fetched`,
    );
  }
  if (wanted !== undefined) return moveAway(remote, delivery.remotePath, wanted);
  await remote.remove(delivery.remotePath);
}

function isFetched(
  delivery: Delivery,
  there: { readonly size: number | undefined; readonly modifiedAt: Date | undefined },
): boolean {
  const fetched = "remote" in delivery.source ? delivery.source.remote : undefined;
  const size = delivery.bytes ?? fetched?.size;
  const sameSize = size === undefined || there.size === undefined || size === there.size;
  const times = [fetched?.modifiedAt, there.modifiedAt?.toISOString()];
  return sameSize && (times.includes(undefined) || times[0] === times[1]);
}

async function movedPath(context: TaskContext, template: string, file: RemoteFile): Promise<string> {
  const to = await renderedPath(context, template, asTaskFile(file));
  return safeRemotePath(to.endsWith("/") ? posix.join(to, posix.basename(file.path)) : to);
}

async function moveAway(remote: RemoteSession, from: string, wanted: string): Promise<string> {
  const folder = posix.dirname(wanted);
  await remote.makeDirectory(folder);
  const taken = async (name: string): Promise<boolean> => (await remote.stat(posix.join(folder, name))) !== undefined;
  const name = posix.basename(wanted);
  const to = posix.join(folder, (await taken(name)) ? await freeName(name, taken) : name);
  await remote.rename(from, to);
  return to;
}
