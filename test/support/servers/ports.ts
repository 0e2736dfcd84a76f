import { randomInt } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createServer } from "node:net";
import { setTimeout as pause } from "node:timers/promises";

export interface PortBlock {
  readonly port: number;
  readonly passive: { readonly from: number; readonly to: number };
}

const blockSize = 50;
/** Below Linux's ephemeral ports, so that no client's own port can be in the way. */
const firstBlock = 10_000;
const lastPort = 32_000;

/** A free port with a passive range of its own, so that servers side by side never share a data port. */
export async function freePorts(): Promise<PortBlock> {
  for (;;) {
    const port = firstBlock + blockSize * randomInt((lastPort - firstBlock) / blockSize);
    if (await isFree(port)) return { port, passive: { from: port + 1, to: port + blockSize - 1 } };
  }
}

/** Waits until something listens on the port. Asks the kernel: a connection as a probe would count as a session. */
export async function untilListening(port: number, signal: AbortSignal): Promise<void> {
  while (!signal.aborted && !(await listeningPorts()).has(port)) await pause(5);
}

async function listeningPorts(): Promise<ReadonlySet<number>> {
  const listening = "0A";
  const rows = (await readFile("/proc/net/tcp", "utf8")).split("\n").map((row) => row.trim().split(/\s+/));
  const ports = rows
    .filter((row) => row[3] === listening)
    .map((row) => Number.parseInt(row[1]?.split(":")[1] ?? "", 16));
  return new Set(ports);
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once("error", () => resolve(false));
    probe.listen(port, "127.0.0.1", () => probe.close(() => resolve(true)));
  });
}
