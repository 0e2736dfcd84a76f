import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { gunzipSync } from "node:zlib";
import pc from "picocolors";
import type { Material } from "./material.js";
import type { Stage } from "./stage.js";

type Connection = "bank" | "partner";

interface Delivery {
  readonly connection: string;
  readonly remotePath: string;
  readonly sha256: string;
  readonly state: string;
}

/**
 * Compares the folders of both servers with what was sent and with what the history says of it: every file is there
 * once, with the same SHA-256, and nothing else is. Rejects at the first difference.
 */
export async function proveAll(stage: Stage, sent: Readonly<Record<Connection, readonly Material[]>>): Promise<void> {
  const { deliveries } = (await stage.ferry.ask(["history", "files"])) as { deliveries: readonly Delivery[] };
  console.log();
  for (const connection of ["bank", "partner"] as const) {
    const own = deliveries.filter((delivery) => delivery.connection === connection);
    await prove(connection, stage[connection].root, own, sent[connection]);
  }
  await proveNothingWaits(stage.workspace);
  await proveNoPassword(stage);
}

async function prove(
  connection: Connection,
  root: string,
  deliveries: readonly Delivery[],
  sent: readonly Material[],
): Promise<void> {
  const missing = new Map(sent.map(({ name, text }) => [sha256(text), name]));
  for (const path of await filesBelow(root)) {
    const content = await readFile(join(root, path));
    const original = sha256(path.endsWith(".gz") ? gunzipSync(content) : content);
    const name = missing.get(original);
    if (name === undefined) throw new Error(`${connection} has /${path}, which nobody sent, or sent otherwise`);
    missing.delete(original);
    const recorded = deliveries.find((delivery) => delivery.remotePath === `/${path}`);
    if (recorded?.state !== "delivered" || recorded.sha256 !== sha256(content)) {
      throw new Error(`the history says of ${connection}'s /${path}: ${JSON.stringify(recorded)}`);
    }
    console.log(
      `${pc.green("✓")} ${connection.padEnd(7)} /${path}  ${pc.dim(`sha256 ${recorded.sha256.slice(0, 16)}…`)}  is ${name}`,
    );
  }
  if (missing.size > 0) throw new Error(`${connection} does not have ${[...missing.values()].join(", ")}`);
  if (deliveries.length !== sent.length)
    throw new Error(`the history has ${deliveries.length} deliveries to ${connection}, not ${sent.length}`);
}

async function proveNothingWaits(workspace: string): Promise<void> {
  for (const folder of ["extracts", "outbox"]) {
    const left = await filesBelow(join(workspace, folder));
    if (left.length > 0) throw new Error(`${folder}/ still has ${left.join(", ")}`);
  }
  const put = (await filesBelow(join(workspace, "sent"))).length;
  console.log(`${pc.green("✓")} extracts/ and outbox/ are empty; their ${put} files are in sent/`);
}

/** In clear it is nowhere: not in the vault, the history, the transcript or the log. */
async function proveNoPassword({ workspace, bank, partner }: Stage): Promise<void> {
  const files = await filesBelow(workspace);
  for (const path of files) {
    const content = await readFile(join(workspace, path));
    if ([bank, partner].some(({ password }) => content.includes(password))) throw new Error(`${path} holds a password`);
  }
  console.log(`${pc.green("✓")} neither password is in any of the ${files.length} files of the workspace`);
}

/** Relative paths, hidden files included. */
async function filesBelow(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .sort();
}

function sha256(content: string | Uint8Array): string {
  return createHash("sha256").update(content).digest("hex");
}
