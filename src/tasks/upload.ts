import { z } from "zod";
import { type ClaimedTargets, claimedTargets } from "./delivery/claimed-targets.js";
import { deliver } from "./delivery/deliver.js";
import { disposing } from "./delivery/disposing.js";
import { type Failures, gatherFailures } from "./delivery/failures.js";
import { asError, isSettled, mayDispose, mayTryAgain, refuseUnsettled } from "./delivery/outcome.js";
import { remoteTarget } from "./delivery/remote-target.js";
import { fileOf, type UploadOptions, uploadCourier } from "./delivery/upload-courier.js";
import { afterSchema, disposeSource } from "./dispose.js";
import type { TaskFile } from "./files.js";
import type { Delivery } from "./ledger.js";
import { selectLocal, whenNothing } from "./select-local.js";
import { selectionFields, verifyField } from "./selection.js";
import { defineTask, type TaskContext, type TaskResult } from "./task.js";

const schema = z.strictObject({
  connection: z.string().describe("Name of the connection to send to."),
  ...selectionFields,
  to: z.string().optional().describe("Remote folder (ending in /) or file; by default the connection's directory."),
  name: z.string().optional().describe("Name on the server; a template with file.*; by default the file's own."),
  flatten: z.boolean().default(false).describe("Do not keep the folders below the first wildcard."),
  ifExists: z
    .enum(["fail", "overwrite", "skip", "newer", "rename"])
    .default("fail")
    .describe("What to do when the target exists on the server."),
  publish: z
    .union([
      z.enum(["rename", "direct"]),
      z.strictObject({ temporary: z.string().describe("The temporary's name or path.") }),
    ])
    .default("rename")
    .describe("How the file gets its final name: rename, direct, or a temporary name of one's own."),
  verify: verifyField.describe("How the server's copy is checked: size or none."),
  createDirectories: z.boolean().default(false).describe("Make the folders of the target where they are missing."),
  preserveTimes: z.boolean().default(true).describe("Keep the file's modification time where the server can."),
  after: afterSchema.default("keep").describe("What becomes of the source once it is delivered."),
  onInDoubt: z
    .enum(["hold", "resend"])
    .default("hold")
    .describe("When nobody can tell whether the file arrived: hold it for a person, or send it again."),
  resume: z.boolean().optional().describe("Later: go on with a file where its transfer broke off."),
  marker: z.string().optional().describe("Later: an empty file that is made once the file is delivered."),
  batch: z.boolean().optional().describe("Later: no file becomes visible until all are complete."),
  duplicates: z
    .enum(["allow", "skip", "hold", "fail"])
    .optional()
    .describe("Later: what becomes of content that was delivered before."),
});
type UploadSpec = z.output<typeof schema>;

/** Sends files to a server: under a temporary name, checked, then renamed; the source is put away last. */
export const upload = defineTask({
  type: "upload",
  description: "Sends files to a server: under a temporary name, checked, then renamed; the source is put away last.",
  schema,
  lazy: ["from", "to", "name", "publish", "after"],
  repeatable: true,
  async run(spec, context) {
    const failures = gatherFailures(context.signal);
    const work = await planWork(spec, context, failures);
    if (work.length === 0 && failures.count() === 0) return whenNothing(spec, "fail");
    const refused = failures.count();
    const targets = claimedTargets(work, (row) => row.remotePath);
    const courier = uploadCourier(context, optionsOf(spec), targets);
    const sent: TaskFile[] = [];
    for (const item of work) {
      try {
        const row = await plannedRow(context, spec, item, targets);
        const done = isSettled(row) ? row : await deliver(context.ledger, courier, row);
        refuseUnsettled(done, spec.verify);
        if (mayDispose(done, spec.verify)) await putAway(context, spec, done);
        if (done.state !== "skipped") sent.push(fileOf(done));
      } catch (error) {
        failures.add(item.file.path, error);
      }
    }
    failures.throwIfAny(work.length + refused);
    return result(sent, work.length);
  },
});

interface WorkItem {
  readonly file: TaskFile;
  /** What the ledger has of it: from an earlier attempt, or from the run that this one continues. */
  readonly earlier: Delivery | undefined;
}

/** What the ledger has open or done, and what matches besides. */
async function planWork(spec: UploadSpec, context: TaskContext, failures: Failures): Promise<readonly WorkItem[]> {
  const rows = await context.ledger.ofTask();
  const known = new Map(rows.map((row) => [row.localPath, row]));
  const selected = context.resend ? [] : await selectLocal(context, spec, failures.add);
  const again = new Map(selected.map((file) => [file.path, file]));
  const earlier = [...known.values()].map(
    (row): WorkItem => ({ file: retryFile(row, again.get(row.localPath)), earlier: row }),
  );
  const fresh = selected
    .filter((file) => !known.has(file.path))
    .map((file): WorkItem => ({ file, earlier: undefined }));
  return [...earlier, ...fresh];
}

/** A file that failed is taken as it is now: it may have been the change that made it fail. */
function retryFile(row: Delivery, now: TaskFile | undefined): TaskFile {
  return row.state === "failed" && now ? now : fileOf(row);
}

async function plannedRow(
  context: TaskContext,
  spec: UploadSpec,
  { file, earlier }: WorkItem,
  targets: ClaimedTargets,
): Promise<Delivery> {
  context.signal.throwIfAborted();
  if (earlier?.state === "failed" && earlier.runId === context.run.id) {
    if (!mayTryAgain(earlier)) throw asError(earlier);
    return context.ledger.advance(earlier.id, { state: "planned", source: { ...earlier.source, file } });
  }
  if (earlier && earlier.state !== "failed") return earlier;
  const target = await remoteTarget(context, spec, file);
  targets.claim(target.remotePath, file.path, spec.ifExists);
  return context.ledger.plan({
    connection: spec.connection,
    direction: "upload",
    localPath: file.path,
    source: { file },
    ...target,
  });
}

async function putAway(context: TaskContext, spec: UploadSpec, delivery: Delivery): Promise<void> {
  const file = fileOf(delivery);
  await disposing(context.ledger, delivery, async () => {
    let to: string | undefined;
    for (const origin of file.origins) to = await disposeSource(context, origin, spec.after, file);
    // Moved to where it lay, it was not moved.
    const stays = file.origins.some((origin) => origin.path === to);
    if (spec.after !== "keep" && !stays) await context.ledger.disposed(delivery.id, to);
  });
}

function optionsOf(spec: UploadSpec): UploadOptions {
  return {
    connection: spec.connection,
    ifExists: spec.ifExists,
    direct: spec.publish === "direct",
    fixedTemporary: typeof spec.publish === "object",
    verify: spec.verify,
    createDirectories: spec.createDirectories,
    preserveTimes: spec.preserveTimes,
    onInDoubt: spec.onInDoubt,
  };
}

function result(sent: readonly TaskFile[], total: number): TaskResult {
  return sent.length > 0
    ? { files: sent }
    : { files: [], nothing: `nothing was sent: all ${total} files were skipped` };
}
