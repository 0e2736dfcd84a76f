import { randomBytes } from "node:crypto";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseDocument } from "yaml";
import { createFerry, type Ferry } from "./ferry.js";
import { makeCertificate, makeHostKey } from "./servers/certificate.js";
import { startFtps } from "./servers/ftps.js";
import { startSftp } from "./servers/sftp.js";

/** Where the demo plays: a temporary folder with a workspace, a home of its own, and two servers. */
export interface Stage {
  readonly workspace: string;
  readonly ferry: Ferry;
  readonly bank: Host;
  readonly partner: Host;
}

/** A server as its owner would describe it to a customer. */
export interface Host {
  readonly port: number;
  readonly password: string;
  readonly fingerprint: string;
  /** The real folder behind `/`. */
  readonly root: string;
}

/** Sets the stage, plays, and clears it away whatever happened: processes, servers, folder. */
export async function withStage(signal: AbortSignal, play: (stage: Stage) => Promise<void>): Promise<void> {
  process.umask(0o077);
  const folder = await mkdtemp(join(tmpdir(), "ferry-demo-"));
  const clearing: (() => Promise<void>)[] = [() => rm(folder, { recursive: true, force: true, maxRetries: 5 })];
  try {
    const bank = await openBank(folder);
    clearing.push(bank.close);
    const partner = await openPartner(folder);
    clearing.push(partner.close);
    const workspace = await copyWorkspace(folder, { bank: bank.port, partner: partner.port });
    const ferry = createFerry({ folder: workspace, env: await ownEnvironment(folder), signal });
    clearing.push(ferry.endAll);
    await play({ workspace, ferry, bank, partner });
  } finally {
    for (const clear of clearing.reverse()) await clear();
  }
}

type RunningHost = Host & { close(): Promise<void> };

async function openBank(folder: string): Promise<RunningHost> {
  const root = join(folder, "bank-server");
  await mkdir(join(root, "incoming"), { recursive: true });
  const now = Date.now();
  const certificate = makeCertificate({ from: new Date(now - 3_600_000), until: new Date(now + 86_400_000) });
  const password = randomBytes(12).toString("hex");
  const server = await startFtps({ root, user: "acme", password, certificate, requireResumption: true });
  return { root, password, port: server.port, fingerprint: certificate.fingerprint, close: () => server.close() };
}

async function openPartner(folder: string): Promise<RunningHost> {
  const root = join(folder, "partner-server");
  await mkdir(join(root, "payroll"), { recursive: true });
  const password = randomBytes(12).toString("hex");
  const server = await startSftp({ root, user: "acme", password, hostKey: makeHostKey() });
  return { root, password, port: server.port, fingerprint: server.fingerprint, close: () => server.close() };
}

/** The repository's sample workspace, with the addresses of the servers of the demo. */
async function copyWorkspace(folder: string, ports: Readonly<Record<"bank" | "partner", number>>): Promise<string> {
  const sample = fileURLToPath(new URL("../../", import.meta.url));
  const workspace = join(folder, "workspace");
  await mkdir(join(workspace, "jobs"), { recursive: true });
  await mkdir(join(workspace, "outbox"));
  const jobs = (await readdir(join(sample, "jobs"))).map((name) => join("jobs", name));
  for (const name of ["ferry.yaml", ...jobs])
    await writeFile(join(workspace, name), await readFile(join(sample, name)));
  const connections = parseDocument(await readFile(join(sample, "connections.yaml"), "utf8"));
  for (const [name, port] of Object.entries(ports)) {
    connections.setIn(["connections", name, "address"], "127.0.0.1");
    connections.setIn(["connections", name, "port"], port);
  }
  await writeFile(join(workspace, "connections.yaml"), connections.toString({ lineWidth: 0 }));
  return workspace;
}

/** Nothing of the user's own configuration is read or written. */
async function ownEnvironment(folder: string): Promise<NodeJS.ProcessEnv> {
  const home = join(folder, "home");
  await mkdir(join(home, ".config"), { recursive: true });
  const inherited = Object.entries(process.env).filter(
    ([name]) => !/^(FERRY_|XDG_|CREDENTIALS_DIRECTORY$|SSH_AUTH_SOCK$)/.test(name),
  );
  return {
    ...Object.fromEntries(inherited),
    HOME: home,
    XDG_CONFIG_HOME: join(home, ".config"),
    FERRY_VAULT_KEY_FILE: join(home, "vault.key"),
  };
}
