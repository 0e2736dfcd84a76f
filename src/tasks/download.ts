import { basename, dirname, isAbsolute, join, parse, posix } from "node:path";
import { z } from "zod";
import { AgentError } from "../base/errors.js";
import { safeFileName } from "../base/names.js";
import { type ClaimedTargets, claimedTargets } from "./delivery/claimed-targets.js";
import { deliver } from "./delivery/deliver.js";
import { disposing } from "./delivery/disposing.js";
import { type DownloadOptions, downloadCourier } from "./delivery/download-courier.js";
import { gatherFailures } from "./delivery/failures.js";
import { asError, isSettled, mayDispose, mayTryAgain, refuseUnsettled } from "./delivery/outcome.js";
import { disposeRemote } from "./delivery/remote-disposal.js";
import type { TaskFile } from "./files.js";
import type { Delivery } from "./ledger.js";
import { identityOf, statsIfAny } from "./local-files.js";
import { temporaryName } from "./names.js";
import { whenNothing } from "./select-local.js";
import { asTaskFile, type RemoteFile, selectRemote } from "./select-remote.js";
import { selectionFields, verifyField } from "./selection.js";
import { localTarget } from "./target.js";
import { defineTask, type TaskContext } from "./task.js";

const schema = z.strictObject({
  connection: z.string().describe("Name of the connection to fetch from."),
  ...selectionFields,
  to: z.string().optional().describe("Local folder (ending in /) or file; by default the run's own folder."),
  name: z.string().optional().describe("Local name; a template with file.*; by default the server's."),
  flatten: z.boolean().default(false).describe("Do not keep the folders below the first wildcard."),
  ifExists: z
    .enum(["fail", "overwrite", "skip", "newer", "rename"])
    .default("fail")
    .describe("What to do when the target exists here."),
  publish: z
    .union([
      z.enum(["rename", "direct"]),
      z.strictObject({ temporary: z.string().describe("The temporary's name or path, from the target's folder.") }),
    ])
    .default("rename")
    .describe("How the file gets its final name: rename, direct, or a temporary name of one's own."),
  verify: verifyField.describe("How what came is checked: size or none."),
  preserveTimes: z.boolean().default(true).describe("Keep the server's modification time."),
  mode: z
    .string()
    .regex(/^0?[0-7]{3}$/, "expected permission bits such as '0640'")
    .transform((text) => Number.parseInt(text, 8))
    .optional()
    .describe("Permission bits of the files, such as '0640'; by default the umask's."),
  after: z
    .union([
      z.enum(["keep", "delete"]),
      z.strictObject({ move: z.string().describe("Remote folder (ending in /) or path.") }),
    ])
    .default("keep")
    .describe("What becomes of the server's file once it is here: keep, delete, or move."),
  resume: z.boolean().optional().describe("Later: go on with a file where its transfer broke off."),
});
type DownloadSpec = z.output<typeof schema>;

/** Fetches files from a server: under a temporary name, checked, then renamed; the server's file is put away last. */
export const download = defineTask({
  type: "download",
  description:
    "Fetches files from a server: under a temporary name, checked, then renamed; the server's file is put away last.",
  schema,
  lazy: ["from", "to", "name", "publish", "after"],
  repeatable: true,
  async run(spec, context) {
    const work = await planWork(spec, context);
    if (work.length === 0) return whenNothing(spec, "succeed");
    const courier = downloadCourier(context, optionsOf(spec));
    const targets = claimedTargets(work, (row) => row.localPath);
    const failures = gatherFailures(context.signal);
    const files: TaskFile[] = [];
    let moved = 0;
    for (const item of work) {
      try {
        const row = await plannedRow(context, spec, item, targets);
        const done = isSettled(row) ? row : await deliver(context.ledger, courier, row);
        refuseUnsettled(done, spec.verify);
        if (mayDispose(done, spec.verify)) await putAway(context, spec, done, item.file);
        if (done.state === "skipped") continue;
        moved += 1;
        files.push(...(await fetched(context, done, item.file.folder)));
      } catch (error) {
        failures.add(item.file.path, error);
      }
    }
    failures.throwIfAny(work.length);
    return moved > 0 ? { files } : { files, nothing: `nothing was fetched: all ${work.length} files were skipped` };
  },
});

interface WorkItem {
  readonly file: RemoteFile;
  readonly earlier: Delivery | undefined;
}

async function planWork(spec: DownloadSpec, context: TaskContext): Promise<readonly WorkItem[]> {
  const rows = await context.ledger.ofTask();
  const known = new Map(rows.map((row) => [row.remotePath, row]));
  const remote = await context.session(spec.connection);
  const selected = context.resend ? [] : await selectRemote(context, remote, spec);
  const earlier = [...known.values()].map((row): WorkItem => ({ file: remoteFileOf(row, selected), earlier: row }));
  const fresh = selected
    .filter((file) => !known.has(file.path))
    .map((file): WorkItem => ({ file, earlier: undefined }));
  return [...earlier, ...fresh];
}

function remoteFileOf(row: Delivery, selected: readonly RemoteFile[]): RemoteFile {
  const again = selected.find((file) => file.path === row.remotePath);
  if (again) return again;
  const source = "remote" in row.source ? row.source.remote : undefined;
  const modifiedAt = source?.modifiedAt === undefined ? undefined : new Date(source.modifiedAt);
  return { path: row.remotePath, folder: "", size: source?.size, modifiedAt };
}

async function plannedRow(
  context: TaskContext,
  spec: DownloadSpec,
  { file, earlier }: WorkItem,
  targets: ClaimedTargets,
): Promise<Delivery> {
  context.signal.throwIfAborted();
  const source = { remote: { size: file.size, modifiedAt: file.modifiedAt?.toISOString() } };
  if (earlier?.state === "failed" && earlier.runId === context.run.id) {
    if (!mayTryAgain(earlier)) throw asError(earlier);
    return context.ledger.advance(earlier.id, { state: "planned", source: { ...earlier.source, ...source } });
  }
  if (earlier && earlier.state !== "failed") return earlier;
  const localPath = await localTarget(context, spec, asTaskFile(file), posix.basename(file.path));
  targets.claim(localPath, file.path, spec.ifExists);
  const temporaryPath = await localTemporary(context, spec, file, localPath);
  return context.ledger.plan({
    connection: spec.connection,
    direction: "download",
    localPath,
    remotePath: file.path,
    temporaryPath,
    source,
  });
}

async function localTemporary(
  context: TaskContext,
  spec: DownloadSpec,
  file: RemoteFile,
  localPath: string,
): Promise<string> {
  if (spec.publish === "direct") return localPath;
  const folder = dirname(localPath);
  if (spec.publish === "rename") return join(folder, temporaryName(basename(localPath)));
  const wanted = await context.text(spec.publish.temporary, { file: asTaskFile(file) });
  const base = isAbsolute(wanted) ? parse(wanted).root : folder;
  const parts = wanted.split("/").filter((part) => part !== "");
  const path = join(base, ...parts.map(safeFileName));
  if (path === localPath || parts.length === 0)
    throw new AgentError("FERRY_DEFINITION", `the temporary name of ${localPath} is its final name or a folder's`);
  return path;
}

async function putAway(context: TaskContext, spec: DownloadSpec, delivery: Delivery, file: RemoteFile): Promise<void> {
  const { after } = spec;
  if (after === "keep") return;
  await disposing(context.ledger, delivery, async () => {
    const remote = await context.session(spec.connection);
    await context.ledger.disposed(delivery.id, await disposeRemote(context, remote, after, delivery, file));
  });
}

/** What the next tasks get. A file that was taken away at once, or since, is left out. */
async function fetched(
  context: TaskContext,
  { localPath: path }: Delivery,
  folder: string,
): Promise<readonly TaskFile[]> {
  const stats = await statsIfAny(path);
  if (!stats?.isFile()) {
    context.log("info", `${path} was fetched, and has been taken away`);
    return [];
  }
  const identity = identityOf(stats);
  return [{ path, folder, identity, origins: [{ path, identity }] }];
}

function optionsOf(spec: DownloadSpec): DownloadOptions {
  return {
    connection: spec.connection,
    ifExists: spec.ifExists,
    direct: spec.publish === "direct",
    verify: spec.verify,
    preserveTimes: spec.preserveTimes,
    mode: spec.mode,
  };
}
