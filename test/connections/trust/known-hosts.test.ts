import { createHmac } from "node:crypto";
import ssh2 from "ssh2";
import { describe, expect, test } from "vitest";
import { parseKnownHosts } from "../../../src/connections/trust/known-hosts.js";
import { ed25519Pair } from "../../support/ssh-keys.js";

function makeKey(): Buffer {
  const key = ssh2.utils.parseKey(ed25519Pair().private);
  if (key instanceof Error) throw key;
  return key.getPublicSSH();
}

const key = makeKey();
const text = `ssh-ed25519 ${key.toString("base64")} anna@example`;
const salt = Buffer.from("a salt of 20 bytes!!");
const hashed = (name: string): string =>
  `|1|${salt.toString("base64")}|${createHmac("sha1", salt).update(name).digest("base64")}`;

const found = (hosts: string, name: string): number => parseKnownHosts(`${hosts} ${text}`, name, "known_hosts").length;

test.each([
  ["sftp.example", "sftp.example", 1],
  ["sftp.example", "SFTP.Example", 1],
  ["SFTP.example,192.0.2.7", "192.0.2.7", 1],
  ["sftp.example", "other.example", 0],
  ["sftp.example", "[sftp.example]:2222", 0],
  ["[sftp.example]:2222", "[sftp.example]:2222", 1],
  ["[sftp.example]:2222", "sftp.example", 0],
  ["*.example", "sftp.example", 1],
  ["*.example", "sftp.example.org", 0],
  ["sft?.example", "sftp.example", 1],
  ["sft?.example", "sft.example", 0],
  ["*.example,!bad.example", "bad.example", 0],
  ["*.example,!bad.example", "good.example", 1],
  ["!bad.example,*", "bad.example", 0],
  ["*", "anything", 1],
  ["sftp.*ample", "sftp.example", 1],
  ["[a-z].example", "b.example", 0],
  ["::1", "::1", 1],
  [hashed("sftp.example"), "sftp.example", 1],
  [hashed("sftp.example"), "other.example", 0],
  [hashed("[sftp.example]:2222"), "[sftp.example]:2222", 1],
  ["|1|broken", "sftp.example", 0],
  ["|2|abc|def", "sftp.example", 0],
])("the hosts %s have %s %i times", (hosts, name, count) => {
  expect(found(hosts, name)).toBe(count);
});

test("comments, empty lines, tabs and Windows' line ends are read as OpenSSH does", () => {
  const file = `# a comment\r\n\r\n  sftp.example\t${text.replaceAll(" ", "\t")}\r\n`;
  expect(parseKnownHosts(file, "sftp.example", "f")).toEqual([
    { type: "ssh-ed25519", key, isRevoked: false, where: "f, line 3" },
  ]);
});

test("a revoked key is told as such, and authorities of host certificates are passed over", () => {
  const file = `@revoked * ${text}\n@cert-authority * ${text}`;
  expect(parseKnownHosts(file, "sftp.example", "f").map(({ isRevoked }) => isRevoked)).toEqual([true]);
});

describe("a line that cannot be read", () => {
  const broken = [
    "ssh-ed25519",
    "ssh-ed25519 !!!",
    `ssh-rsa ${key.toString("base64")}`,
    `ssh-ed25519 ${key.toString("base64").slice(0, 20)}`,
    "ssh-ed25519 AAAA",
  ];
  test.each(broken)("is an error where it concerns the server: %s", (rest) => {
    expect(() => parseKnownHosts(`sftp.example ${rest}`, "sftp.example", "f")).toThrow("f, line 1");
  });

  test.each(broken)("is passed over where it concerns another: %s", (rest) => {
    expect(parseKnownHosts(`other.example ${rest}\nsftp.example ${text}`, "sftp.example", "f").length).toBe(1);
  });

  test("is an error with a marker that nobody knows", () => {
    expect(() => parseKnownHosts(`@new-marker sftp.example ${text}`, "sftp.example", "f")).toThrow("f, line 1");
  });
});

test("a pattern of many stars is matched in no time", () => {
  expect(found(`${"*a".repeat(60)}b`, "a".repeat(200))).toBe(0);
});
