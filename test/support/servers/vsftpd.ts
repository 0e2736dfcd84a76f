import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { systemAccount } from "./account.js";
import { type Certificate, serverCertificate } from "./certificates.js";
import type { PortBlock } from "./ports.js";
import { launch, type RunningServer, workplace } from "./process.js";
import { program } from "./require-server.js";

export interface VsftpdOptions {
  readonly tls?: "none" | "explicit" | "implicit";
  readonly certificate?: Certificate;
  /** `require_ssl_reuse`: a data connection must resume the control connection's TLS session. Default true. */
  readonly requireReuse?: boolean;
  /** The switches of vsftpd 3.0.3: `ssl_tlsv1` means every TLS version, and none can be chosen alone. */
  readonly tlsVersions?: readonly ("ssl_tlsv1" | "ssl_sslv2" | "ssl_sslv3")[];
  readonly maxPerIp?: number;
  readonly downloadEnable?: boolean;
  /** Lines appended to vsftpd.conf; the last of two wins. */
  readonly extra?: string;
}

export interface Vsftpd extends RunningServer {
  readonly passive: PortBlock["passive"];
  readonly certificate: Certificate | undefined;
}

export async function startVsftpd(options: VsftpdOptions = {}): Promise<Vsftpd> {
  const account = systemAccount();
  const { folder, root } = workplace(account);
  const config = join(folder, "vsftpd.conf");
  const logFile = join(folder, "vsftpd.log");
  const certificate = options.tls && options.tls !== "none" ? (options.certificate ?? serverCertificate()) : undefined;
  mkdirSync(join(folder, "empty"));
  const server = await launch({
    folder,
    logFiles: [logFile],
    command(ports) {
      const settings = {
        ...basics(ports, folder, root, logFile),
        ...choices(options),
        ...security(options, certificate),
      };
      const lines = Object.entries(settings).map(([name, value]) => `${name}=${value}`);
      writeFileSync(config, `${[...lines, options.extra ?? ""].join("\n")}\n`);
      // vsftpd reports a fatal error in the configuration on descriptor 0, as if a client were there.
      return ["sh", "-c", 'exec "$0" "$1" 0>&1', program("vsftpd"), config];
    },
  });
  const { ports, log, stop } = server;
  const { user, password } = account;
  return { host: "127.0.0.1", port: ports.port, passive: ports.passive, root, user, password, certificate, log, stop };
}

type Settings = Readonly<Record<string, string | number>>;

function basics(ports: PortBlock, folder: string, root: string, logFile: string): Settings {
  return {
    listen: "YES",
    listen_address: "127.0.0.1",
    listen_port: ports.port,
    background: "NO",
    pasv_min_port: ports.passive.from,
    pasv_max_port: ports.passive.to,
    local_enable: "YES",
    anonymous_enable: "NO",
    write_enable: "YES",
    local_umask: "022",
    local_root: root,
    chroot_local_user: "YES",
    allow_writeable_chroot: "YES",
    pam_service_name: "ferrytest",
    secure_chroot_dir: join(folder, "empty"),
    // The sandbox and the namespaces need kernel rights that a container has not.
    seccomp_sandbox: "NO",
    isolate: "NO",
    isolate_network: "NO",
    xferlog_enable: "YES",
    log_ftp_protocol: "YES",
    vsftpd_log_file: logFile,
    mdtm_write: "YES",
    delay_failed_login: 0,
  };
}

function choices(options: VsftpdOptions): Settings {
  return { max_per_ip: options.maxPerIp ?? 0, download_enable: options.downloadEnable === false ? "NO" : "YES" };
}

function security(options: VsftpdOptions, certificate: Certificate | undefined): Settings {
  if (!certificate) return {};
  const versions = options.tlsVersions ?? ["ssl_tlsv1"];
  return {
    ssl_enable: "YES",
    implicit_ssl: options.tls === "implicit" ? "YES" : "NO",
    rsa_cert_file: certificate.certFile,
    rsa_private_key_file: certificate.keyFile,
    require_ssl_reuse: options.requireReuse === false ? "NO" : "YES",
    strict_ssl_read_eof: "YES",
    force_local_data_ssl: "YES",
    force_local_logins_ssl: "YES",
    ssl_ciphers: "HIGH",
    debug_ssl: "YES",
    ssl_tlsv1: versions.includes("ssl_tlsv1") ? "YES" : "NO",
    ssl_sslv2: versions.includes("ssl_sslv2") ? "YES" : "NO",
    ssl_sslv3: versions.includes("ssl_sslv3") ? "YES" : "NO",
  };
}
