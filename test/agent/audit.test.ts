import { mkdirSync, renameSync } from "node:fs";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import { type Host, openHost } from "../../src/agent/host.js";
import type { OperationName, OperationTable } from "../../src/agent/operations.js";
import { createPerformer } from "../../src/agent/perform.js";
import { asAgentError } from "../../src/base/errors.js";
import { connect } from "../../src/storage/sqlite/connect.js";
import { workspacePaths } from "../../src/workspace/paths.js";
import { createFakeClock } from "../support/fake-clock.js";
import { later, workspace } from "./stage.js";

const FINGERPRINT = `sha256:${"ab".repeat(32)}`;
const ACCEPTED = {
  connection: "bank",
  accepted: { host: "ftp.bank.example", port: 21, kind: "certificate", fingerprint: FINGERPRINT, detail: {} },
} as const;
const SET = ["secret.set", { name: "bank", value: "pear tree" }] as const;
const REMOVE = ["secret.remove", { name: "bank" }] as const;
const ACCEPT = ["trust.accept", ACCEPTED] as const;
const FORGET = ["trust.forget", { connection: "bank" }] as const;

interface Stage {
  readonly host: Host;
  /** `done`, or the code of the failure. */
  ask<Name extends OperationName>(name: Name, params: OperationTable[Name]["params"]): Promise<string>;
  /** What the vault and the trust have, and what the audit says of it. */
  seen(): Promise<{ secrets: readonly string[]; trusted: readonly string[]; audit: readonly string[] }>;
}

async function stage(): Promise<Stage> {
  const ferry = workspace({});
  vi.stubEnv("XDG_CONFIG_HOME", join(ferry.folder, "../config"));
  later(() => vi.unstubAllEnvs());
  const clock = createFakeClock("2026-11-20T02:30:00.000Z");
  const common = { workspace: ferry.folder, clock, as: "the agent", waitMs: 0, console: false, strict: false };
  const host = await openHost({ ...common, patient: true });
  later(() => host.close());
  const perform = createPerformer(host, undefined);
  return {
    host,
    ask: (name, params) =>
      perform(name, params).then(
        () => "done",
        (error: unknown) => asAgentError(error).code,
      ),
    async seen() {
      const db = connect(workspacePaths(ferry.folder).history, { readonly: true });
      const rows = db.prepare("SELECT action || ' ' || subject || ' ' || detail FROM audit").pluck().all() as string[];
      db.close();
      const root = join(ferry.folder, "..");
      return {
        secrets: (await host.vault.list()).map(({ name }) => name),
        trusted: host.trust.list().map(({ connection }) => connection),
        audit: rows.map((row) => row.replaceAll(root, "").trimEnd()),
      };
    },
  };
}

/** Until it is undone, no row can be written. */
function refuseRows({ host }: Stage): () => void {
  const other = connect(workspacePaths(host.workspace).history);
  other.exec("BEGIN IMMEDIATE");
  return () => void other.close();
}

test("what changes the vault or the trust is in the audit", async () => {
  const there = await stage();
  const ended = [await there.ask(...SET), await there.ask(...ACCEPT)];
  expect([ended, await there.seen()]).toMatchObject([["done", "done"], { secrets: ["bank"], trusted: ["bank"] }]);
  ended.push(await there.ask(...REMOVE), await there.ask(...FORGET));
  expect([ended, await there.seen()]).toEqual([
    ["done", "done", "done", "done"],
    {
      ...{ secrets: [], trusted: [] },
      audit: [
        "secret.set bank",
        `trust.accept bank certificate ${FINGERPRINT} of ftp.bank.example:21`,
        ...["secret.remove bank", "trust.forget bank"],
      ],
    },
  ]);
});

test("what cannot be recorded is not done", { timeout: 30_000 }, async () => {
  const there = await stage();
  const first = refuseRows(there);
  expect([await there.ask(...SET), await there.ask(...ACCEPT)]).toEqual(["FERRY_STORAGE", "FERRY_STORAGE"]);
  first();
  expect(await there.seen()).toEqual({ secrets: [], trusted: [], audit: [] });

  await there.ask(...SET);
  await there.ask(...ACCEPT);
  const before = await there.seen();
  const second = refuseRows(there);
  expect([await there.ask(...REMOVE), await there.ask(...FORGET)]).toEqual(["FERRY_STORAGE", "FERRY_STORAGE"]);
  second();
  expect([before, await there.seen()]).toMatchObject([{ secrets: ["bank"], trusted: ["bank"] }, before]);
});

test("what is refused is not in the audit", async () => {
  const there = await stage();
  expect([
    await there.ask("secret.set", { name: "my bank", value: "pear tree" }),
    await there.ask(...REMOVE),
    await there.ask(...FORGET),
  ]).toEqual(["FERRY_USAGE", "FERRY_NOT_FOUND", "FERRY_NOT_FOUND"]);
  expect(await there.seen()).toEqual({ secrets: [], trusted: [], audit: [] });
});

test("what was recorded and then failed has a second row, which says so", async () => {
  const there = await stage();
  const key = join(there.host.workspace, "../config/ferry/vault.key");
  await there.ask(...SET);
  await there.ask(...ACCEPT);
  const before = await there.seen();
  // The vault has just been read, and cannot be written without its key; nor the trust, where its new file has no place.
  renameSync(key, `${key}.away`);
  mkdirSync(`${workspacePaths(there.host.workspace).trust}.${process.pid}.part`);
  const ended = [await there.ask(...SET), await there.ask(...REMOVE)];
  ended.push(await there.ask(...ACCEPT), await there.ask(...FORGET));
  renameSync(`${key}.away`, key);
  const lost = "failed: FERRY_VAULT: the key file /config/ferry/vault.key of /workspace/.ferry/vault.age is not there";
  const unwritten = "failed: FERRY_TRUST_STORE: /workspace/.ferry/trust.yaml cannot be written";
  const accepting = `trust.accept bank certificate ${FINGERPRINT} of ftp.bank.example:21`;
  expect([ended, await there.seen()]).toEqual([
    ["FERRY_VAULT", "FERRY_VAULT", "FERRY_TRUST_STORE", "FERRY_TRUST_STORE"],
    {
      ...{ secrets: ["bank"], trusted: ["bank"] },
      audit: [
        ...before.audit,
        ...["secret.set bank", `secret.set bank ${lost}`, "secret.remove bank", `secret.remove bank ${lost}`],
        ...[accepting, `trust.accept bank ${unwritten}`, "trust.forget bank", `trust.forget bank ${unwritten}`],
      ],
    },
  ]);
});
