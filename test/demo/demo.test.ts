import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, readlink, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";

const repository = fileURLToPath(new URL("../../", import.meta.url));

/** Stands for the machine that the demo plays on: it must be as empty afterwards as it was before. */
let machine: string;

beforeEach(async () => {
  machine = await mkdtemp(join(tmpdir(), "ferry-machine-"));
});

afterEach(() => rm(machine, { recursive: true, force: true }));

test("the demo moves files over FTPS and SFTP, proves it, and leaves nothing behind", {
  timeout: 150_000,
}, async () => {
  const demo = start();
  const code = await exit(demo.process);
  expect({ code, stderr: demo.stderr() }).toEqual({ code: 0, stderr: expect.not.stringContaining("demo:") });
  for (const line of [
    /^\$ printf %s "\$PASSWORD" \| ferry secret set bank$/m,
    /^\$ ferry validate$/m,
    /^\$ ferry connection test bank$/m,
    /^\$ ferry job run nightly-extract$/m,
    /^\$ ferry agent status$/m,
    /^\$ ferry agent stop$/m,
    /^\$ ferry history$/m,
    /> PASS \*{8}$/m,
    /TLS session resumed/,
    /^\$ ferry history files '\*\.csv\*'$/m,
    /^✓ bank {4}\/incoming\/\d{8}\/ledger_\d{8}\.csv\.gz {2}sha256 [0-9a-f]{16}… {2}is ledger\.csv$/m,
    /^✓ partner \/payroll\/payroll-turin\.csv {2}sha256 [0-9a-f]{16}… {2}is payroll-turin\.csv$/m,
    /^✓ extracts\/ and outbox\/ are empty; their 5 files are in sent\/$/m,
    /^✓ neither password is in any of the \d+ files of the workspace$/m,
  ]) {
    expect(demo.stdout()).toMatch(line);
  }
  expect(await left()).toEqual({ files: [], processes: [] });
});

test("an interrupted demo ends with 130, and leaves nothing behind", { timeout: 120_000 }, async () => {
  const demo = start();
  await demo.said(/^\$ ferry agent &$/m);
  demo.process.kill("SIGINT");
  expect(await exit(demo.process)).toBe(130);
  expect(await left()).toEqual({ files: [], processes: [] });
});

/** What is still on the machine: files, and processes whose folder is or was there. */
async function left(): Promise<{ files: string[]; processes: string[] }> {
  const ids = (await readdir("/proc").catch(() => [])).filter((name) => /^\d+$/.test(name));
  const folders = await Promise.all(ids.map((id) => readlink(`/proc/${id}/cwd`).catch(() => "")));
  return { files: await readdir(machine), processes: ids.filter((_, index) => folders[index]?.startsWith(machine)) };
}

function start() {
  const child = spawn(process.execPath, ["dist/demo/main.js"], {
    cwd: repository,
    env: { ...process.env, TMPDIR: machine, HOME: join(machine, "no-home"), NO_COLOR: "1" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const texts = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const) {
    child[name].setEncoding("utf8").on("data", (text: string) => {
      texts[name] += text;
    });
  }
  return {
    process: child,
    stdout: () => texts.stdout,
    stderr: () => texts.stderr,
    async said(pattern: RegExp): Promise<void> {
      while (!pattern.test(texts.stdout)) await once(child.stdout, "data");
    },
  };
}

async function exit(child: ChildProcess): Promise<number | null> {
  const [code] = (await once(child, "close")) as [number | null];
  return code;
}
