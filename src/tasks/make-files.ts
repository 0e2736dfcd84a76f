import { basename } from "node:path";
import { gatherFailures } from "./delivery/failures.js";
import type { TaskFile } from "./files.js";
import { identityOf, sameContent, statsIfAny } from "./local-files.js";
import { type OutputSpec, openOutput } from "./output.js";
import { type LocalSelection, selectLocal, whenNothing } from "./select-local.js";
import type { TaskContext, TaskResult } from "./task.js";

export interface Maker {
  /** The name of what is made of `name`, where the task does not say another one. */
  rename(name: string): string;
  /** Writes what is made of `source` to a path that does not exist yet. */
  write(source: TaskFile, temporary: string): Promise<void>;
  /** What becomes of `source` once the new file is durable. */
  after?(source: TaskFile): Promise<unknown>;
}

type MakeSpec = LocalSelection & OutputSpec & { readonly onEmpty?: "fail" | "warn" | "succeed" | undefined };

/**
 * Makes one file of each that the task picks. One that fails does not stop the others; the task fails at the end. A
 * further attempt goes on where the last one ended: see `Made`.
 */
export async function makeFiles(context: TaskContext, spec: MakeSpec, maker: Maker): Promise<TaskResult> {
  const failures = gatherFailures(context.signal);
  let refused = 0;
  const sources = await selectLocal(context, spec, (path, error) => {
    refused++;
    failures.add(path, error);
  });
  const output = await openOutput(context, spec);
  const files = [...(await output.made.besides(sources))];
  if (sources.length + files.length + refused === 0) return whenNothing(spec, "succeed");
  for (const source of sources) {
    context.signal.throwIfAborted();
    try {
      const file = await output.write(source, maker.rename(basename(source.path)), (temporary) =>
        maker.write(source, temporary),
      );
      if (file === undefined) continue;
      await maker.after?.(source);
      files.push(await asItIsNow(file));
    } catch (error) {
      failures.add(source.path, error);
    }
  }
  failures.throwIfAny(sources.length + refused);
  return files.length > 0
    ? { files }
    : { files, nothing: `all ${sources.length} files were skipped: their targets exist` };
}

/** Taking the source's name from a file that was moved changes its identity once more. */
async function asItIsNow(file: TaskFile): Promise<TaskFile> {
  const stats = await statsIfAny(file.path);
  if (!stats?.isFile()) return file;
  const identity = identityOf(stats);
  return sameContent(identity, file.identity) ? { ...file, identity } : file;
}
