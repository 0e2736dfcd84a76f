import { expect, test } from "vitest";
import { AgentError } from "../../../src/base/errors.js";
import { parseList, parseMlsd, parseMlst, parseSize, parseTime } from "../../../src/connections/ftp/listing.js";
import { parsePwd, resolvePath } from "../../../src/connections/ftp/paths.js";

const rules = { format: undefined, zone: "UTC", now: new Date("2026-11-20T14:00:00Z") };
const one = (line: string, more: object = {}): unknown[] => {
  const [entry, ...others] = parseList(line, { ...rules, ...more });
  expect(others).toEqual([]);
  return [entry?.name, entry?.type, entry?.size, entry?.modifiedAt?.toISOString()];
};

test.each([
  [
    "-rw-r--r--    1 1000     1000         1057 Nov 20 10:11 two  words .txt",
    "two  words .txt",
    "file",
    1057,
    "2026-11-20T10:11:00.000Z",
  ],
  [
    "-rw-r--r--    1 1000     1000         1057 Nov 20 10:11  leading",
    " leading",
    "file",
    1057,
    "2026-11-20T10:11:00.000Z",
  ],
  ["-rw-r--r--   1 patrick  staff   1057 Dec 11 14:35 test.txt", "test.txt", "file", 1057, "2025-12-11T14:35:00.000Z"],
  ["-rw-r--r--   1 a b   1057 Dec 11  2019 test.txt", "test.txt", "file", 1057, "2019-12-11T00:00:00.000Z"],
  ["-rw-r--r--   1 a b   1057 11 Dec 2019 test.txt", "test.txt", "file", 1057, "2019-12-11T00:00:00.000Z"],
  ["-rw-r--r--   1 a b   5368709120 2024-02-29 12:34 big", "big", "file", 5368709120, "2024-02-29T12:34:00.000Z"],
  ["-rw-r--r--   1 a b   1057 Dez 11 14:35 unsure.txt", "unsure.txt", "file", 1057, undefined],
  ["drwxr-xr-x    2 0        0            4096 Jan  1 00:00 in", "in", "directory", 4096, "2026-01-01T00:00:00.000Z"],
  [
    "lrwxrwxrwx    1 0        0               7 Jan  1 00:00 now -> in/file",
    "now",
    "link",
    7,
    "2026-01-01T00:00:00.000Z",
  ],
  ["prw-r--r--    1 0        0               0 Jan  1 00:00 pipe", "pipe", "other", 0, "2026-01-01T00:00:00.000Z"],
  ["-rw-r--r--+   1 domain users group   12 Jan  1 00:00 acl", "acl", "file", 12, "2026-01-01T00:00:00.000Z"],
  ["-rw-r--r--   1 a b   12 Feb 30 00:00 odd", "odd", "file", 12, undefined],
  ["11-20-26  10:11AM                 1057 a file.csv", "a file.csv", "file", 1057, "2026-11-20T10:11:00.000Z"],
  ["11-20-26  12:11AM                 1057 midnight", "midnight", "file", 1057, "2026-11-20T00:11:00.000Z"],
  ["12-05-96  05:03PM       <DIR>          myDir", "myDir", "directory", undefined, "1996-12-05T17:03:00.000Z"],
  ["11-20-2026  22:11                 1057 a", "a", "file", 1057, "2026-11-20T22:11:00.000Z"],
])("%s", (line, ...expected) => {
  expect(one(line)).toEqual(expected);
});

test("totals, the folder itself and its parent are no entries", () => {
  const text = ["total 12", "drwxr-xr-x 2 a b 4096 Jan  1 00:00 .", "drwxr-xr-x 2 a b 4096 Jan  1 00:00 ..", ""].join(
    "\r\n",
  );
  expect(parseList(text, rules)).toEqual([]);
  expect(parseList("insgesamt 12\n", rules)).toEqual([]);
  expect(parseMlsd("type=cdir;modify=20260101000000; /in\r\ntype=pdir; /\r\ntype=dir; ..\r\n")).toEqual([]);
});

test.each(["rubbish", "ls: cannot access: Permission denied", "name only.txt", "-rw-r--r-- broken"])(
  "%s is an error, not nothing",
  (line) => {
    const read = (): unknown => parseList(`-rw-r--r-- 1 a b 12 Jan  1 00:00 good\r\n${line}\r\n`, rules);
    expect(read).toThrow(AgentError);
  },
);

test.each([
  ["Type=file;Size=1234;Modify=20260102030405; a file", "a file", "file", 1234, "2026-01-02T03:04:05.000Z"],
  ["type=file;size=0;modify=20260102030405.678; ;semi;", ";semi;", "file", 0, "2026-01-02T03:04:05.678Z"],
  ["type=file;size=12abc;modify=2026;  leading", " leading", "file", undefined, undefined],
  ["type=dir;sizd=4096;modify=20261345000000; in", "in", "directory", 4096, undefined],
  ["type=OS.unix=slink:/a b;size=3; now", "now", "link", 3, undefined],
  ["type=OS.unix=symlink;size=3; now", "now", "link", 3, undefined],
])("%s", (line, ...expected) => {
  const [entry] = parseMlsd(`${line}\r\n`);
  expect([entry?.name, entry?.type, entry?.size, entry?.modifiedAt?.toISOString()]).toEqual(expected);
});

test.each(["no facts here", "type=file;size=1;", "=; x", "-rw-r--r-- 1 a b 12 Jan  1 00:00 good"])(
  "%s is no answer to MLSD",
  (line) => {
    expect(() => parseMlsd(line)).toThrow(AgentError);
  },
);

test("the answer to MLST is about the name that was asked for", () => {
  expect(parseMlst(["250-Listing", " type=file;size=7; /x/a b", "250 End"], "a b")).toMatchObject({
    name: "a b",
    type: "file",
    size: 7,
  });
  expect(parseMlst(["250-Listing", "250-type=cdir; /x", "250 End"], "x")).toMatchObject({ type: "directory" });
  expect(parseMlst(["250 nothing"], "x")).toBe(undefined);
});

test("a format of one's own, and the server's zone", () => {
  const format = "yy-MM-dd HH.mm.ss";
  expect(one("-rw-r--r--   1 a b   1057 26-07-20 10.11.12 a  file", { format, zone: "Europe/Stockholm" })).toEqual([
    ...["a  file", "file", 1057, "2026-07-20T08:11:12.000Z"],
  ]);
  expect(one("26-11-20 10.11.12     <DIR>   in", { format, zone: "America/New_York" })).toEqual([
    ...["in", "directory", undefined, "2026-11-20T15:11:12.000Z"],
  ]);
  expect(one("-rw-r--r--   1 a b   1057 Nov 20 10:11 plain", { zone: "Asia/Kolkata" })).toEqual([
    ...["plain", "file", 1057, "2026-11-20T04:41:00.000Z"],
  ]);
  expect(one("20/Nov/2026 01:11 PM  77 x", { format: "dd/MMM/yyyy hh:mm a" })).toEqual([
    "x",
    "file",
    77,
    "2026-11-20T13:11:00.000Z",
  ]);
});

test("sizes are whole numbers and times are times, or nothing", () => {
  expect(["0", "12", "5368709120"].map(parseSize)).toEqual([0, 12, 5368709120]);
  expect(["", "-5", "1e20", "12abc", " 12", "1.5", "99999999999999999999", "0x10"].map(parseSize)).toEqual(
    Array(8).fill(undefined),
  );
  expect(["20260230000000", "2026", "20260101250000", "x", "202601010000001"].map(parseTime)).toEqual(
    Array(5).fill(undefined),
  );
});

test.each([
  ['257 "/" is the current directory', "/"],
  ['257 "/a ""quoted"" name" is current', '/a "quoted" name'],
  ['257 the folder is "/in"', "/in"],
  ["257 /plain is current", "/plain"],
  ['257 "" is current', undefined],
  ["257 nothing", undefined],
])("%s", (line, folder) => {
  expect(parsePwd(line)).toBe(folder);
});

test.each([
  ["a", "/in", "/in/a"],
  ["/a", "/in", "/a"],
  [".", "/in", "/in"],
  ["a/", "/", "/a"],
  ["./a//b", "/in", "/in/a/b"],
  ["-rf", "/in", "/in/-rf"],
  [" leading", "/", "/ leading"],
])("%s in %s is %s", (path, base, expected) => {
  expect(resolvePath(path, base)).toBe(expected);
});

test("a hundred thousand entries are read within moments", () => {
  const lines = Array.from(
    { length: 100_000 },
    (_, index) => `-rw-r--r-- 1 a b ${index} Nov 20 10:11 file ${index}`,
  ).join("\r\n");
  const started = performance.now();
  expect(parseList(lines, rules)).toHaveLength(100_000);
  expect(performance.now() - started).toBeLessThan(5_000);
});

test("hostile lines do not keep the patterns busy", () => {
  const started = performance.now();
  for (const part of ["a ", " ", "=", ";", "-rw-r--r-- ", "1 ", "-rw-r--r-- 1 "]) {
    for (const format of [undefined, "yy-MM-dd"]) {
      expect(() => parseList(`${part.repeat(20_000 / part.length)}x`, { ...rules, format })).toThrow();
    }
    expect(() => parseMlsd(`${part.repeat(20_000 / part.length)}x`)).toThrow();
  }
  expect(performance.now() - started).toBeLessThan(2_000);
});
