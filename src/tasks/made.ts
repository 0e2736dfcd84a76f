import { open, readdir, readFile, unlink } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { systemCode } from "../base/errors.js";
import { visible } from "../base/names.js";
import type { TaskFile } from "./files.js";
import { identityOf, sameContent, sameFile, statsIfAny, translateSystemError } from "./local-files.js";
import { removeAsides } from "./remove-source.js";
import type { TaskContext } from "./task.js";

/**
 * What a task has made so far, kept beside its results in the run's work folder. A further attempt, or the run that
 * continues a dead one in the same folder, thus neither trips over its own files, nor makes them twice, nor forgets those
 * whose source is gone.
 */
export interface Made {
  /** The result that was made of `source`, if it still stands there. */
  of(source: TaskFile): Promise<TaskFile | undefined>;
  /** Results of sources other than `present`: what a pattern no longer finds, because the source was moved or deleted. */
  besides(present: readonly TaskFile[]): Promise<readonly TaskFile[]>;
  /** The path of another source that was written to `target`. */
  claimant(target: string, source: TaskFile): string | undefined;
  /** To be called before `temporary` is made: it is removed by the next attempt. */
  begin(temporary: string): Promise<void>;
  /** To be called before `source` is deleted with nothing made of it. */
  taking(source: TaskFile): Promise<void>;
  /** To be called before what was made of `source` gets its name. Durable when it resolves. */
  record(source: TaskFile, target: TaskFile): Promise<void>;
}

interface Line {
  readonly temporary?: string;
  readonly source?: TaskFile;
  /** Its identity is that of the complete temporary: renaming changes no more than its ctime. */
  readonly target?: TaskFile;
}

export async function openMade(context: TaskContext): Promise<Made> {
  const path = join(await context.workFolder(), `.${context.task}.made`);
  const lines = await read(path);
  const bySource = new Map<string, Line>();
  const keep = (line: Line): void => void (line.source && bySource.set(line.source.path, line));
  for (const line of lines) keep(line);
  for (const { temporary } of lines) if (temporary !== undefined) await sweep(context, temporary);
  await sweepAsides([...bySource.values()]);
  const append = (line: Line, durable: boolean): Promise<void> => add(path, line, durable);
  return {
    async of(source) {
      const line = bySource.get(source.path);
      if (!line?.source || !line.target) return undefined;
      // A link made of the source for its move changes the source's ctime.
      const same =
        sameFile(line.source.identity, source.identity) || sameContent(line.target.identity, source.identity);
      return same ? standing(line.target) : undefined;
    },
    async besides(present) {
      const paths = new Set(present.map((file) => file.path));
      const others = [...bySource.values()].filter((line) => line.source && !paths.has(line.source.path));
      const targets = await Promise.all(others.map((line) => (line.target ? standing(line.target) : undefined)));
      return targets.filter((target) => target !== undefined);
    },
    claimant(target, source) {
      for (const line of bySource.values()) {
        if (line.target?.path === target && line.source?.path !== source.path) return line.source?.path;
      }
      return undefined;
    },
    begin: (temporary) => append({ temporary }, false),
    taking: (source) => append({ source }, false),
    async record(source, target) {
      await append({ source, target }, true);
      keep({ source, target });
    },
  };
}

/** What tasks made, by path, of those that keep it in the work folder `folder`; and the paths where they keep it. */
export async function madeIn(folder: string): Promise<MadeThere> {
  const names = (await readdir(folder)).filter((name) => /^\..+\.made$/.test(name));
  const kept = names.map((name) => join(folder, name));
  const lines = (await Promise.all(kept.map(read))).flat();
  return { kept, files: new Map(lines.flatMap(({ target }) => (target ? [[target.path, target]] : []))) };
}

export interface MadeThere {
  readonly kept: readonly string[];
  readonly files: ReadonlyMap<string, TaskFile>;
}

/** The file with its present identity, if what stands at its path is what was made. */
async function standing(made: TaskFile): Promise<TaskFile | undefined> {
  const stats = await statsIfAny(made.path);
  if (!stats?.isFile()) return undefined;
  const identity = identityOf(stats);
  return sameContent(identity, made.identity) ? { ...made, identity } : undefined;
}

/** Only what looks like a temporary of ours is ever removed. */
async function sweep(context: TaskContext, temporary: string): Promise<void> {
  if (!/^\..*\.part$/.test(basename(temporary))) return;
  await unlink(temporary).then(
    () => context.log("info", `${visible(temporary)}: removed, left by an attempt that broke off`),
    () => undefined,
  );
}

/** Sources that were to go, and were taken aside for it: see `removeSource`. */
async function sweepAsides(lines: readonly Line[]): Promise<void> {
  const folders = new Map<string, TaskFile[]>();
  for (const { source } of lines) {
    if (!source) continue;
    const folder = dirname(source.path);
    const known = folders.get(folder) ?? [];
    known.push(source);
    folders.set(folder, known);
  }
  for (const [folder, sources] of folders) await removeAsides(folder, sources);
}

async function read(path: string): Promise<readonly Line[]> {
  const text = await readFile(path, "utf8").catch((error) => {
    if (systemCode(error) === "ENOENT") return "";
    throw translateSystemError(error, path);
  });
  // What a crash cut off in the middle of the last line was not acted upon.
  return text.split("\n").flatMap((line) => {
    try {
      return line === "" ? [] : [JSON.parse(line) as Line];
    } catch {
      return [];
    }
  });
}

async function add(path: string, line: Line, durable: boolean): Promise<void> {
  try {
    const handle = await open(path, "a", 0o600);
    try {
      // A line's end before each: whatever a crash left of the last one does not swallow this one.
      await handle.appendFile(`\n${JSON.stringify(line)}`);
      if (durable) await handle.sync();
    } finally {
      await handle.close();
    }
  } catch (error) {
    throw translateSystemError(error, path);
  }
}
