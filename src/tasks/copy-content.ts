import { createWriteStream } from "node:fs";
import { chmod, utimes } from "node:fs/promises";
import type { Duplex } from "node:stream";
import { pipeline } from "node:stream/promises";
import { systemCode } from "../base/errors.js";
import type { FileIdentity } from "./files.js";
import { identityOf, openSource, sameFile, sourceChanged, translateSystemError } from "./local-files.js";

/** Writes what `path` holds to the new file `target`, through `transform`. FERRY_SOURCE_CHANGED unless the source is `expected` before and after. */
export async function copyContent(
  path: string,
  expected: FileIdentity,
  target: string,
  options: CopyOptions,
): Promise<void> {
  const { handle } = await openSource(path, expected);
  try {
    // No further than the size that was found: a source that somebody goes on writing would have no end.
    const source =
      expected.size === 0
        ? emptySource()
        : handle.createReadStream({ autoClose: false, start: 0, end: expected.size - 1 });
    const sink = createWriteStream(target, { flags: "wx" });
    if (options.transform) await pipeline(source, options.transform(), sink, { signal: options.signal });
    else await pipeline(source, sink, { signal: options.signal });
    if (!sameFile(identityOf(await handle.stat({ bigint: true })), expected)) throw sourceChanged(path);
    if (options.keepMode) await chmod(target, Number((await handle.stat()).mode) & 0o777);
    await utimes(target, seconds(expected.mtimeNs), seconds(expected.mtimeNs));
  } catch (error) {
    options.signal.throwIfAborted();
    throw systemCode(error)?.startsWith("E") ? translateSystemError(error, target) : error;
  } finally {
    await handle.close();
  }
}

export interface CopyOptions {
  readonly signal: AbortSignal;
  readonly transform?: () => Duplex;
  /** Give the target the permission bits of the source, for a copy that replaces it. */
  readonly keepMode?: boolean;
}

async function* emptySource(): AsyncGenerator<Buffer> {}

/** As the system call of Node wants it; a double holds it to the microsecond. */
function seconds(ns: string): number {
  return Number(BigInt(ns) / 1000n) / 1e6;
}
