import { existsSync, readFileSync } from "node:fs";

const list = new URL("../../../.servers/where.json", import.meta.url);

/** Whether the tests may use these programs. In CI a missing one is a failure; elsewhere a loud skip. */
export function requireServer(...programs: readonly string[]): boolean {
  const absent = programs.filter((name) => !available(name));
  if (process.getuid?.() !== 0) absent.push("root's rights");
  if (absent.length === 0) return true;
  const complaint = `${absent.join(", ")} missing; see: node scripts/install-servers.mjs`;
  if (process.env.CI) throw new Error(complaint);
  console.warn(`\n!!! SKIPPED, ${complaint} !!!\n`);
  return false;
}

/** Where a program is that `scripts/install-servers.mjs` provides: the name in that script's list. */
export function program(name: string): string {
  const path = programs()[name];
  if (path === undefined) throw new Error(`${name} is not there; run: node scripts/install-servers.mjs`);
  return path;
}

/** Servers that are more than one file. */
const parts: Readonly<Record<string, readonly string[]>> = {
  proftpd: ["proftpd", "proftpd-mod-tls"],
  "pure-ftpd": ["pure-ftpd", "pure-pw"],
  openssh: ["sshd", "ssh-keygen"],
};

function available(name: string): boolean {
  return (parts[name] ?? [name]).every((part) => existsSync(programs()[part] ?? ""));
}

function programs(): Partial<Record<string, string>> {
  return existsSync(list) ? JSON.parse(readFileSync(list, "utf8")) : {};
}
