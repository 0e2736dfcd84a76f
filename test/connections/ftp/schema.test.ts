import { expect, test } from "vitest";
import { z } from "zod";
import { ftpSchema } from "../../../src/connections/ftp/schema.js";

const minimal = { address: "ftp.example.com", username: "anna" };
const problems = (written: object): string[] => {
  const result = ftpSchema.safeParse({ ...minimal, ...written });
  return result.success ? [] : result.error.issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`);
};

test("a connection that names only address and user is explicit TLS on port 21, with safe defaults", () => {
  expect(ftpSchema.parse(minimal)).toMatchObject({
    protocol: "ftp",
    port: 21,
    timeout: { connect: 30_000, reply: 30_000, stall: 60_000, completion: 300_000 },
    encryption: {
      protocol: "tls",
      mode: "explicit",
      dataChannel: true,
      commandChannel: true,
      sessionResumption: true,
      autoAdjustCiphers: true,
      versions: ["TLSv1.2", "TLSv1.3"],
    },
    certificates: { server: "verify", ca: [], pin: [], serverName: "" },
    transferType: "binary",
    dataConnection: "passive",
    adjustPassiveAddress: true,
    keepAlive: 30_000,
    threads: { upload: 1, download: 1 },
  });
});

test.each([
  [{ encryption: { mode: "implicit" } }, 990],
  [{ encryption: { mode: "implicit" }, port: 2990 }, 2990],
  [{ encryption: { mode: "implicit", protocol: "none" } }, 21],
])("the port follows encryption.mode: %j", (written, port) => {
  expect(ftpSchema.parse({ ...minimal, ...written }).port).toBe(port);
});

test("combinations that contradict themselves are refused, each at its key", () => {
  expect(problems({ anonymous: true, password: "x", account: "y" })).toEqual([
    "username: has no place beside `anonymous: true`",
    "password: has no place beside `anonymous: true`",
    "account: has no place beside `anonymous: true`",
  ]);
  const proxy = { type: "http", address: "proxy", port: 3128 };
  expect(problems({ proxy, dataConnection: "active" })).toHaveLength(1);
  expect(problems({ proxy: { ...proxy, dataChannel: false }, dataConnection: "active" })).toEqual([]);
  expect(problems({ username: undefined })).toEqual(["username: is missing; set it, or `anonymous: true`"]);
});

test("SSLv3 is refused with what to use instead", () => {
  expect(problems({ encryption: { versions: ["SSLv3", "TLSv1.2"] } })).toEqual([
    "encryption.versions.0: no current TLS library has SSLv3; use TLSv1.2 and TLSv1.3, or TLSv1 for an old server",
  ]);
});

test("a misspelt cipher suite is refused with the nearest one, and suites must fit the versions", () => {
  expect(problems({ encryption: { ciphers: ["TLS_AES_256_GCM_SHA348"] } })).toEqual([
    'encryption.ciphers.0: no such cipher suite: "TLS_AES_256_GCM_SHA348"; did you mean TLS_AES_256_GCM_SHA384?',
  ]);
  const only13 = { autoAdjustCiphers: false, ciphers: ["TLS_AES_256_GCM_SHA384"], versions: ["TLSv1.2"] };
  expect(problems({ encryption: only13 })).toEqual(["encryption.ciphers: none of these suites belongs to TLSv1.2"]);
  expect(problems({ encryption: { autoAdjustCiphers: false } })).toHaveLength(1);
});

test.each(["SITE UMASK 027", "*SITE CHMOD 600 x", "NOOP"])("%s may follow the login", (command) => {
  expect(problems({ afterLogin: [command] })).toEqual([]);
});

test.each(["PROT C", "* quit", "STOR x", "SITE X\r\nDELE y", ""])("%j may not follow the login", (command) => {
  expect(problems({ afterLogin: [command] })).not.toEqual([]);
});

test("an unknown key and an unknown zone are errors", () => {
  expect(problems({ passive: true })).toHaveLength(1);
  expect(["yy-MM-dd yy", "HH.mm", ""].flatMap((dateFormat) => problems({ dateFormat }))).toHaveLength(3);
  expect(["yy-MM-dd HH.mm.ss", "dd/MMM/yyyy hh:mm a"].flatMap((dateFormat) => problems({ dateFormat }))).toEqual([]);
  expect(problems({ serverTimeZone: "Europe/Stokholm" })).toEqual(["serverTimeZone: no such time zone"]);
});

test("every key is described by a first sentence under eighty characters", () => {
  const bad: string[] = [];
  const visit = (node: { properties?: Record<string, object>; description?: string }, path: string): void => {
    for (const [name, child] of Object.entries(node.properties ?? {}) as [string, typeof node][]) {
      const first = child.description?.split(". ")[0] ?? "";
      if (first === "" || first.length >= 80) bad.push(`${path}${name}`);
      visit(child, `${path}${name}.`);
    }
  };
  visit(z.toJSONSchema(ftpSchema, { io: "input", unrepresentable: "any" }) as object, "");
  expect(bad).toEqual([]);
});
