import { describe, expect, test } from "vitest";
import { connectionKinds, connectionSchema, driverOf } from "../../src/connections/registry.js";

const parsed = (written: unknown) => connectionSchema.parse(written);
/** The mistakes, each with its place. */
function mistakes(written: unknown): string[] {
  const result = connectionSchema.safeParse(written);
  return (result.error?.issues ?? []).map(({ path, message }) => `${path.join(".")}: ${message}`);
}

describe("the short form", () => {
  test.each([
    [
      "ftpes://acme@ftp.example/incoming",
      { protocol: "ftp", address: "ftp.example", port: 21, username: "acme", directory: "/incoming" },
    ],
    ["ftps://acme@ftp.example", { protocol: "ftp", address: "ftp.example", port: 990, username: "acme" }],
    [
      "sftp://acme@[2001:db8::7]:2222/a%20b/%C3%B6",
      { protocol: "sftp", address: "2001:db8::7", port: 2222, username: "acme", directory: "/a b/ö" },
    ],
    ["sftp://acme%40corp@sftp.example/", { protocol: "sftp", port: 22, username: "acme@corp" }],
  ])("%s is understood", (text, expected) => {
    expect(parsed(text)).toMatchObject(expected);
  });

  test.each([
    ["ftp://acme@ftp.example", "none", "explicit"],
    ["ftpes://acme@ftp.example", "tls", "explicit"],
    ["ftps://acme@ftp.example", "tls", "implicit"],
  ])("%s means encryption %s, %s", (text, protocol, mode) => {
    expect(parsed(text)).toMatchObject({ encryption: { protocol, mode } });
  });

  test("with a password is refused, and the password is not repeated", () => {
    expect(mistakes("ftpes://acme:pear-tree@ftp.example")).toEqual([
      ": found a password in the short form, where it does not belong",
    ]);
    expect(JSON.stringify(connectionSchema.safeParse("ftpes://acme:pear-tree@ftp.example"))).not.toContain("pear-tree");
  });

  test("that cannot be read does not repeat its password either", () => {
    expect(mistakes("ftpes://acme:pear-tree@ftp example").join()).toContain('found "ftpes://********@ftp example"');
  });

  test.each(["http://acme@ftp.example", "ftp.example", "sftp://", "", "ftpes://a b@x y"])(
    "%j is refused with an example",
    (text) => {
      expect(mistakes(text).join()).toContain("ftpes://user@host:port/directory");
    },
  );
});

describe("a definition", () => {
  test("is of protocol ftp where it does not say", () => {
    expect(parsed({ address: "ftp.example", username: "acme" }).protocol).toBe("ftp");
  });

  test("has every default of sftp", () => {
    expect(parsed({ protocol: "sftp", address: "sftp.example", username: "acme" })).toEqual({
      ...{
        protocol: "sftp",
        address: "sftp.example",
        username: "acme",
        port: 22,
        codePage: "utf-8",
        agent: false,
        hostKey: "verify",
        fingerprint: [],
      },
      algorithms: { kex: "auto", hostKey: "auto", cipher: "auto", mac: "auto", compress: "auto" },
      timeout: { connect: 30_000, reply: 30_000, stall: 60_000, completion: 300_000 },
      ...{ threads: { upload: 1, download: 1 }, keepAlive: 30_000, log: { sent: true, received: true } },
    });
  });

  test("of an unknown protocol is told what there is", () => {
    expect(mistakes({ protocol: "sfpt", address: "x", username: "y" })).toEqual([
      "protocol: expected one of ftp, sftp, local",
    ]);
  });

  test.each([
    [
      { protocol: "sftp", address: "x", username: "y", encryption: { mode: "implicit" } },
      "encryption: encryption is for protocol ftp; remove it",
    ],
    [
      { protocol: "sftp", address: "x", username: "y", afterLogin: ["SITE X"] },
      "afterLogin: afterLogin is for protocol ftp; remove it",
    ],
    [
      { protocol: "sftp", address: "x", username: "y", codePage: "cp1252" },
      "codePage: names are UTF-8 on sftp; another code page is for protocol ftp",
    ],
    [{ protocol: "local", directory: "x", address: "y" }, "address: address is for protocol ftp and sftp; remove it"],
    [{ protocol: "local", directory: "x", hostKey: "accept" }, "hostKey: hostKey is for protocol sftp; remove it"],
    [{ protocol: "sftp", address: "x", username: "y", fingerprint: "aa:bb" }, "fingerprint: Invalid input"],
    [{ protocol: "sftp", address: "x", username: "y", algorithms: { kex: ["sntrup761"] } }, "algorithms.kex"],
  ])("%j is refused", (written, mistake) => {
    expect(mistakes(written).join("\n")).toContain(mistake);
  });

  test("tells all its mistakes at once", () => {
    expect(mistakes({ protocol: "sftp", avoid: ["SYST"], port: 0, nonsense: 1 }).length).toBeGreaterThanOrEqual(4);
  });

  test("is served by the driver of its protocol", () => {
    const types = [parsed("ftp://a@b"), parsed("sftp://a@b"), parsed({ protocol: "local", directory: "x" })].map(
      (one) => driverOf(one).type,
    );
    expect(types).toEqual(["ftp", "sftp", "local"]);
  });
});

describe("warnings", () => {
  const warned = (written: unknown) =>
    connectionKinds
      .warnings(parsed(written))
      .map(({ path, code, security }) => `${path.join(".")} ${code} ${security}`);
  const base = { protocol: "sftp", address: "x", username: "y" };
  test.each([
    [base, []],
    [{ ...base, hostKey: "accept" }, ["hostKey FERRY_SECURITY true"]],
    [{ ...base, password: "clear" }, ["password FERRY_SECURITY true"]],
    [{ ...base, password: '{{ "bank" | secret }}' }, []],
    [{ ...base, jumpHost: "bastion" }, ["jumpHost FERRY_NOT_SUPPORTED false"]],
    [{ ...base, passphrase: '{{ "key" | secret }}' }, ["passphrase FERRY_KEY_UNUSED false"]],
    [{ ...base, algorithms: { hostKey: ["ssh-rsa"] } }, ["algorithms FERRY_SECURITY true"]],
    ["ftp://a@b", ["encryption.protocol FERRY_SECURITY true"]],
    [{ protocol: "local", directory: "x" }, []],
  ])("%j gives %j", (written, expected) => {
    expect(warned(written)).toEqual(expected);
  });
});
