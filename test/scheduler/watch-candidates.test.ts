import { describe, expect, test } from "vitest";
import type { FileVersion, WatchedFile } from "../../src/scheduler/trigger.js";
import {
  adoptDevices,
  type Candidate,
  inOrder,
  isAnother,
  isUnmounted,
  missingFrom,
  observe,
} from "../../src/scheduler/watch-candidates.js";
import type { FolderIdentity, Listing } from "../../src/scheduler/watch-scan.js";

const version = (change: Partial<FileVersion> = {}): FileVersion => ({
  size: 1,
  mtimeNs: "1",
  ctimeNs: "1",
  ino: "1",
  dev: "8",
  ...change,
});
const file = (path: string, change?: Partial<FileVersion>): WatchedFile => ({
  path,
  folder: "",
  version: version(change),
});
const folder = (change: Partial<FolderIdentity> = {}): FolderIdentity => ({
  dev: "8",
  ino: "2",
  bornNs: "1",
  bornForSure: true,
  mounted: false,
  ...change,
});
const listing = (files: readonly WatchedFile[], change: Partial<Listing> = {}): Listing => ({
  ...{ folder: folder(), folders: new Map(), unread: [], problems: [] },
  files: new Map(files.map((one) => [one.path, one])),
  ...change,
});

describe("what counts as gone", () => {
  const taken = new Map([
    ["/w/a", version()],
    ["/w/below/b", version()],
    ["/w/share/c", version({ dev: "99" })],
  ]);

  test("is what a listing does not have, on the same file system, in folders that could be read", () => {
    expect(missingFrom(listing([]), taken)).toEqual(["/w/a", "/w/below/b"]);
    expect(missingFrom(listing([file("/w/a")], { unread: ["/w/below/"] }), taken)).toEqual([]);
  });

  test("is not what was on a share that is not mounted, but is what a mounted share lacks, whatever its number now", () => {
    const remounted = new Map([["/w/a", version({ dev: "77" })]]);
    expect(missingFrom(listing([]), remounted)).toEqual([]);
    expect(missingFrom(listing([], { folder: folder({ mounted: true }) }), remounted)).toEqual(["/w/a"]);
  });
});

test("a folder beneath a former mount point is not the share", () => {
  const share = folder({ dev: "77", mounted: true });
  expect([
    isUnmounted(folder(), share),
    isUnmounted(share, share),
    isUnmounted(folder(), folder()),
    isUnmounted(share, undefined),
  ]).toEqual([true, false, false, false]);
});

test("a folder is another one by its number or its birth; on another file system nothing is known", () => {
  const before = folder();
  expect({
    same: isAnother(folder(), before),
    number: isAnother(folder({ ino: "3" }), before),
    birth: isAnother(folder({ bornNs: "2", bornForSure: false }), before),
    madeUp: isAnother(folder({ bornNs: "2", bornForSure: false }), folder({ bornForSure: false })),
    device: isAnother(folder({ dev: "9", ino: "3" }), before),
    first: isAnother(folder(), undefined),
  }).toEqual({ same: false, number: true, birth: true, madeUp: false, device: false, first: false });
});

test("a candidate keeps the time of its first sight until any part of its version changes", () => {
  const before = new Map<string, Candidate>([["/w/a", { file: file("/w/a"), since: 5 }]]);
  const since = (change: Partial<FileVersion>): number | undefined =>
    observe(before, listing([file("/w/a", change)]), new Map(), 9, "accept").get("/w/a")?.since;
  expect([
    since({}),
    since({ dev: "9" }),
    since({ size: 2 }),
    since({ mtimeNs: "2" }),
    since({ ctimeNs: "2" }),
    since({ ino: "2" }),
  ]).toEqual([5, 5, 9, 9, 9, 9]);
});

test("after a reboot a file on a disk with another number is still taken, and known by the new one", () => {
  const taken = new Map([["/w/a", version({ dev: "7" })]]);
  const seen = listing([file("/w/a")]);
  adoptDevices(seen, taken);
  expect({ candidates: observe(new Map(), seen, taken, 0, "accept").size, dev: taken.get("/w/a")?.dev }).toEqual({
    candidates: 0,
    dev: "8",
  });
});

test("the oldest file is taken first, and of the same age the first by name", () => {
  const files = [file("/w/c", { mtimeNs: "2" }), file("/w/b", { mtimeNs: "10" }), file("/w/a", { mtimeNs: "10" })];
  expect(inOrder(files).map(({ path }) => path)).toEqual(["/w/c", "/w/a", "/w/b"]);
});
