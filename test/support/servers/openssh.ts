import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { systemAccount } from "./account.js";
import { type Launch, type Launched, launch, launchOn, type RunningServer, workplace } from "./process.js";
import { program } from "./require-server.js";

export type HostKeyType = "ed25519" | "rsa" | "ecdsa";

export interface OpensshOptions {
  /** Default ed25519 and rsa. */
  readonly hostKeys?: readonly HostKeyType[];
  /** Lines put first in sshd_config, where the first of two wins. */
  readonly extra?: string;
}

export interface Openssh extends RunningServer {
  /** `SHA256:…` of each host key, as `ssh-keygen -l` prints it. Of the new ones after `restartWithNewHostKey`. */
  fingerprints(): Readonly<Partial<Record<HostKeyType, string>>>;
  /** The private key, in OpenSSH's format, that `user` may also log in with. */
  readonly clientKey: string;
  readonly clientKeyFile: string;
  /** The same server on the same port with other host keys, as after a reinstallation. */
  restartWithNewHostKey(): Promise<void>;
}

export async function startOpenssh(options: OpensshOptions = {}): Promise<Openssh> {
  const account = systemAccount();
  const { folder, root } = workplace(account);
  const types = options.hostKeys ?? ["ed25519", "rsa"];
  const clientKeyFile = join(folder, "client");
  makeKey(clientKeyFile, "ed25519");
  writeFileSync(join(folder, "authorized_keys"), readFileSync(`${clientKeyFile}.pub`));
  makeHostKeys(folder, types);
  // sshd's privilege separation insists on this folder, which a boot script would make.
  mkdirSync("/run/sshd", { recursive: true, mode: 0o755 });

  const plan: Launch = {
    folder,
    command({ port }) {
      writeFileSync(join(folder, "sshd_config"), configuration(port, folder, types, options.extra ?? ""));
      return [program("sshd"), "-D", "-e", "-f", join(folder, "sshd_config")];
    },
  };
  let running: Launched = await launch(plan);
  let before = "";
  const { ports } = running;
  const { user, password } = account;
  return {
    ...{ host: "127.0.0.1", port: ports.port, root, user, password, clientKeyFile },
    clientKey: readFileSync(clientKeyFile, "utf8"),
    fingerprints: () => Object.fromEntries(types.map((type) => [type, fingerprint(folder, type)])),
    async restartWithNewHostKey() {
      before += running.log();
      await running.kill();
      makeHostKeys(folder, types);
      const again = await launchOn(plan, ports);
      if (!again) throw new Error(`port ${ports.port} was taken while sshd restarted`);
      running = again;
    },
    log: () => before + running.log(),
    stop: () => running.stop(),
  };
}

/** StrictModes is off because the served folder's parents are the test machine's; PAM, because a container may lack its files. */
function configuration(port: number, folder: string, types: readonly HostKeyType[], extra: string): string {
  return `${[
    extra,
    "ListenAddress 127.0.0.1",
    `Port ${port}`,
    ...types.map((type) => `HostKey ${join(folder, `host_${type}`)}`),
    `PidFile ${join(folder, "pid")}`,
    `AuthorizedKeysFile ${join(folder, "authorized_keys")}`,
    "UsePAM no",
    "UseDNS no",
    "StrictModes no",
    "PasswordAuthentication yes",
    "PubkeyAuthentication yes",
    "KbdInteractiveAuthentication no",
    "PermitRootLogin no",
    "MaxStartups 100:30:200",
    "PrintMotd no",
    "LogLevel VERBOSE",
    "Subsystem sftp internal-sftp",
    "ForceCommand internal-sftp",
  ].join("\n")}\n`;
}

function makeHostKeys(folder: string, types: readonly HostKeyType[]): void {
  for (const type of types) makeKey(join(folder, `host_${type}`), type);
}

function makeKey(file: string, type: HostKeyType): void {
  rmSync(file, { force: true });
  const size = type === "rsa" ? ["-b", "2048"] : [];
  execFileSync(program("ssh-keygen"), ["-q", "-t", type, ...size, "-N", "", "-C", "ferry test", "-f", file]);
}

function fingerprint(folder: string, type: HostKeyType): string {
  const line = execFileSync(program("ssh-keygen"), ["-l", "-E", "sha256", "-f", join(folder, `host_${type}.pub`)], {
    encoding: "utf8",
  });
  return line.split(" ")[1] ?? "";
}
