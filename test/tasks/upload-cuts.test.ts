import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { systemClock } from "../../src/base/clock.js";
import { asAgentError } from "../../src/base/errors.js";
import { localDriver } from "../../src/connections/local/driver.js";
import { upload } from "../../src/tasks/upload.js";
import { openContext } from "../connections/open-context.js";
import { type Cut, type CutSessions, cutSessions } from "../support/cut-session.js";
import { memoryLedger, testContext, testWorkspace } from "../support/task-context.js";

const CONTENT = "account;amount\n4711;12.50\n";
const CALLS = await callsOfOneUpload();
const CUTS = CALLS.flatMap((name, index) =>
  (["before", "after"] as const).map((when) => ({ name, when, call: index + 1 })),
);

test("one upload asks for what is there, sends under a temporary name, checks, and renames", () => {
  expect(CALLS.map((call) => call.replace(/\.[a-z0-9]{4}\.part/, ".ID.part"))).toEqual([
    "stat a.csv",
    "upload .a.csv.ID.part",
    "setModifiedAt .a.csv.ID.part",
    "size .a.csv.ID.part",
    "rename .a.csv.ID.part a.csv",
  ]);
});

test.each(CUTS)("the connection breaks $when the effect of `$name`: the file is there once, whole", async (cut) => {
  const seen = await uploadThrough(cut, { collects: false });
  expect(seen).toEqual({ states: ["delivered"], published: ["a.csv"], target: { "a.csv": CONTENT }, source: false });
});

test.each(CUTS)(
  "… and a partner who takes published files away at once gets it once, or it is held: $when `$name`",
  async (cut) => {
    const seen = await uploadThrough(cut, { collects: true });
    // Only when the answer to the rename is missing, and the file is gone, can nobody tell.
    const inDoubt = cut.name.startsWith("rename") && cut.when === "after";
    expect(seen).toEqual({
      states: [inDoubt ? "held" : "delivered"],
      published: ["a.csv"],
      target: {},
      source: inDoubt,
    });
  },
);

test("onInDoubt: resend sends again what may have arrived", async () => {
  const cut = CUTS.find(({ name, when }) => name.startsWith("rename") && when === "after");
  const seen = await uploadThrough(cut, { collects: true, onInDoubt: "resend" });
  expect(seen).toEqual({ states: ["delivered"], published: ["a.csv", "a.csv"], target: {}, source: false });
});

interface Seen {
  readonly states: readonly string[];
  /** Every time that a whole file came under its final name. */
  readonly published: readonly string[];
  readonly target: Readonly<Record<string, string>>;
  /** Whether the source is still there. */
  readonly source: boolean;
}

async function uploadThrough(cut: Cut | undefined, partner: { collects: boolean; onInDoubt?: string }): Promise<Seen> {
  const workspace = await testWorkspace();
  try {
    const { source, server, sessions } = await stage(workspace.path, cut);
    const published: string[] = [];
    sessions.onEffect = async (call) => {
      if (!call.startsWith("rename") || !existsSync(join(server, "a.csv"))) return;
      expect(readFileSync(join(server, "a.csv"), "utf8")).toBe(CONTENT);
      published.push("a.csv");
      if (partner.collects) rmSync(join(server, "a.csv"));
    };
    const ledger = memoryLedger(systemClock);
    const context = testContext(workspace.path, { session: sessions.session, ledger });
    const spec = upload.schema.parse({
      connection: "partner",
      from: "out/*.csv",
      after: "delete",
      ...(partner.onInDoubt ? { onInDoubt: partner.onInDoubt } : {}),
    });
    for (let attempt = 1; attempt <= 3; attempt++) {
      const error = await upload.run(spec, context.again({ attempt })).then(() => undefined, asAgentError);
      if (error?.retry !== "transient") break;
    }
    const target = Object.fromEntries(
      readdirSync(server).map((name) => [name, readFileSync(join(server, name), "utf8")]),
    );
    return { states: ledger.rows.map((row) => row.state), published, target, source: existsSync(source) };
  } finally {
    await workspace.close();
  }
}

async function callsOfOneUpload(): Promise<readonly string[]> {
  const workspace = await testWorkspace();
  const { sessions } = await stage(workspace.path, undefined);
  const spec = upload.schema.parse({ connection: "partner", from: "out/*.csv" });
  await upload.run(spec, testContext(workspace.path, { session: sessions.session }));
  await workspace.close();
  return sessions.calls.map((call) => call.replaceAll(`${workspace.path}/server/`, ""));
}

async function stage(
  workspace: string,
  cut: Cut | undefined,
): Promise<{ source: string; server: string; sessions: CutSessions }> {
  const server = join(workspace, "server");
  mkdirSync(server);
  mkdirSync(join(workspace, "out"));
  const source = join(workspace, "out", "a.csv");
  writeFileSync(source, CONTENT);
  const definition = localDriver.schema.parse({ protocol: "local", directory: server });
  return { source, server, sessions: cutSessions(() => localDriver.open(definition, openContext()), cut) };
}
