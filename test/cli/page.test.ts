import { expect, test } from "vitest";
import { type RunDocument, runPage } from "../../src/cli/history/page.js";
import { deliveryState, RUN_STATES, runState } from "../../src/cli/states.js";
import { plain, type Text } from "../../src/cli/text.js";
import type { RunRecord, TransferRecord } from "../../src/runs/history.js";

const AT = new Date(2026, 10, 20, 2, 30, 0).toISOString();
const END = new Date(2026, 10, 20, 2, 30, 41).toISOString();

const run = (values: Partial<RunRecord> = {}): RunRecord => ({
  ...{
    id: 42,
    job: "nightly",
    state: "failed",
    trigger: "cron",
    scheduledAt: AT,
    startedAt: AT,
    finishedAt: END,
    durationMs: 41_000,
  },
  ...{ attempt: 1, files: 1, bytes: 10, late: false, reason: null, error: null, continues: null, continuedBy: null },
  ...values,
});

const transfer = (values: Partial<TransferRecord> = {}): TransferRecord => ({
  ...{
    task: "push",
    connection: "bank",
    direction: "upload",
    localPath: "/w/out/a.csv",
    remotePath: "/in/a.csv",
    temporaryPath: "/in/.a.part",
  },
  ...{
    bytes: 1204,
    sha256: "ab12",
    state: "delivered",
    startedAt: AT,
    durationMs: 600,
    resumedFrom: null,
    verifiedBy: "size",
  },
  ...{ reply: "250 Rename successful", error: null },
  ...values,
});

function page(document: Partial<RunDocument>): string {
  const lines = runPage(
    { run: run(), tasks: [], transfers: [], sessions: [], ...document },
    { workspace: "/w", failure: "here" },
  );
  return lines.map(plain).join("\n");
}

test("a failed run reads from top to bottom: what, when, what failed, each file, what to do", () => {
  const error = {
    code: "FERRY_SERVER_REFUSED",
    message: "b.csv: refused",
    cause: "553 disk on fire",
    hint: "call them",
    task: "push",
  } as const;
  const text = page({
    run: run({ error }),
    tasks: [
      { id: "pack", kind: "compress", state: "succeeded", attempts: 1, startedAt: AT, durationMs: 1200, error: null },
      { id: "push", kind: "upload", state: "failed", attempts: 3, startedAt: AT, durationMs: 39_000, error },
    ],
    transfers: [
      transfer(),
      transfer({
        localPath: "/w/out/b.csv",
        remotePath: "/in/b.csv",
        state: "failed",
        bytes: null,
        sha256: null,
        reply: null,
        verifiedBy: null,
        error,
      }),
    ],
  });
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  expect(text.split("\n")).toEqual([
    "Run 42  nightly  failed",
    "",
    `when          Fri 2026-11-20 02:30:00 to 02:30:41 ${zone}, 41 s`,
    "started by    cron, due 2026-11-20 02:30:00",
    "files         1 of 2 files delivered, 10 B, 1 failed",
    "",
    "error[FERRY_SERVER_REFUSED]: b.csv: refused",
    "  where: task push",
    "  cause: 553 disk on fire",
    "  hint: call them",
    "",
    "Tasks",
    "  ✓ pack (compress)  succeeded  1.2 s",
    "  ✗ push (upload)  failed  39 s, 3 attempts",
    "",
    "Files",
    "  ✗ out/b.csv → bank:/in/b.csv  failed",
    "      FERRY_SERVER_REFUSED: b.csv: refused",
    "      cause: 553 disk on fire",
    "  ✓ out/a.csv → bank:/in/a.csv  delivered",
    "      1,204 bytes in 600 ms, the size on the other side is right",
    "      sha256 ab12",
    "      server: 250 Rename successful",
    "",
    "Next",
    "  every line said: ferry history log 42",
  ]);
});

test("a run that did not run says why, and when it was due", () => {
  const text = page({
    run: run({
      state: "skipped",
      startedAt: null,
      finishedAt: END,
      durationMs: null,
      files: 0,
      reason: "late: after 07:00",
    }),
  });
  expect(text).toContain("did not begin");
  expect(text).toContain("reason        late: after 07:00");
});

test("an interrupted run points to the one that continues it", () => {
  expect(page({ run: run({ state: "interrupted", continuedBy: 43 }) })).toContain("continued by  run 43");
});

test("a delivery whose source could not be put away is told with the others that need a person", () => {
  const error = {
    code: "FERRY_DISPOSAL_FAILED",
    message: "a.csv stays",
    cause: "EACCES",
    hint: "move it",
    task: "push",
  } as const;
  expect(page({ transfers: [transfer({ error })] })).toMatch(
    /✓ out\/a\.csv .*delivered[\s\S]*FERRY_DISPOSAL_FAILED: a\.csv stays/,
  );
});

test("green is only what provably happened", () => {
  const styleOf = (text: Text): string => (typeof text === "object" && "style" in text ? text.style : "");
  const runs = Object.fromEntries(RUN_STATES.map((state) => [state, styleOf(runState({ state, files: 1 }))]));
  expect(runs).toEqual({
    ...{ queued: "cyan", running: "cyan", succeeded: "green", failed: "red", cancelled: "yellow", "timed-out": "red" },
    ...{ interrupted: "magenta", skipped: "dim" },
  });
  expect(styleOf(runState({ state: "succeeded", files: 0 }))).toBe("dim");
  expect(
    (["delivered", "unverified", "held", "failed"] as const).map((state) => deliveryState(state).word.style),
  ).toEqual(["green", "yellow", "yellow", "red"]);
});
