import { inspect } from "node:util";
import { expect, test } from "vitest";
import { createMasker, Secret } from "../../src/base/secret.js";

test("a secret prints itself nowhere", () => {
  const secret = new Secret("pear tree 99");
  expect([String(secret), JSON.stringify({ secret }), inspect({ secret })]).toEqual([
    "********",
    '{"secret":"********"}',
    "{ secret: ******** }",
  ]);
});

test.each([
  ["PASS anything at all", "PASS ********"],
  ["pass anything", "pass ********"],
  ["ACCT 4711", "ACCT ********"],
  ["XAUT 2 <@::C362", "XAUT ********"],
  ["SITE PSWD old new", "SITE PSWD ********"],
  ["Proxy-Authorization: Basic YTpi", "Proxy-Authorization: ********"],
  ["ftp://anna:plum@ftp.example/in", "ftp://anna:********@ftp.example/in"],
  ["230 PASS accepted", "230 PASS accepted"],
])("by position: %s", (line, masked) => {
  expect(createMasker().mask(line)).toBe(masked);
});

test("by value, wherever and however it is spelt", () => {
  const masker = createMasker();
  masker.add("pear/tree 99");
  const base64 = Buffer.from("pear/tree 99").toString("base64");
  expect(masker.mask(`331 pear/tree 99 ${base64} pear%2Ftree%2099 please`)).toBe(
    "331 ******** ******** ******** please",
  );
});

test("a value of less than six characters is masked by position only: it may be a word", () => {
  const masker = createMasker();
  masker.add("226");
  expect(masker.mask("226 Transfer complete")).toBe("226 Transfer complete");
});

test("each line of a value of several lines, but not the boundaries of a key", () => {
  const masker = createMasker();
  masker.add("-----BEGIN KEY-----\nAAAASECRET1\nBBBBSECRET2\n-----END KEY-----\n");
  expect(masker.mask("-----BEGIN KEY----- | AAAASECRET1 | BBBBSECRET2")).toBe(
    "-----BEGIN KEY----- | ******** | ********",
  );
});
