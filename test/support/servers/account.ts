import { readFileSync } from "node:fs";

export interface Account {
  readonly user: string;
  readonly password: string;
  readonly uid: number;
  readonly gid: number;
}

/** The real system account that `scripts/test-account.mjs` made: the only kind vsftpd and sshd accept. */
export function systemAccount(): Account {
  const line = readFileSync("/etc/passwd", "utf8")
    .split("\n")
    .find((entry) => entry.startsWith("ferrytest:"));
  const [user, , uid, gid, , home] = line?.split(":") ?? [];
  if (!user || !home) throw new Error("no account for the test servers; run as root: node scripts/install-servers.mjs");
  return { user, password: readFileSync(`${home}/password`, "utf8"), uid: Number(uid), gid: Number(gid) };
}
