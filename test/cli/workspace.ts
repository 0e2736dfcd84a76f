import { mkdirSync, mkdtempSync, realpathSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

/** A workspace with these files, and a home for the vault's key that is not the user's. Forks are processes: the environment is the file's own. */
export function workspace(files: Readonly<Record<string, string>> = {}): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "ferry-cli-")));
  process.env.XDG_CONFIG_HOME ??= mkdtempSync(join(tmpdir(), "ferry-config-"));
  for (const [file, text] of Object.entries({ "ferry.yaml": "", ...files })) {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    writeFileSync(join(folder, file), text);
  }
  return folder;
}

/** A workspace with a job that copies `out/*.csv` to a folder, and needs no server. */
export function pushing(files: Readonly<Record<string, string>> = {}): string {
  const folder = workspace({
    "connections.yaml": "connections:\n  share: { protocol: local, directory: target }\n",
    "jobs/push.yaml": "vars: { day: x }\ntasks: [{ upload: { connection: share, from: 'out/*.csv' } }]\n",
    ...files,
  });
  for (const name of ["target", "out"]) mkdirSync(join(folder, name), { recursive: true });
  return folder;
}

/** The environment that a command needs to find the vault's key. */
export function environment(): Record<string, string | undefined> {
  return { XDG_CONFIG_HOME: process.env.XDG_CONFIG_HOME };
}
