import { execFileSync } from "node:child_process";
import { chmodSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { systemAccount } from "./account.js";
import { type Certificate, serverCertificate } from "./certificates.js";
import type { PortBlock } from "./ports.js";
import { launch, type RunningServer, workplace } from "./process.js";
import { program } from "./require-server.js";

export interface ProftpdOptions {
  readonly tls?: "none" | "explicit" | "implicit";
  readonly certificate?: Certificate;
  /** As `TLSProtocol` takes them. Default TLSv1.2 and TLSv1.3. */
  readonly tlsProtocols?: readonly ("TLSv1" | "TLSv1.1" | "TLSv1.2" | "TLSv1.3")[];
  /** A data connection must resume the control connection's TLS session. Default true, which is proftpd's own. */
  readonly requireReuse?: boolean;
  /** Offers MLSD and MLST. Default true. */
  readonly mlsd?: boolean;
  /** Lines appended to the configuration as they are. */
  readonly extra?: string;
}

export interface Proftpd extends RunningServer {
  readonly passive: PortBlock["passive"];
  readonly certificate: Certificate | undefined;
}

const user = "anna";
const password = "pear tree";

export async function startProftpd(options: ProftpdOptions = {}): Promise<Proftpd> {
  const { uid, gid } = systemAccount();
  const { folder, root } = workplace({ uid, gid });
  const config = join(folder, "proftpd.conf");
  const logFiles = ["system.log", "tls.log", "commands.log"].map((name) => join(folder, name));
  const certificate = options.tls && options.tls !== "none" ? (options.certificate ?? serverCertificate()) : undefined;
  const users = join(folder, "users");
  writeFileSync(users, `${user}:${passwordHash(password)}:${uid}:${gid}::${root}:/bin/false\n`);
  chmodSync(users, 0o640);
  const server = await launch({
    folder,
    logFiles,
    command(ports) {
      const lines = [...basics(ports, folder, users), ...security(options, folder, certificate)];
      writeFileSync(config, `${[...lines, options.mlsd === false ? noMlsd : "", options.extra ?? ""].join("\n")}\n`);
      return [program("proftpd"), "--nodaemon", "--quiet", "--config", config];
    },
  });
  const { ports, log, stop } = server;
  return { host: "127.0.0.1", port: ports.port, passive: ports.passive, root, user, password, certificate, log, stop };
}

/** MD5 crypt: servers check it at once, while the default hashes take a second or more on every login. */
export function passwordHash(plain: string): string {
  return execFileSync("openssl", ["passwd", "-1", "-stdin"], { input: plain, encoding: "utf8" }).trim();
}

const noMlsd = "<Limit MLSD MLST>\n  DenyAll\n</Limit>\n<IfModule mod_facts.c>\n  FactsAdvertise off\n</IfModule>";

function basics(ports: PortBlock, folder: string, users: string): string[] {
  return [
    "ServerType standalone",
    'ServerName "ferry test"',
    "DefaultAddress 127.0.0.1",
    `Port ${ports.port}`,
    "SocketBindTight on",
    `PassivePorts ${ports.passive.from} ${ports.passive.to}`,
    "User nobody",
    "Group nogroup",
    "Umask 022",
    "DefaultRoot ~",
    `AuthUserFile ${users}`,
    "AuthOrder mod_auth_file.c",
    "RequireValidShell off",
    "AllowOverwrite on",
    "AllowStoreRestart on",
    "AllowRetrieveRestart on",
    "DelayEngine off",
    "UseReverseDNS off",
    "TimesGMT on",
    `PidFile ${join(folder, "pid")}`,
    `ScoreboardFile ${join(folder, "scoreboard")}`,
    `SystemLog ${join(folder, "system.log")}`,
    'LogFormat command "%r %s"',
    `ExtendedLog ${join(folder, "commands.log")} ALL command`,
  ];
}

function security(options: ProftpdOptions, folder: string, certificate: Certificate | undefined): string[] {
  if (!certificate) return [];
  const flags = [
    options.tls === "implicit" ? "UseImplicitSSL" : "",
    options.requireReuse === false ? "NoSessionReuseRequired" : "",
  ].join(" ");
  return [
    `ModulePath ${dirname(program("proftpd-mod-tls"))}`,
    "LoadModule mod_tls.c",
    "TLSEngine on",
    "TLSRequired on",
    `TLSLog ${join(folder, "tls.log")}`,
    `TLSProtocol ${(options.tlsProtocols ?? ["TLSv1.2", "TLSv1.3"]).join(" ")}`,
    `TLSECCertificateFile ${certificate.certFile}`,
    `TLSECCertificateKeyFile ${certificate.keyFile}`,
    "TLSVerifyClient off",
    flags.trim() === "" ? "" : `TLSOptions ${flags}`,
  ];
}
