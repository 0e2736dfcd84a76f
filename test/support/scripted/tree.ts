import { posix } from "node:path";

/** What another user of the server could have seen happen, in order. */
export interface TreeEvent {
  readonly kind: "appeared" | "changed" | "removed";
  readonly path: string;
  readonly size: number;
  /** How many commands (or SFTP requests) the server had received by then. */
  readonly after: number;
}

export interface TreeEntry {
  readonly name: string;
  readonly kind: "file" | "folder";
  readonly size: number;
  readonly modified: Date;
}

/** A file tree in memory. `files` may be written to directly; folders above a file exist by themselves. */
export interface Tree {
  readonly files: Map<string, Buffer>;
  readonly folders: Set<string>;
  readonly modified: Map<string, Date>;
  readonly events: readonly TreeEvent[];
  entry(path: string): TreeEntry | undefined;
  children(folder: string): TreeEntry[];
  write(path: string, content: Buffer): void;
  /** False when there is no such file. */
  remove(path: string): boolean;
  /** Replaces `to`, as POSIX does, without a moment in which it is absent. Moves what is below a folder. False when `from` is absent. */
  rename(from: string, to: string): boolean;
}

/** The modification time of everything that was not given another. */
export const treeEpoch = new Date("2026-01-02T03:04:05Z");

export function createTree(initial: Readonly<Record<string, string | Buffer>>, received: () => number): Tree {
  const files = new Map<string, Buffer>();
  for (const [path, content] of Object.entries(initial)) files.set(path, Buffer.from(content));
  const folders = new Set(["/"]);
  const modified = new Map<string, Date>();
  const events: TreeEvent[] = [];
  const happened = (kind: TreeEvent["kind"], path: string, size: number) => {
    events.push({ kind, path, size, after: received() });
  };

  const tree: Tree = {
    ...{ files, folders, modified, events },
    entry(path) {
      const time = modified.get(path) ?? treeEpoch;
      const content = files.get(path);
      if (content) return { name: posix.basename(path), kind: "file", size: content.length, modified: time };
      const isFolder =
        folders.has(path) || [...files.keys(), ...folders].some((other) => other.startsWith(below(path)));
      return isFolder ? { name: posix.basename(path), kind: "folder", size: 0, modified: time } : undefined;
    },
    children(folder) {
      const inside = [...files.keys(), ...folders].filter((path) => path.startsWith(below(folder)) && path !== folder);
      const names = new Set(inside.map((path) => path.slice(below(folder).length).split("/")[0] ?? ""));
      return [...names].sort().flatMap((name) => tree.entry(below(folder) + name) ?? []);
    },
    write(path, content) {
      const known = files.has(path);
      files.set(path, content);
      happened(known ? "changed" : "appeared", path, content.length);
    },
    remove(path) {
      const size = files.get(path)?.length ?? 0;
      modified.delete(path);
      if (!files.delete(path)) return false;
      happened("removed", path, size);
      return true;
    },
    rename(from, to) {
      if (!tree.entry(from)) return false;
      if (from === to) return true;
      const moving = [...files.keys()].filter((path) => path === from || path.startsWith(below(from)));
      for (const path of moving) moveFile(path, to + path.slice(from.length));
      for (const path of [...folders].filter((one) => one === from || one.startsWith(below(from)))) {
        folders.delete(path);
        folders.add(to + path.slice(from.length));
      }
      return true;
    },
  };

  function moveFile(from: string, to: string): void {
    const [content, time] = [files.get(from) ?? Buffer.alloc(0), modified.get(from)];
    tree.write(to, content);
    tree.remove(from);
    if (time) modified.set(to, time);
    else modified.delete(to);
  }
  return tree;
}

function below(folder: string): string {
  return folder.endsWith("/") ? folder : `${folder}/`;
}
