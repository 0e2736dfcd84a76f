import { createHash } from "node:crypto";
import { posix } from "node:path";
import { AgentError } from "../../base/errors.js";
import type { RemoteSession, Reply } from "../../connections/session.js";
import type { TaskFile } from "../files.js";
import type { Delivery } from "../ledger.js";
import { freeName, temporaryName } from "../names.js";
import type { TaskContext } from "../task.js";
import type { ClaimedTargets } from "./claimed-targets.js";
import type { Checked, Courier, NotPublished, Prepared } from "./deliver.js";
import type { Finding, Look } from "./recovery.js";
import { hashedSource, hashSource } from "./source.js";

export interface UploadOptions {
  readonly connection: string;
  readonly ifExists: "fail" | "overwrite" | "skip" | "newer" | "rename";
  readonly direct: boolean;
  /** The temporary's name is the definition's: what stands there may be of somebody else. */
  readonly fixedTemporary: boolean;
  readonly verify: "size" | "none";
  readonly createDirectories: boolean;
  readonly preserveTimes: boolean;
  readonly onInDoubt: "hold" | "resend";
}

/** What a server says of a rename that it did not do. */
const REFUSALS: ReadonlySet<string> = new Set([
  "FERRY_TARGET_EXISTS",
  "FERRY_SERVER_REFUSED",
  "FERRY_SERVER_BUSY",
  "FERRY_SERVER_DISK_FULL",
  "FERRY_REMOTE_NOT_FOUND",
  "FERRY_REMOTE_REFUSED",
  "FERRY_NAME_REFUSED",
]);

/** Brings local files to a server. */
export function uploadCourier(context: TaskContext, options: UploadOptions, targets: ClaimedTargets): Courier {
  const session = (): Promise<RemoteSession> => context.session(options.connection);
  const made = new Set<string>();
  let asked: RemoteSession | undefined;
  return {
    begun: "sending",
    arrived: "sent",
    direct: options.direct ? { wasAbsent: !replaces(options), local: false } : undefined,
    onInDoubt: options.onInDoubt,
    verify: options.verify,
    async prepare(delivery) {
      const remote = await session();
      const prepared = await applyIfExists(remote, delivery, options);
      if ("skip" in prepared) return prepared;
      const chosen = { ...delivery, ...prepared.change };
      // Whoever looks for the file later does not know in which folder the session worked.
      const remotePath = remote.absolute(chosen.remotePath);
      const temporaryPath = remote.absolute(chosen.temporaryPath);
      // Of an earlier try, the targets are known as the server knows them.
      targets.claim(remotePath, delivery.localPath, options.ifExists);
      for (const folder of [posix.dirname(remotePath), posix.dirname(temporaryPath)]) {
        if (!options.createDirectories || folder === "." || folder === "/" || made.has(folder)) continue;
        await remote.makeDirectory(folder);
        made.add(folder);
      }
      if (options.fixedTemporary) await removeLeft(remote, temporaryPath);
      return { change: { ...prepared.change, remotePath, temporaryPath } };
    },
    async send(delivery) {
      const remote = await session();
      const file = fileOf(delivery);
      const source = await hashedSource(delivery.localPath, file.identity);
      try {
        const receipt = await remote.upload(source.bytes, delivery.temporaryPath, {
          onBytes: progress(context, file),
        });
        return await settle(context, options, remote, delivery, { ...source.result(), reply: receipt.reply });
      } finally {
        await source.close();
      }
    },
    async check(delivery) {
      const remote = await session();
      const hashed = await hashSource(delivery.localPath, fileOf(delivery).identity);
      return settle(context, options, remote, delivery, { ...hashed, reply: "complete on the server" });
    },
    async look(delivery) {
      const remote = await session();
      const expected = delivery.bytes ?? fileOf(delivery).identity.size;
      const final = await lookAt(remote, delivery.remotePath, expected);
      if (options.direct) return { final, temporary: final } satisfies Finding;
      const seen = await lookAt(remote, delivery.temporaryPath, expected);
      // Under a name that several files use, one of the right size may be another's: then ours is not there.
      const isOurs = !options.fixedTemporary || (seen === "complete" && (await hasContent(remote, delivery)));
      return { final, temporary: isOurs ? seen : "absent" } satisfies Finding;
    },
    async publish(delivery) {
      asked = undefined;
      asked = await session();
      return asked.rename(delivery.temporaryPath, delivery.remotePath, { replace: replaces(options) });
    },
    judge: async (_, error) => judged(asked, error),
    async discard(delivery) {
      // Written over an older file there is nothing that would be better than what stands there.
      if (options.direct && replaces(options)) return;
      try {
        await (await session()).remove(delivery.temporaryPath);
      } catch (error) {
        context.log("debug", `${delivery.temporaryPath} could not be removed: ${String(error)}`);
      }
    },
  };
}

/** `asked`: the session of the rename; undefined where none could be had. */
function judged(asked: RemoteSession | undefined, error: AgentError): NotPublished {
  if (asked?.alive && REFUSALS.has(error.code)) return "refused";
  return asked === undefined || error.nothingDone ? "not-begun" : "in-doubt";
}

/** A file that was left under the temporary's name could pass for ours, were it of the same size. */
async function removeLeft(remote: RemoteSession, temporaryPath: string): Promise<void> {
  if (await remote.stat(temporaryPath)) await remote.remove(temporaryPath);
}

/** Whether the temporary is the source, byte for byte. */
async function hasContent(remote: RemoteSession, delivery: Delivery): Promise<boolean> {
  const hash = createHash("sha256");
  await remote.download(delivery.temporaryPath, { write: async (chunk) => void hash.update(chunk) });
  const ours = await hashSource(delivery.localPath, fileOf(delivery).identity);
  return hash.digest("hex") === ours.sha256;
}

async function applyIfExists(remote: RemoteSession, delivery: Delivery, options: UploadOptions): Promise<Prepared> {
  if (options.ifExists === "overwrite") return {};
  const existing = await remote.stat(delivery.remotePath);
  if (!existing) return {};
  const exists = `${delivery.remotePath} exists already on the server`;
  switch (options.ifExists) {
    case "skip":
      return { skip: exists };
    case "newer": {
      const source = Number(BigInt(fileOf(delivery).identity.mtimeNs) / 1_000_000n);
      if (existing.modifiedAt === undefined)
        throw new AgentError("FERRY_TARGET_EXISTS", `${exists}, and the server does not tell its time`);
      // Servers keep whole seconds.
      return Math.floor(source / 1000) > Math.floor(existing.modifiedAt.getTime() / 1000)
        ? {}
        : { skip: `${exists} and is not older` };
    }
    case "rename": {
      const folder = posix.dirname(delivery.remotePath);
      const name = await freeName(
        posix.basename(delivery.remotePath),
        async (candidate) => (await remote.stat(posix.join(folder, candidate))) !== undefined,
      );
      const remotePath = posix.join(folder, name);
      const temporaryPath = options.direct
        ? remotePath
        : posix.join(posix.dirname(delivery.temporaryPath), temporaryName(name));
      return { change: { remotePath, temporaryPath } };
    }
    default:
      throw new AgentError("FERRY_TARGET_EXISTS", exists);
  }
}

async function settle(
  context: TaskContext,
  options: UploadOptions,
  remote: RemoteSession,
  delivery: Delivery,
  sent: { bytes: number; sha256: string; reply: Reply },
): Promise<Checked> {
  if (options.preserveTimes) await preserveTime(context, remote, delivery);
  if (options.verify === "none") return { ...sent, verifiedBy: undefined };
  const size = await remote.size(delivery.temporaryPath);
  if (size !== undefined && size.bytes !== sent.bytes) {
    throw new AgentError(
      "FERRY_SIZE_MISMATCH",
      `${delivery.temporaryPath}: the server has ${size.bytes} of ${sent.bytes} bytes`,
    );
  }
  return { ...sent, verifiedBy: size?.by };
}

/** A server that does not let the time be set has the file all the same: said, and gone on. */
async function preserveTime(context: TaskContext, remote: RemoteSession, delivery: Delivery): Promise<void> {
  const modified = new Date(Number(BigInt(fileOf(delivery).identity.mtimeNs) / 1_000_000n));
  try {
    await remote.setModifiedAt?.(delivery.temporaryPath, modified);
  } catch (error) {
    if (!remote.alive) throw error;
    context.log("info", `${delivery.temporaryPath}: the server did not keep the time: ${String(error)}`);
  }
}

async function lookAt(remote: RemoteSession, path: string, expected: number): Promise<Look> {
  const entry = await remote.stat(path);
  if (!entry) return "absent";
  const size = entry.size ?? (await remote.size(path))?.bytes;
  return entry.type === "file" && size === expected ? "complete" : "other";
}

export function fileOf(delivery: Delivery): TaskFile {
  if ("file" in delivery.source) return delivery.source.file;
  throw new AgentError("FERRY_BUG", `the upload ${delivery.id} has no local source`);
}

function replaces(options: UploadOptions): boolean {
  return options.ifExists === "overwrite" || options.ifExists === "newer";
}

function progress(context: TaskContext, file: TaskFile): (count: number) => void {
  let sent = 0;
  return (count) => {
    sent += count;
    context.progress({ file: file.path, bytes: sent, total: file.identity.size });
  };
}
