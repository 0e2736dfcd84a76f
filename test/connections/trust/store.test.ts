import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { systemClock } from "../../../src/base/clock.js";
import { type AcceptedIdentity, openTrustStore } from "../../../src/connections/trust/store.js";

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "ferry-store-"));
  path = join(folder, "state", "trust.yaml");
});
afterEach(() => rmSync(folder, { recursive: true }));

const open = () => openTrustStore(path, { clock: systemClock });
const identity = (digit: string, port = 21): AcceptedIdentity => ({
  ...{ host: "ftp.example", port, kind: "certificate", fingerprint: `sha256:${digit.repeat(64)}` },
  detail: { subject: "CN=ftp.example", problem: "is signed by itself" },
});

test("what was accepted is found again by another process, and nothing else", async () => {
  await open().accept("bank", identity("a"));
  const again = open();
  expect([
    again.find("bank", "ftp.example", 21, "certificate")?.fingerprint,
    again.find("bank", "ftp.example", 22, "certificate"),
    again.find("bank", "ftp.example", 21, "host-key"),
    again.find("other", "ftp.example", 21, "certificate"),
  ]).toEqual([identity("a").fingerprint, undefined, undefined, undefined]);
});

test("a new answer takes the place of the old one", async () => {
  const store = open();
  await store.accept("bank", identity("a"));
  await store.accept("bank", identity("b"));
  await store.accept("bank", identity("c", 990));
  expect(store.list().map(({ fingerprint, port }) => [fingerprint.at(-1), port])).toEqual([
    ["b", 21],
    ["c", 990],
  ]);
});

test("a connection is forgotten", async () => {
  const store = open();
  await store.accept("bank", identity("a"));
  expect([await store.forget("bank"), await store.forget("bank"), store.list()]).toEqual([true, false, []]);
});

test("the file is for its owner only, whole, and readable for people", async () => {
  await open().accept("bank", identity("a"));
  expect([(statSync(path).mode & 0o777).toString(8), readdirSync(join(folder, "state"))]).toEqual([
    "600",
    ["trust.yaml"],
  ]);
  expect(readFileSync(path, "utf8")).toContain("subject: CN=ftp.example");
});

test.each(["accepted: 7", "{", "accepted:\n  - connection: bank\n", "", "&a [*a]", "other: []"])(
  "a damaged file (%j) is an error, and is not written over",
  async (text) => {
    await open().accept("bank", identity("a"));
    writeFileSync(path, text);
    expect(() => open().find("bank", "ftp.example", 21, "certificate")).toThrow("nothing is trusted");
    await expect(open().accept("bank", identity("b"))).rejects.toThrow("nothing is trusted");
    expect(readFileSync(path, "utf8")).toBe(text);
  },
);
