import { createHash } from "node:crypto";
import { constants } from "node:fs";
import { open, rm, utimes } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { AgentError } from "../../base/errors.js";
import type { RemoteEntry, RemoteSession } from "../../connections/session.js";
import type { Delivery } from "../ledger.js";
import { exists, makeFolder, publishLocal, statsIfAny, translateSystemError } from "../local-files.js";
import { temporaryName } from "../names.js";
import { chooseTarget } from "../target.js";
import type { TaskContext } from "../task.js";
import type { Checked, Courier, Prepared } from "./deliver.js";
import type { Look } from "./recovery.js";

export interface DownloadOptions {
  readonly connection: string;
  readonly ifExists: "fail" | "overwrite" | "skip" | "newer" | "rename";
  readonly direct: boolean;
  readonly verify: "size" | "none";
  readonly preserveTimes: boolean;
  /** Permission bits of the file; by default the umask's. */
  readonly mode: number | undefined;
}

/** Brings files of a server here. */
export function downloadCourier(context: TaskContext, options: DownloadOptions): Courier {
  const session = (): Promise<RemoteSession> => context.session(options.connection);
  return {
    begun: "receiving",
    arrived: "received",
    direct: options.direct ? { wasAbsent: !replaces(options), local: true } : undefined,
    onInDoubt: "hold",
    verify: options.verify,
    prepare: (delivery) => applyIfExists(delivery, options),
    async send(delivery) {
      const remote = await session();
      const before = await remote.stat(delivery.remotePath);
      if (!before) throw new AgentError("FERRY_REMOTE_NOT_FOUND", `${delivery.remotePath} is not there any more`);
      try {
        const received = await receive(context, remote, delivery, options);
        return await confirm(remote, delivery, options, before, received);
      } catch (error) {
        // It is fetched from its beginning again, if at all: whatever ended it, nothing of it stays in the folder.
        if (!options.direct) await discard(delivery);
        throw error;
      }
    },
    // What lies here unconfirmed is fetched again: only the server knows what it would have sent.
    check: (delivery) =>
      Promise.reject(new AgentError("FERRY_BUG", `the download ${delivery.id} cannot be checked without fetching it`)),
    async look(delivery) {
      const final = await lookAt(delivery.localPath, delivery.bytes);
      if (options.direct) return { final, temporary: final };
      // The rename here is a link and an unlink: a crash between them leaves one file under both names.
      if (await sameInode(delivery.temporaryPath, delivery.localPath)) await rm(delivery.temporaryPath);
      const temporary = await lookAt(delivery.temporaryPath, delivery.bytes);
      return { final, temporary: delivery.state === "receiving" && temporary === "complete" ? "other" : temporary };
    },
    async publish(delivery) {
      await publishLocal(delivery.temporaryPath, delivery.localPath, { replace: replaces(options) });
      return delivery.reply ?? "renamed here";
    },
    // While the temporary is there, it did not get its name.
    judge: async (delivery) => ((await exists(delivery.temporaryPath)) ? "refused" : "in-doubt"),
    async discard(delivery) {
      // Written over an older file there is nothing that would be better than what stands there.
      if (!options.direct || !replaces(options)) await discard(delivery);
    },
  };
}

async function discard(delivery: Delivery): Promise<void> {
  await rm(delivery.temporaryPath, { force: true }).catch(() => undefined);
}

/** The target's own folders were made when it was chosen. */
async function applyIfExists(delivery: Delivery, options: DownloadOptions): Promise<Prepared> {
  await makeFolder(dirname(delivery.temporaryPath));
  const modifiedAt = "remote" in delivery.source ? delivery.source.remote.modifiedAt : undefined;
  const { localPath } = delivery;
  if (options.ifExists === "newer" && modifiedAt === undefined && (await exists(localPath))) {
    const message = `${localPath} exists already, and the server does not tell the time of its file`;
    throw new AgentError("FERRY_TARGET_EXISTS", message);
  }
  const mtimeNs = modifiedAt === undefined ? 0n : BigInt(new Date(modifiedAt).getTime()) * 1_000_000n;
  const chosen = await chooseTarget(localPath, options.ifExists, String(mtimeNs));
  if (chosen === undefined) return { skip: `${localPath} exists already` };
  if (chosen.path === localPath) return {};
  const temporaryPath = options.direct ? chosen.path : join(dirname(chosen.path), temporaryName(basename(chosen.path)));
  return { change: { localPath: chosen.path, temporaryPath } };
}

interface Received {
  readonly bytes: number;
  readonly sha256: string;
  readonly reply: string;
}

async function receive(
  context: TaskContext,
  remote: RemoteSession,
  delivery: Delivery,
  options: DownloadOptions,
): Promise<Received> {
  const hash = createHash("sha256");
  let count = 0;
  // Afresh and exclusively: a link or a file that somebody put there meanwhile is not written through.
  await rm(delivery.temporaryPath, { force: true });
  const flags = constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY | constants.O_NOFOLLOW;
  const handle = await open(delivery.temporaryPath, flags, options.mode ?? 0o666).catch((error: unknown) => {
    throw translateSystemError(error, delivery.temporaryPath);
  });
  try {
    const receipt = await remote.download(delivery.remotePath, {
      async write(chunk) {
        hash.update(chunk);
        await handle.writeFile(chunk).catch((error: unknown) => {
          throw translateSystemError(error, delivery.temporaryPath);
        });
        count += chunk.length;
        context.progress({ file: delivery.remotePath, bytes: count, total: undefined });
      },
    });
    if (options.mode !== undefined) await handle.chmod(options.mode);
    await handle.sync().catch((error: unknown) => {
      throw translateSystemError(error, delivery.temporaryPath);
    });
    return { bytes: count, sha256: hash.digest("hex"), reply: receipt.reply };
  } finally {
    await handle.close();
  }
}

/** The server's file must have been the same before and after, and as long as what came. */
async function confirm(
  remote: RemoteSession,
  delivery: Delivery,
  options: DownloadOptions,
  before: RemoteEntry,
  received: Received,
): Promise<Checked> {
  const after = await remote.stat(delivery.remotePath);
  const changed = after && (after.size !== before.size || after.modifiedAt?.getTime() !== before.modifiedAt?.getTime());
  if (changed) throw new AgentError("FERRY_SOURCE_CHANGED", `${delivery.remotePath} changed while it was read`);
  if (options.preserveTimes && before.modifiedAt)
    await utimes(delivery.temporaryPath, before.modifiedAt, before.modifiedAt);
  const source = { remote: { size: received.bytes, modifiedAt: before.modifiedAt?.toISOString() } };
  if (options.verify === "none") return { ...received, verifiedBy: undefined, source };
  const size = after
    ? await remote.size(delivery.remotePath)
    : before.size === undefined
      ? undefined
      : { bytes: before.size, by: "size" as const };
  if (size && size.bytes !== received.bytes) {
    throw new AgentError(
      "FERRY_SIZE_MISMATCH",
      `${delivery.remotePath}: ${received.bytes} of ${size.bytes} bytes arrived`,
    );
  }
  return { ...received, verifiedBy: size?.by, source };
}

async function lookAt(path: string, expected: number | undefined): Promise<Look> {
  const found = await statsIfAny(path);
  if (!found) return "absent";
  return found.isFile() && Number(found.size) === expected ? "complete" : "other";
}

async function sameInode(a: string, b: string): Promise<boolean> {
  const [one, other] = [await statsIfAny(a), await statsIfAny(b)];
  return one !== undefined && other !== undefined && one.ino === other.ino && one.dev === other.dev;
}

function replaces(options: DownloadOptions): boolean {
  return options.ifExists === "overwrite" || options.ifExists === "newer";
}
