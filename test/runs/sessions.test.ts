import { expect, test } from "vitest";
import { systemClock } from "../../src/base/clock.js";
import type { Transcript } from "../../src/base/transcript.js";
import type { RemoteSession } from "../../src/connections/session.js";
import type { RunRecorder } from "../../src/runs/ports.js";
import { createSessionPool } from "../../src/runs/sessions.js";

const FTP = (said: Transcript): void => {
  said.sent("CWD /in");
  said.received("550 Failed to change directory.");
  said.sent("STOR .a.part");
  said.received("150 Ok to send data.");
  said.received("226 Transfer complete.");
  said.sent("PWD");
  said.received('257 "/"');
  said.sent("RNTO a");
  said.received("250 Rename successful.");
};

const SFTP = (said: Transcript): void => {
  said.sent('LSTAT "/a"', "ssh");
  said.received("NO_SUCH_FILE No such file", "ssh");
  said.sent('OPEN "/.a.part"', "ssh");
  said.received("HANDLE", "ssh");
  said.received("OK ×1", "ssh");
  said.sent('RENAME "/.a.part" "/a"', "ssh");
  said.received("OK", "ssh");
};

test.each([
  [
    "FTP",
    FTP,
    ["550 Failed to change directory.", "150 Ok to send data.", "226 Transfer complete.", "250 Rename successful."],
  ],
  ["SFTP", SFTP, ["NO_SUCH_FILE No such file", "OK"]],
])("where lines received are not kept, %s errors and the replies of deliveries are", async (_, say, kept) => {
  const lines = await linesOf(say, { sent: false, received: false });
  expect(lines).toEqual([
    "note lines sent and received are not kept, as the connection's `log` says",
    ...kept.map((text) => `received ${text}`),
  ]);
});

test("each direction is switched off by itself", async () => {
  const lines = await linesOf(FTP, { sent: false, received: true });
  expect([lines.filter((line) => line.startsWith("sent")), lines.length]).toEqual([[], 6]);
});

async function linesOf(
  say: (transcript: Transcript) => void,
  kept: { readonly sent: boolean; readonly received: boolean },
): Promise<string[]> {
  const lines: string[] = [];
  const recorder: Pick<RunRecorder, "record" | "line"> = {
    record: async () => {},
    line: ({ direction, text }) => void lines.push(`${direction} ${text}`),
  };
  const pool = createSessionPool({
    ...{ run: 1, byPerson: true, clock: systemClock, counter: { last: 0 }, kept: () => kept },
    recorder: recorder as RunRecorder,
    open: async (_, { transcript }) => {
      say(transcript);
      return { alive: true } as RemoteSession;
    },
  });
  await pool.get("bank", "push");
  return lines;
}
