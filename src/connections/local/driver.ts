import { lstat, lutimes, mkdir, rmdir, stat, unlink } from "node:fs/promises";
import { basename, resolve } from "node:path";
import { AgentError } from "../../base/errors.js";
import { defineDriver, type OpenContext } from "../driver.js";
import { guarded } from "../guarded.js";
import type { RemoteSession } from "../session.js";
import { telling } from "./failure.js";
import { entryAt, listFolder, move, readFile, syncFolder, writeFile } from "./files.js";
import { type Life, mustBeAlive } from "./life.js";
import { type Confinement, confine } from "./paths.js";
import { type LocalDefinition, localSchema } from "./schema.js";

/** A folder of this machine or a mounted share, as if it were a server. */
export const localDriver = defineDriver({ type: "local", schema: localSchema, open });

async function open(definition: LocalDefinition, context: OpenContext): Promise<RemoteSession> {
  const root = resolve(context.workspace ?? ".", definition.directory);
  const life: Life = { signal: context.signal, closed: false };
  mustBeAlive(life);
  const folder = await telling(`open the folder ${root}`, async () => {
    if (!(await stat(root)).isDirectory())
      throw new AgentError("FERRY_REMOTE_NOT_FOUND", `${root} is not a folder`, { hint: "check `directory`" });
    return confine(root);
  });
  context.transcript.note(`opened the folder ${folder.root}`);
  return guarded(localSession(folder, life, context), context.transcript);
}

function localSession(folder: Confinement, life: Life, { number, transcript }: OpenContext): RemoteSession {
  /** One request: recorded, confined, answered. */
  const request = async <T>(
    line: string,
    what: string,
    paths: readonly string[],
    work: (...places: string[]) => Promise<T>,
  ): Promise<T> => {
    mustBeAlive(life);
    transcript.sent(line);
    try {
      const result = await telling(what, async () => work(...(await Promise.all(paths.map(folder.place)))));
      transcript.received("OK");
      return result;
    } catch (error) {
      transcript.received(
        error instanceof AgentError ? `${error.code} ${error.causeText ?? ""}`.trim() : String(error),
      );
      throw error;
    }
  };
  return {
    number,
    facts: {
      ...{ address: folder.root, tlsVersion: undefined, cipher: undefined, resumed: undefined },
      ...{ certificateSha256: undefined, hostKeySha256: undefined, features: [] },
    },
    get alive() {
      return !life.closed && !life.signal.aborted;
    },
    absolute: (path) => resolve(folder.root, path),
    list: (path) => request(`ls ${path}`, `list ${path}`, [path], listFolder),
    stat: (path) => request(`stat ${path}`, `look at ${path}`, [path], (place) => entryAt(place, basename(path))),
    size: (path) =>
      request(`stat ${path}`, `look at ${path}`, [path], async (place) => ({
        bytes: (await lstat(place)).size,
        by: "size" as const,
      })),
    upload: (source, path, options) =>
      request(`write ${path}`, `write ${path}`, [path], (place) => writeFile(source, place, life, options)),
    download: (path, sink, options) =>
      request(`read ${path}`, `read ${path}`, [path], (place) => readFile(place, sink, life, options)),
    async rename(from, to, options) {
      const how = options?.replace ? "mv" : "mv --no-clobber";
      await request(`${how} ${from} ${to}`, `rename ${from} to ${to}`, [from, to], (a, b) =>
        move(a, b, options?.replace === true),
      );
      return "renamed";
    },
    async remove(path) {
      await request(`rm ${path}`, `remove ${path}`, [path], (place) => unlink(place));
      return "removed";
    },
    makeDirectory: (path) =>
      request(`mkdir -p ${path}`, `make the folder ${path}`, [path], async (place) => {
        if ((await mkdir(place, { recursive: true })) !== undefined) await syncFolder(place);
      }),
    removeDirectory: (path) => request(`rmdir ${path}`, `remove the folder ${path}`, [path], (place) => rmdir(place)),
    setModifiedAt: (path, time) =>
      request(`touch ${path}`, `set the time of ${path}`, [path], async (place) =>
        lutimes(place, (await lstat(place)).atime, time),
      ),
    async close() {
      life.closed = true;
    },
  };
}
