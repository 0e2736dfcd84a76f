import { execFileSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import { generateHybridIdentity } from "age-encryption";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Secret } from "../../src/base/secret.js";
import { openVault, type Vault } from "../../src/vault/vault.js";
import { createFakeClock } from "../support/fake-clock.js";
import { program, requireServer } from "../support/servers/require-server.js";

const CANARY = "pear-tree-7fK2";
let home: string;
let folder: string;
let keyFile: string;
let vaultFile: string;

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "ferry-vault-"));
  folder = join(home, "workspace", ".ferry");
  keyFile = join(home, ".config", "ferry", "vault.key");
  vaultFile = join(folder, "vault.age");
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

const clock = createFakeClock("2026-11-20T02:30:00.000Z");
const open = (env: Record<string, string> = {}): Vault => openVault({ folder, env, home, clock });
const reveal = async (vault: Vault, name: string) => (await vault.get(name))?.reveal();

/** The error of a rejected promise, which must not tell the secret anywhere. */
async function refusal(promise: Promise<unknown>) {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason as Error & { code: string },
  );
  expect(inspect(error, { depth: 9, showHidden: true })).not.toContain(CANARY);
  expect(inspect(error, { depth: 9, showHidden: true })).not.toMatch(/AGE-SECRET-KEY-1[A-Z0-9]/i);
  return error;
}

test("a secret is kept until it is replaced or removed", async () => {
  await open().set("bank", new Secret("first"));
  await open().set("bank", new Secret(CANARY));
  await open().set("multi.line_key-1", new Secret("a\nb\n"));
  expect(await reveal(open(), "bank")).toBe(CANARY);
  expect(await reveal(open(), "multi.line_key-1")).toBe("a\nb\n");
  expect(await open().remove("bank")).toBe(true);
  expect(await open().remove("bank")).toBe(false);
  expect(await open().get("bank")).toBeUndefined();
});

test("the list names what is there and since when, and tells no value", async () => {
  await open().set("zebra", new Secret(CANARY));
  await open().set("__proto__", new Secret(CANARY));
  const list = await open().list();
  expect(list).toEqual([
    { name: "__proto__", setAt: new Date("2026-11-20T02:30:00.000Z") },
    { name: "zebra", setAt: new Date("2026-11-20T02:30:00.000Z") },
  ]);
});

test("asking an empty vault makes no files", async () => {
  expect(await open().get("bank")).toBeUndefined();
  expect(await open().list()).toEqual([]);
  expect(readdirSync(home)).toEqual([]);
});

test("key and vault are for their owner only, whatever the umask", async () => {
  const umask = process.umask(0);
  try {
    await open().set("bank", new Secret(CANARY));
  } finally {
    process.umask(umask);
  }
  expect([keyFile, vaultFile].map((file) => statSync(file).mode & 0o777)).toEqual([0o600, 0o600]);
  expect(statSync(join(home, ".config", "ferry")).mode & 0o777).toBe(0o700);
  expect(readdirSync(folder)).toEqual(["vault.age"]);
});

test("the value is nowhere in clear", async () => {
  await open().set("bank", new Secret(CANARY));
  const holds = readdirSync(home, { recursive: true, withFileTypes: true }).filter(
    (entry) => entry.isFile() && readFileSync(join(entry.parentPath, entry.name)).includes(CANARY),
  );
  expect(holds).toEqual([]);
});

test.each(["", "a b", "../x", "a/b", "ä", "x".repeat(129), `${CANARY}!`])(
  "%j is no name for a secret",
  async (name) => {
    expect(await refusal(open().set(name, new Secret("x")))).toMatchObject({ code: "FERRY_USAGE" });
    expect(await refusal(open().get(name))).toMatchObject({ code: "FERRY_USAGE" });
  },
);

test("the key is where FERRY_VAULT_KEY_FILE says, then with systemd's credentials, then in the configuration folder", async () => {
  const named = { FERRY_VAULT_KEY_FILE: join(home, "elsewhere", "my.key") };
  await open(named).set("bank", new Secret(CANARY));
  const credentials = join(home, "credentials");
  mkdirSync(credentials);
  writeFileSync(join(credentials, "ferry-vault-key"), readFileSync(named.FERRY_VAULT_KEY_FILE), { mode: 0o440 });
  expect(await reveal(open({ CREDENTIALS_DIRECTORY: credentials }), "bank")).toBe(CANARY);

  const configured = join(home, "xdg", "ferry");
  mkdirSync(configured, { recursive: true });
  renameSync(named.FERRY_VAULT_KEY_FILE, join(configured, "vault.key"));
  expect(await reveal(open({ XDG_CONFIG_HOME: join(home, "xdg") }), "bank")).toBe(CANARY);
});

test("a change by another process is seen at once", async () => {
  const agent = open();
  await agent.set("bank", new Secret("old"));
  expect(await reveal(agent, "bank")).toBe("old");
  await open().set("bank", new Secret(CANARY));
  expect(await reveal(agent, "bank")).toBe(CANARY);
});

test("changes at the same time all count", async () => {
  const vault = open();
  await Promise.all(Array.from({ length: 12 }, (_, index) => vault.set(`s${index}`, new Secret(`${index}`))));
  expect((await open().list()).length).toBe(12);
});

test("a lost key is not replaced by a new one", async () => {
  await open().set("bank", new Secret(CANARY));
  const before = readFileSync(vaultFile);
  rmSync(keyFile);
  expect(await refusal(open().get("bank"))).toMatchObject({
    code: "FERRY_VAULT",
    message: expect.stringContaining(keyFile),
  });
  expect(await refusal(open().set("other", new Secret("x")))).toMatchObject({ code: "FERRY_VAULT" });
  expect(readdirSync(join(home, ".config", "ferry"))).toEqual([]);
  expect(readFileSync(vaultFile)).toEqual(before);
});

test("a wrong key opens nothing and changes nothing", async () => {
  await open().set("bank", new Secret(CANARY));
  const before = readFileSync(vaultFile);
  const wrong = { FERRY_VAULT_KEY_FILE: join(home, "wrong.key") };
  await openVault({ folder: join(home, "other"), env: wrong, home, clock }).set("x", new Secret("y"));
  const told = await refusal(open(wrong).get("bank"));
  expect(told).toMatchObject({
    code: "FERRY_VAULT",
    message: `${vaultFile} cannot be opened with the key file ${wrong.FERRY_VAULT_KEY_FILE}`,
  });
  expect(await refusal(open(wrong).set("bank", new Secret("x")))).toMatchObject({ code: "FERRY_VAULT" });
  expect(readFileSync(vaultFile)).toEqual(before);
});

test("no flipped bit and no truncation is ever read as a vault", async () => {
  await open().set("bank", new Secret(CANARY));
  const whole = readFileSync(vaultFile);
  for (let at = 0; at < whole.length; at++) {
    const flipped = Buffer.from(whole);
    flipped[at] = (whole[at] ?? 0) ^ (1 << (at % 8));
    writeFileSync(vaultFile, flipped);
    expect(await refusal(open().get("bank")), `bit flipped at ${at}`).toMatchObject({ code: "FERRY_VAULT" });
  }
  for (const length of [0, 1, 20, whole.length - 17, whole.length - 1]) {
    writeFileSync(vaultFile, whole);
    truncateSync(vaultFile, length);
    expect(await refusal(open().get("bank")), `cut at ${length}`).toMatchObject({ code: "FERRY_VAULT" });
  }
});

test("a mistyped key is refused without being shown", async () => {
  await open().set("bank", new Secret(CANARY));
  const text = readFileSync(keyFile, "utf8");
  writeFileSync(
    keyFile,
    text.replace(/(AGE-SECRET-KEY-1)(.)/, (_, start, letter) => start + (letter === "Q" ? "P" : "Q")),
  );
  expect(await refusal(open().get("bank"))).toMatchObject({ code: "FERRY_VAULT" });
  writeFileSync(keyFile, "hello\n");
  expect(await refusal(open().get("bank"))).toMatchObject({ code: "FERRY_VAULT" });
});

test.each(["vault", "key"] as const)("a %s that others can read, or that is a link, is refused", async (which) => {
  await open().set("bank", new Secret(CANARY));
  const file = which === "key" ? keyFile : vaultFile;
  for (const mode of [0o640, 0o604, 0o620, 0o602]) {
    chmodSync(file, mode);
    expect(await refusal(open().get("bank")), mode.toString(8)).toMatchObject({
      code: "FERRY_UNSAFE_PERMISSIONS",
      message: expect.stringContaining(file),
    });
  }
  chmodSync(file, 0o600);
  renameSync(file, `${file}.real`);
  symlinkSync(`${file}.real`, file);
  expect(await refusal(open().get("bank"))).toMatchObject({ code: "FERRY_UNSAFE_PERMISSIONS" });
});

test.skipIf(process.getuid?.() !== 0)("a key of another user is refused", async () => {
  await open().set("bank", new Secret(CANARY));
  chownSync(keyFile, 12345, 12345);
  expect(await refusal(open().get("bank"))).toMatchObject({ code: "FERRY_UNSAFE_PERMISSIONS" });
});

const age = requireServer("age", "age-keygen");

test.skipIf(!age)("age opens the vault with the key file, and shows names and values", async () => {
  await open().set("bank", new Secret(CANARY));
  const shown = execFileSync(program("age"), ["-d", "-i", keyFile, vaultFile], { encoding: "utf8" });
  expect(JSON.parse(shown)).toEqual({ bank: { value: CANARY, setAt: "2026-11-20T02:30:00.000Z" } });
  const recipient = execFileSync(program("age-keygen"), ["-y", keyFile], { encoding: "utf8" }).trim();
  expect(readFileSync(keyFile, "utf8")).toContain(`# public key: ${recipient}\n`);
});

test.skipIf(!age)("a key that age-keygen made, and a vault that age wrote, are taken", async () => {
  mkdirSync(join(home, ".config", "ferry"), { recursive: true });
  mkdirSync(folder, { recursive: true });
  execFileSync(program("age-keygen"), ["-o", keyFile], { stdio: "pipe" });
  await open().set("bank", new Secret(CANARY));
  const shown = execFileSync(program("age"), ["-d", "-i", keyFile, vaultFile]);
  const recipient = execFileSync(program("age-keygen"), ["-y", keyFile], { encoding: "utf8" }).trim();
  execFileSync(program("age"), ["-r", recipient, "-o", vaultFile], {
    input: shown.toString().replace(CANARY, "changed by hand"),
  });
  chmodSync(vaultFile, 0o600);
  expect(await reveal(open(), "bank")).toBe("changed by hand");
});

test("a post-quantum key of one's own is used as it is", async () => {
  const env = { FERRY_VAULT_KEY_FILE: join(home, "pq.key") };
  writeFileSync(env.FERRY_VAULT_KEY_FILE, `${await generateHybridIdentity()}\n`, { mode: 0o600 });
  await open(env).set("bank", new Secret(CANARY));
  expect(await reveal(open(env), "bank")).toBe(CANARY);
});
