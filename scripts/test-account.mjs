/**
 * The system account that vsftpd and sshd log in with during the tests. Both check passwords of real accounts only.
 * Its password is made up once per machine and readable by root alone; it has no shell.
 */
import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";

const user = "ferrytest";
const home = "/var/lib/ferrytest";
const passwordFile = `${home}/password`;
const pamFile = "/etc/pam.d/ferrytest";

/** vsftpd asks PAM; the default service of Debian also asks for a login shell, which the account has not. */
const pamService = [
  "auth required pam_unix.so nodelay",
  "account required pam_permit.so",
  "session required pam_permit.so",
  "",
].join("\n");

export function accountReady() {
  return accounts().includes(user) && accounts().includes("sshd") && existsSync(passwordFile) && pamServiceWritten();
}

export function makeAccount() {
  if (accountReady()) return;
  // sshd refuses to start without the account that its unprivileged half runs as.
  if (!accounts().includes("sshd")) useradd(["--home-dir", "/run/sshd", "--no-create-home", "sshd"]);
  if (!accounts().includes(user)) useradd(["--home-dir", home, "--no-create-home", "--user-group", user]);
  mkdirSync(home, { recursive: true, mode: 0o755 });
  const password = randomBytes(12).toString("hex");
  writeFileSync(passwordFile, password, { mode: 0o600 });
  const hash = execFileSync("openssl", ["passwd", "-6", "-stdin"], { input: password, encoding: "utf8" }).trim();
  execFileSync("usermod", ["--password", hash, user]);
  writeFileSync(pamFile, pamService);
}

function useradd(args) {
  execFileSync("useradd", ["--system", "--shell", "/usr/sbin/nologin", ...args], {
    stdio: ["ignore", "ignore", "inherit"],
  });
}

function pamServiceWritten() {
  return existsSync(pamFile) && readFileSync(pamFile, "utf8") === pamService;
}

function accounts() {
  return readFileSync("/etc/passwd", "utf8")
    .split("\n")
    .map((line) => line.split(":")[0]);
}
