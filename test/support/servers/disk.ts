import { execFileSync } from "node:child_process";
import { mkdtempSync, rmdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface SmallDisk {
  readonly path: string;
  /** Unmounts and removes the folder. Safe to call twice. */
  remove(): void;
}

/** A file system of this size only, in memory. Undefined, and said loudly, where mounting is not allowed: skip then. */
export function smallDisk(size: `${number}${"k" | "m"}`): SmallDisk | undefined {
  const path = mkdtempSync(join(tmpdir(), "ferry-disk-"));
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", `size=${size},mode=0777`, "tmpfs", path], { stdio: "pipe" });
  } catch (failure) {
    rmdirSync(path);
    console.warn(`\n!!! SKIPPED: no small disk, mounting is refused: ${String(failure)} !!!\n`);
    return undefined;
  }
  let mounted = true;
  const remove = () => {
    if (!mounted) return;
    mounted = false;
    process.off("exit", remove);
    // Lazily: a server that is being stopped may still hold a file open.
    execFileSync("umount", ["-l", path]);
    rmdirSync(path);
  };
  process.on("exit", remove);
  return { path, remove };
}

/** Whether disks can be made here, for `describe.skipIf(!canMount())`. */
export function canMount(): boolean {
  const disk = smallDisk("64k");
  disk?.remove();
  return disk !== undefined;
}
