import { readFileSync } from "node:fs";

/** The calls by which a process changes something outside of itself. */
export const CHANGES = [
  ...["write", "pwrite64", "writev", "pwritev", "sendto", "sendmsg", "connect", "bind", "listen", "shutdown"],
  ...["fsync", "fdatasync", "ftruncate", "fallocate", "chmod", "fchmod", "fchmodat", "utimensat", "copy_file_range"],
  ...["rename", "renameat", "renameat2", "link", "linkat", "unlink", "unlinkat", "rmdir", "mkdir", "mkdirat"],
] as const;

/** Which thread calls: the one of JavaScript (SQLite, sockets), or the one on which asynchronous work on files is done. */
export type Thread = "main" | "pool";

/** The moment before a thread's `number`th call of `syscall`. */
export interface Point {
  readonly thread: Thread;
  readonly syscall: string;
  readonly number: number;
}

/**
 * Every changing call in the trace of one thread, from the line on in which `marker` occurs. Without the writes of the
 * thread for files: they drown among those that wake the other thread, whose number is never the same. A call that
 * counts follows each of them.
 */
export function pointsIn(traceFile: string, thread: Thread, marker: string): Point[] {
  const lines = readFileSync(traceFile, "utf8").split("\n");
  const begin = lines.findIndex((line) => line.includes(marker));
  if (begin < 0) throw new Error(`${marker} does not occur in ${traceFile}`);
  const calls = new Map<string, number>();
  const points: Point[] = [];
  for (const [index, line] of lines.entries()) {
    const syscall = /^(?:\d+ +)?(\w+)\(/.exec(line)?.[1];
    if (syscall === undefined || !CHANGES.some((one) => one === syscall)) continue;
    const number = (calls.get(syscall) ?? 0) + 1;
    calls.set(syscall, number);
    // By these the threads wake each other: nothing outside is changed.
    const isInside = /^\S+\(\d+<anon_inode:/.test(line) || (thread === "pool" && syscall === "write");
    if (index >= begin && !isInside) points.push({ thread, syscall, number });
  }
  return points;
}

/** Every `every`th call of each kind, beginning at `first`, and one of each kind at least. */
export function sample(points: readonly Point[], every: number, first: number): Point[] {
  const kinds = new Map<string, Point[]>();
  for (const point of points) {
    const kind = `${point.thread} ${point.syscall}`;
    kinds.set(kind, [...(kinds.get(kind) ?? []), point]);
  }
  return [...kinds.values()].flatMap((kind) =>
    kind.filter((_, index) => index % every === Math.min(first % every, kind.length - 1)),
  );
}
