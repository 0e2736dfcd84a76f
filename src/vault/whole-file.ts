import { randomBytes } from "node:crypto";
import { type FileHandle, link, open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";

/** Replaces `path` by `content`, readable by its owner only. Whoever reads, at any moment, finds the old or the new. */
export async function replaceFile(path: string, content: string | Uint8Array): Promise<void> {
  const made = await writeBeside(path, content);
  try {
    await rename(made, path);
  } catch (error) {
    await rm(made, { force: true });
    throw error;
  }
  await syncFolder(dirname(path));
}

/** Makes `path` with `content`, readable by its owner only. False when it is there already; then it stays as it is. */
export async function createFile(path: string, content: string): Promise<boolean> {
  const made = await writeBeside(path, content);
  try {
    await link(made, path);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") return false;
    throw error;
  } finally {
    await rm(made, { force: true });
  }
  await syncFolder(dirname(path));
  return true;
}

async function writeBeside(path: string, content: string | Uint8Array): Promise<string> {
  const made = `${path}.${randomBytes(6).toString("hex")}.new`;
  let handle: FileHandle | undefined;
  try {
    handle = await open(made, "wx", 0o600);
    await handle.chmod(0o600);
    await handle.writeFile(content);
    await handle.sync();
  } catch (error) {
    await rm(made, { force: true });
    throw error;
  } finally {
    await handle?.close();
  }
  return made;
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
