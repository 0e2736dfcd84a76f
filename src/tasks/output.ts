import { unlink } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { z } from "zod";
import { AgentError, asAgentError, systemCode } from "../base/errors.js";
import { visible } from "../base/names.js";
import type { FileIdentity, TaskFile } from "./files.js";
import { identify, publishLocal, samePlace, translateSystemError } from "./local-files.js";
import { type Made, openMade } from "./made.js";
import { temporaryName } from "./names.js";
import { chooseTarget, freePath, type IfExists, localTarget } from "./target.js";
import type { TaskContext } from "./task.js";

/** The keys of every task that writes local files. A task lists `to` and `name` among its lazy keys. */
export const outputFields = {
  to: z.string().min(1).optional().describe("Folder (ending in /) or file to write. By default the run's own folder."),
  name: z.string().min(1).optional().describe("Name of the file in the folder `to`; a template with file.*."),
  ifExists: z
    .enum(["fail", "overwrite", "skip", "newer", "rename"])
    .default("fail")
    .describe("When the target exists: fail, overwrite, skip, newer (overwrite older ones) or rename (add a number)."),
  flatten: z.boolean().default(false).describe("Do not keep the folders below the first wildcard of `from`."),
};

export interface OutputSpec {
  readonly to?: string | undefined;
  readonly name?: string | undefined;
  readonly ifExists: IfExists;
  readonly flatten?: boolean | undefined;
}

/** Writes the complete content to a path that does not exist yet. */
export type Write = (temporaryPath: string) => Promise<void>;

export interface Output {
  /**
   * The file made of `source`; undefined when `ifExists` skipped it. `write` fills a temporary in the target's folder,
   * which then gets its name: nobody sees a part of it. What an earlier attempt of this task made is not made again.
   */
  write(source: TaskFile, ownName: string, write: Write): Promise<TaskFile | undefined>;
  readonly made: Made;
}

export async function openOutput(context: TaskContext, spec: OutputSpec): Promise<Output> {
  const made = await openMade(context);
  return {
    made,
    async write(source, ownName, write) {
      const earlier = await made.of(source);
      if (earlier) return earlier;
      const wanted = await localTarget(context, spec, source, ownName);
      refuseSecondSource(made, wanted, source, spec.ifExists);
      const chosen = await chooseTarget(wanted, spec.ifExists, source.identity.mtimeNs);
      if (chosen === undefined) {
        context.log("info", `${visible(source.path)} is skipped: ${visible(wanted)} is there already`);
        return undefined;
      }
      if (chosen.replace && (await samePlace(source.path, chosen.path))) {
        throw new AgentError("FERRY_TARGET_EXISTS", `${visible(source.path)} would be its own target`, {
          hint: "correct `to` or `name`",
        });
      }
      const temporary = join(dirname(chosen.path), temporaryName(basename(chosen.path)));
      await made.begin(temporary);
      try {
        await write(temporary);
        const written = await identify(temporary);
        return await publishAs(chosen, {
          made,
          source,
          temporary,
          written,
          folder: spec.flatten ? "" : source.folder,
          ifExists: spec.ifExists,
        });
      } catch (error) {
        await unlink(temporary).catch(() => undefined);
        context.signal.throwIfAborted();
        throw asAgentError(systemCode(error)?.startsWith("E") ? translateSystemError(error, chosen.path) : error);
      }
    },
  };
}

/** Two files of one task under one name: the second would silently take the first one's place. */
function refuseSecondSource(made: Made, target: string, source: TaskFile, ifExists: IfExists): void {
  const first = ifExists === "rename" ? undefined : made.claimant(target, source);
  if (first === undefined) return;
  throw new AgentError(
    "FERRY_TARGET_EXISTS",
    `${visible(source.path)} and ${visible(first)} have the same target ${visible(target)}`,
    {
      hint: "give each file its own `name`, end `to` in /, or set `ifExists: rename`",
    },
  );
}

interface Publication {
  readonly made: Made;
  readonly source: TaskFile;
  readonly temporary: string;
  readonly written: FileIdentity;
  readonly folder: string;
  readonly ifExists: IfExists;
}

async function publishAs(
  chosen: { readonly path: string; readonly replace: boolean },
  publication: Publication,
): Promise<TaskFile> {
  const { made, source, temporary, written, folder, ifExists } = publication;
  const file: TaskFile = { path: chosen.path, folder, identity: written, origins: source.origins };
  await made.record(source, file);
  try {
    const identity = await publishLocal(temporary, chosen.path, { replace: chosen.replace });
    return { ...file, identity };
  } catch (error) {
    const taken = error instanceof AgentError && error.code === "FERRY_TARGET_EXISTS";
    // Another program took the free name in the meantime.
    if (taken && ifExists === "rename")
      return publishAs({ path: await freePath(chosen.path), replace: false }, publication);
    throw error;
  }
}
