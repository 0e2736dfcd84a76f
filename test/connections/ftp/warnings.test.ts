import { expect, test } from "vitest";
import { ftpSchema } from "../../../src/connections/ftp/schema.js";
import { ftpUnsupported, ftpWarnings } from "../../../src/connections/ftp/warnings.js";
import { codeOf } from "../session-contract/workshop.js";
import { opening } from "./opening.js";

const parse = (written: object) => ftpSchema.parse({ address: "ftp.example.com", username: "anna", ...written });
const warned = (written: object, raw?: object): string[] =>
  ftpWarnings(parse(written), raw).map(({ path, code }) => `${code} ${path.join(".")}`);

test("a safe definition has no warnings", () => {
  expect(warned({ password: '{{ "bank" | secret }}', encryption: { sessionResumption: false } })).toEqual([]);
});

test("keys beside what makes them useless are named", () => {
  const written = {
    encryption: { protocol: "none", mode: "implicit", ciphers: ["TLS_AES_256_GCM_SHA384"] },
    certificates: { server: "accept", ca: "x.pem" },
    syncDataChannel: true,
    activePorts: "50000-50019",
  };
  expect(warned(written).sort()).toEqual([
    "FERRY_KEY_UNUSED activePorts",
    "FERRY_KEY_UNUSED certificates.ca",
    "FERRY_KEY_UNUSED certificates.server",
    "FERRY_KEY_UNUSED encryption.ciphers",
    "FERRY_KEY_UNUSED encryption.mode",
    "FERRY_KEY_UNUSED syncDataChannel",
    "FERRY_SECURITY encryption.protocol",
  ]);
  expect(warned({ encryption: { ciphers: ["TLS_AES_256_GCM_SHA384"] } })).toEqual([
    "FERRY_KEY_UNUSED encryption.ciphers",
  ]);
  expect(warned({ dataConnection: "active", passivePorts: 4000 })).toEqual(["FERRY_KEY_UNUSED passivePorts"]);
});

test("with the file at hand, a key that repeats its default counts as written", () => {
  const written = { encryption: { protocol: "none", mode: "explicit" } };
  expect(warned(written, written)).toEqual(["FERRY_KEY_UNUSED encryption.mode", "FERRY_SECURITY encryption.protocol"]);
});

test("what is not safe is named", () => {
  const written = {
    password: "pear tree",
    encryption: { dataChannel: false, commandChannel: false, versions: ["TLSv1", "TLSv1.2"] },
    certificates: { server: "accept" },
  };
  expect(warned(written)).toEqual([
    "FERRY_SECURITY certificates.server",
    "FERRY_SECURITY encryption.dataChannel",
    "FERRY_SECURITY encryption.commandChannel",
    "FERRY_SECURITY encryption.versions",
    "FERRY_SECURITY password",
  ]);
});

test.each([
  [{ encryption: { commandChannel: false } }, "encryption.commandChannel"],
  [{ dataConnection: "active" }, "dataConnection"],
  [{ proxy: { type: "http", address: "p", port: 3128 } }, "proxy"],
  [{ transferType: "ascii" }, "transferType"],
  [{ codePage: "cp1252" }, "codePage"],
  [{ certificates: { client: "acme-2026" } }, "certificates.client"],
])("%j is refused before anything is connected to", async (written, key) => {
  const target = { host: "127.0.0.1", port: 1, user: "anna", password: "x" };
  expect(ftpUnsupported(parse(written)).map(({ path }) => path.join("."))).toEqual([key]);
  expect(await codeOf(opening(target, written).open())).toBe("FERRY_NOT_SUPPORTED");
});
