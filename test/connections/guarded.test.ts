import { expect, test } from "vitest";
import { guarded } from "../../src/connections/guarded.js";
import type { RemoteEntry, RemoteSession } from "../../src/connections/session.js";
import { keptTranscript } from "./open-context.js";
import { codeOf } from "./session-contract/workshop.js";

/** A session whose server lists these names; all else is never asked for. */
function listing(names: readonly string[]): RemoteSession {
  const never = (): never => {
    throw new Error("this was to be stopped at the gate");
  };
  const entries = names.map((name): RemoteEntry => ({ name, type: "file", size: 1, modifiedAt: undefined }));
  const facts = {
    address: "x",
    tlsVersion: undefined,
    cipher: undefined,
    resumed: undefined,
    certificateSha256: undefined,
    hostKeySha256: undefined,
    features: [],
  };
  return {
    ...{
      number: 1,
      alive: true,
      facts,
      absolute: (path) => path,
      list: async () => entries,
      stat: never,
      size: never,
      upload: never,
      download: never,
    },
    ...{ rename: never, remove: never, makeDirectory: never, removeDirectory: never, close: async () => {} },
  };
}

test.each([
  ["../../evil.txt", "..\\u{2f}..\\u{2f}evil.txt"],
  ["/etc/passwd", "\\u{2f}etc\\u{2f}passwd"],
  ["..\\evil", "..\\u{5c}evil"],
  ["..", ".."],
  [".", "."],
  ["nul\0", "nul\\u{0}"],
  ["line\nend", "line\\u{a}end"],
  ["\u202egpj.exe", "\\u{202e}gpj.exe"],
  ["\u009b2J", "\\u{9b}2J"],
  ["caf\ufffd", "caf\ufffd"],
])("the hostile name %j is listed as other, and noted", async (name, shown) => {
  const transcript = keptTranscript();
  const listed = await guarded(listing(["good.txt", name]), transcript).list("/in");
  expect(listed.map((entry) => [entry.name, entry.type])).toEqual([
    ["good.txt", "file"],
    [shown, "other"],
  ]);
  expect(transcript.lines).toEqual([`* the name "${shown}" in /in is refused`]);
});

test("a listing without end is refused", async () => {
  expect(await codeOf(guarded(listing(Array.from({ length: 1_000_001 }, () => "a")), keptTranscript()).list("/"))).toBe(
    "FERRY_LIMIT",
  );
});

test.each(["a\r\nDELE b", "a\0b", "", "\u202e", "/deep".repeat(101)])("no call takes the path %j", async (path) => {
  const session = guarded(listing([]), keptTranscript());
  const source = (async function* () {})();
  const calls = [
    ...[
      session.list(path),
      session.stat(path),
      session.size(path),
      session.remove(path),
      session.makeDirectory(path),
      session.removeDirectory(path),
    ],
    ...[
      session.upload(source, path),
      session.download(path, { write: async () => {} }),
      session.rename("a", path),
      session.rename(path, "a"),
    ],
  ];
  const codes = await Promise.all(calls.map(codeOf));
  expect(new Set(codes).size).toBe(1);
  expect(codes[0]).toMatch(/^FERRY_(NAME_REFUSED|LIMIT)$/);
});

test("what changes in the session shows through", () => {
  let alive = true;
  const session = guarded(
    {
      ...listing([]),
      get alive() {
        return alive;
      },
    } as RemoteSession,
    keptTranscript(),
  );
  const own: RemoteSession = Object.defineProperty(listing([]), "alive", { get: () => alive });
  const wrapped = guarded(own, keptTranscript());
  alive = false;
  expect([wrapped.alive, session.setModifiedAt]).toEqual([false, undefined]);
});
