import { constants } from "node:fs";
import { readdir, readFile, readlink, stat } from "node:fs/promises";
import { basename } from "node:path";
import type { WatchedFile } from "./trigger.js";

/** Enough at once to be quick, few enough to leave the thread pool to others. */
const AT_ONCE = 16;
const WRITING = constants.O_WRONLY | constants.O_RDWR;

/**
 * Which of the files a process has open for writing, by path, as far as Linux shows it: root sees all processes, others
 * their own. One pass over /proc for all of them; elsewhere, and where nothing can be seen, none.
 */
export async function openForWriting(files: readonly WatchedFile[], proc = "/proc"): Promise<ReadonlySet<string>> {
  const open = new Set<string>();
  if (files.length === 0) return open;
  const names = new Set(files.map((file) => basename(file.path)));
  const paths = new Map(files.map((file) => [`${file.version.dev}:${file.version.ino}`, file.path]));
  const processes = (await listed(proc)).filter((name) => /^\d+$/.test(name));
  for (let start = 0; start < processes.length; start += AT_ONCE) {
    await Promise.all(processes.slice(start, start + AT_ONCE).map(inspect));
  }
  return open;

  async function inspect(process: string): Promise<void> {
    const folder = `${proc}/${process}`;
    for (const descriptor of await listed(`${folder}/fd`)) {
      const link = `${folder}/fd/${descriptor}`;
      // The name is a cheap sieve; device and inode decide, because a container sees other paths.
      const target = await readlink(link).catch(() => "");
      if (!names.has(basename(target))) continue;
      const found = await stat(link, { bigint: true }).catch(() => undefined);
      const path = found && paths.get(`${found.dev}:${found.ino}`);
      if (path !== undefined && (await writes(`${folder}/fdinfo/${descriptor}`))) open.add(path);
    }
  }
}

async function writes(info: string): Promise<boolean> {
  const text = await readFile(info, "utf8").catch(() => "");
  const flags = /^flags:\s*([0-7]+)$/m.exec(text)?.[1];
  return flags !== undefined && (Number.parseInt(flags, 8) & WRITING) !== 0;
}

/** A process that has ended, or belongs to someone else, shows nothing. */
function listed(folder: string): Promise<readonly string[]> {
  return readdir(folder).catch(() => []);
}
