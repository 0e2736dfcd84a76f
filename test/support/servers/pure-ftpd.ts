import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { systemAccount } from "./account.js";
import { type Certificate, serverCertificate } from "./certificates.js";
import type { PortBlock } from "./ports.js";
import { launch, type RunningServer, workplace } from "./process.js";
import { passwordHash } from "./proftpd.js";
import { program } from "./require-server.js";

export interface PureFtpdOptions {
  /** `-Y`: 0 no TLS, 1 offered, 2 required for the control connection, 3 for data connections also. Default 0. */
  readonly tls?: 0 | 1 | 2 | 3;
  readonly certificate?: Certificate;
  /** How many passive ports there are. Default all of the server's block. */
  readonly passivePorts?: number;
  /** More command line arguments. */
  readonly extra?: readonly string[];
}

export interface PureFtpd extends RunningServer {
  readonly passive: PortBlock["passive"];
  readonly certificate: Certificate | undefined;
}

const user = "anna";
const password = "pear tree";

export async function startPureFtpd(options: PureFtpdOptions = {}): Promise<PureFtpd> {
  const { uid, gid } = systemAccount();
  const { folder, root } = workplace({ uid, gid });
  const certificate = options.tls ? (options.certificate ?? serverCertificate()) : undefined;
  const users = join(folder, "users.pdb");
  const logFile = join(folder, "transfers.log");
  writeFileSync(join(folder, "users"), `${user}:${passwordHash(password)}:${uid}:${gid}::${root}/./::::::::::::\n`, {
    mode: 0o600,
  });
  execFileSync(program("pure-pw"), ["mkdb", users, "-f", join(folder, "users")]);
  const server = await launch({
    folder,
    logFiles: [logFile],
    command(ports) {
      const { from } = ports.passive;
      const to = options.passivePorts ? from + options.passivePorts - 1 : ports.passive.to;
      return [
        ...([program("pure-ftpd"), "-S", `127.0.0.1,${ports.port}`, "-p", `${from}:${to}`] as const),
        ...[
          "-l",
          `puredb:${users}`,
          "-A",
          "-E",
          "-H",
          "-U",
          "022:022",
          "-g",
          join(folder, "pid"),
          "-O",
          `clf:${logFile}`,
        ],
        ...["-Y", String(options.tls ?? 0), ...(certificate ? ["-2", certificate.bothFile] : [])],
        ...(options.extra ?? []),
      ];
    },
  });
  const { ports, log, stop } = server;
  return { host: "127.0.0.1", port: ports.port, passive: ports.passive, root, user, password, certificate, log, stop };
}
