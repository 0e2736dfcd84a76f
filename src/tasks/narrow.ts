import { basename } from "node:path";
import type { TaskFile } from "./files.js";
import { namePatterns } from "./glob.js";
import type { SelectionSpec } from "./selection.js";
import type { TaskContext } from "./task.js";

/** What is left of `files` by names, ages and sizes, each path once, in the order that was asked for. */
export function narrow(
  context: Pick<TaskContext, "clock">,
  spec: Narrowing,
  files: readonly TaskFile[],
): readonly TaskFile[] {
  const now = context.clock.now();
  const unique = [...new Map(files.map((file) => [file.path, file])).values()];
  const left = unique.filter((file) => named(spec)(file) && sized(spec, file) && aged(spec, ageOf(file, now)));
  return left.sort(ORDERS[spec.order ?? "name"]).slice(0, spec.limit);
}

export type Narrowing = Partial<Omit<SelectionSpec, "from" | "recursive" | "onEmpty">>;

function named(spec: Narrowing): (file: TaskFile) => boolean {
  const includes = spec.include ? namePatterns(spec.include) : () => true;
  const excludes = spec.exclude ? namePatterns(spec.exclude) : () => false;
  return (file) => includes(file.folder, basename(file.path)) && !excludes(file.folder, basename(file.path));
}

function sized(spec: Narrowing, { identity }: TaskFile): boolean {
  return identity.size >= (spec.minSize ?? 0) && identity.size <= (spec.maxSize ?? Number.POSITIVE_INFINITY);
}

function aged(spec: Narrowing, age: number): boolean {
  return age >= (spec.minAge ?? 0) && age <= (spec.maxAge ?? Number.POSITIVE_INFINITY);
}

/** A modification time in the future (a file server's clock, `touch -d`) says nothing: then the time of the last change of the inode counts. */
function ageOf({ identity }: TaskFile, now: Date): number {
  const age = now.getTime() - milliseconds(identity.mtimeNs);
  return age >= 0 ? age : Math.max(0, now.getTime() - milliseconds(identity.ctimeNs));
}

function milliseconds(ns: string): number {
  return Number(BigInt(ns) / 1_000_000n);
}

type Order = (a: TaskFile, b: TaskFile) => number;

const byName: Order = (a, b) => compare(relative(a), relative(b)) || compare(a.path, b.path);
const byTime: Order = (a, b) => compare(BigInt(a.identity.mtimeNs), BigInt(b.identity.mtimeNs));
const bySize: Order = (a, b) => a.identity.size - b.identity.size;

const ORDERS: Readonly<Record<SelectionSpec["order"], Order>> = {
  name: byName,
  oldest: (a, b) => byTime(a, b) || byName(a, b),
  newest: (a, b) => byTime(b, a) || byName(a, b),
  smallest: (a, b) => bySize(a, b) || byName(a, b),
  largest: (a, b) => bySize(b, a) || byName(a, b),
};

function relative(file: TaskFile): string {
  return file.folder === "" ? basename(file.path) : `${file.folder}/${basename(file.path)}`;
}

/** By code units: the same on every machine, whatever its locale. */
function compare<Value extends string | bigint>(a: Value, b: Value): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
