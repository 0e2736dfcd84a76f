import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { TestFerry } from "../support/ferry.js";
import { type FtpSession, scriptedFtp } from "../support/scripted-ftp.js";
import { newHostKey, scriptedSftp } from "../support/scripted-sftp.js";
import { runJob, serving, workspace } from "./stage.js";

/**
 * Canaries in the place of secrets, through runs that succeed and runs that fail, with servers that repeat what they
 * were told. Then they are looked for everywhere: in all files, on both outputs, in the agent's memory of its start.
 */
const CANARIES = {
  /** The secret of the connection's name. */
  bank: "canary/Bank+pass word",
  account: "canary-Account=4711",
  refused: "canary~Refused%20password",
  ssh: "canary:Ssh;pass&word",
  /** Used in a task's template, not by a connection. */
  folder: "canary_Folder_name",
} as const;

test("no secret is at rest, on an output, or in a process's arguments or environment", {
  timeout: 120_000,
}, async () => {
  const server = await serving(scriptedFtp(echoing()));
  const refusing = await serving(scriptedFtp({ PASS: (given) => `530 "${given}" is not the password of anna` }));
  const ssh = await serving(scriptedSftp({ hostKey: newHostKey("rsa"), password: CANARIES.ssh, folders: ["/in"] }));
  const sshRefusing = await serving(scriptedSftp({ hostKey: newHostKey("rsa"), password: "another one" }));
  const plain = "protocol: ftp, encryption: { protocol: none }, address: 127.0.0.1, username: anna";
  const ferry = workspace("", "", {
    "connections.yaml": [
      "connections:",
      `  bank: { ${plain}, port: ${server.port}, account: '{{ "account" | secret }}' }`,
      `  refused: { ${plain}, port: ${refusing.port}, password: '{{ "refused" | secret }}' }`,
      `  ssh: { protocol: sftp, address: 127.0.0.1, port: ${ssh.port}, username: anna, fingerprint: '${ssh.fingerprint}' }`,
      `  sshRefused: { protocol: sftp, address: 127.0.0.1, port: ${sshRefusing.port}, username: anna, fingerprint: '${sshRefusing.fingerprint}', password: '{{ "ssh" | secret }}' }`,
      "",
    ].join("\n"),
    "jobs/push.yaml":
      "retry: { attempts: 1 }\ntasks:\n" +
      "  - { id: good, onError: continue, upload: { connection: bank, from: out/*.csv, name: 'good-{{ file.name }}' } }\n" +
      "  - { id: named, onError: continue, upload: { connection: bank, from: out/*.csv, name: refused.csv } }\n" +
      "  - { id: refused, onError: continue, upload: { connection: refused, from: out/*.csv } }\n" +
      "  - { id: over-ssh, onError: continue, upload: { connection: ssh, from: out/*.csv, to: /in/ } }\n" +
      "  - { id: ssh-refused, onError: continue, upload: { connection: sshRefused, from: out/*.csv } }\n" +
      "  - { id: listened, onError: continue, exec: { command: [cat], input: '{{ \"folder\" | secret }}' } }\n" +
      "  - { id: absent, onError: continue, download: { connection: bank, from: absent.csv, onEmpty: fail } }\n",
    "jobs/watching.yaml":
      "triggers: [{ watch: { path: drop, stable: 0s, batch: { window: 0s } } }]\nretry: { attempts: 1 }\ntasks: [{ upload: { connection: bank } }]\n",
    "out/a.csv": "account;amount\n",
    "drop/.keep": "",
  });
  const spoken: string[] = [];
  const say = async (args: readonly string[], input?: string): Promise<number | null> => {
    const { code, stdout, stderr } = await ferry.run(args, input === undefined ? {} : { input });
    spoken.push(stdout, stderr);
    return code;
  };
  for (const [name, value] of Object.entries(CANARIES)) expect(await say(["secret", "set", name], value)).toBe(0);

  const byCommand = await runJob(ferry);
  spoken.push(byCommand.stdout, byCommand.stderr);
  expect(byCommand.tasks.map(({ id, state, error }) => [id, state, error?.code ?? null])).toEqual([
    ["good", "succeeded", null],
    ["named", "failed", "FERRY_SERVER_REFUSED"],
    ["refused", "failed", "FERRY_LOGIN_REFUSED"],
    ["over-ssh", "succeeded", null],
    ["ssh-refused", "failed", "FERRY_LOGIN_REFUSED"],
    ["listened", "succeeded", null],
    ["absent", "failed", "FERRY_NOTHING_MATCHED"],
  ]);
  // The servers did get them.
  expect([
    server.commands.includes(`PASS ${CANARIES.bank}`),
    server.commands.includes(`ACCT ${CANARIES.account}`),
  ]).toEqual([true, true]);
  expect([refusing.commands.includes(`PASS ${CANARIES.refused}`), ssh.sessions]).toEqual([true, 1]);

  const agent = await ferry.agent();
  ferry.write("drop/b.csv", "b\n");
  await ferry.settled(() => agent.output().includes("run 2"));
  await say(["job", "run", "push", "--verbose"]);
  const started = ["cmdline", "environ"].map(
    (name) => [`/proc/agent/${name}`, readFileSync(`/proc/${agent.process.pid}/${name}`)] as const,
  );
  const whileRunning = found(ferry, []);
  for (const args of [
    ["history"],
    ["history", "show", "1"],
    ["history", "log", "1"],
    ["history", "log", "2"],
    ["history", "files"],
    ["connection", "show", "bank"],
    ["connection", "test", "refused"],
    ["connection", "test", "bank", "--json"],
    ["job", "show", "push"],
    ["secret", "list"],
  ])
    await say(args);
  const ended = await agent.end();
  spoken.push(agent.output(), ended.stdout, ended.stderr);

  const outputs = Buffer.from(spoken.join("\n"));
  expect([...whileRunning, ...found(ferry, [["the outputs", outputs], ...started])]).toEqual([]);
  // What was looked through is what it claims to be: the masked words are there, and the mask.
  expect(outputs.toString()).toContain('530 "********" is not the password of anna');
  expect(outputs.toString()).toContain("> PASS ********");
  expect(
    filesOf(ferry).some((path) => path.endsWith("history.db")) &&
      filesOf(ferry).some((path) => path.endsWith("vault.age")),
  ).toBe(true);
});

// A path is recorded as it is, because what is open after a crash is found by it. So a secret must not come into one: see G8.
test("a secret that would become part of a name on the server is refused, and not recorded", async () => {
  const server = await serving(scriptedFtp({ folders: ["/"] }));
  const ferry = workspace(
    `protocol: ftp, encryption: { protocol: none }, address: 127.0.0.1, port: ${server.port}, username: anna, password: pear tree`,
    "tasks: [{ upload: { connection: partner, from: out/*.csv, name: 'x-{{ \"folder\" | secret }}.csv' } }]\n",
    { "out/a.csv": "a\n" },
  );
  expect((await ferry.run(["secret", "set", "folder"], { input: CANARIES.folder })).code).toBe(0);
  const ended = await ferry.run(["job", "run", "push"]);
  expect([
    ended.code === 0,
    server.files.size,
    found(ferry, [["the outputs", Buffer.from(ended.stdout + ended.stderr)]]),
  ]).toEqual([false, 0, []]);
});

/** Repeats the password in one reply, the account in two packets, and the password in a refusal. */
function echoing() {
  return {
    folders: ["/"],
    USER: "331 anna, your password?",
    PASS: (given: string) => [
      `332-you said ${given}, in base64 ${Buffer.from(given).toString("base64")}`,
      `332 ${encodeURIComponent(given)} is right, and your account?`,
    ],
    ACCT: (given: string, session: FtpSession) => {
      const text = `230-you said ${given}\r\n230 welcome ${given}\r\n`;
      session.write(text.slice(0, 20));
      setImmediate(() => session.write(text.slice(20)));
      return undefined;
    },
    STOR: async (name: string, session: FtpSession) =>
      name.includes("refused") ? `550 ${CANARIES.bank} may not write ${name}` : session.usual(),
  };
}

const FORMS: readonly (readonly [name: string, form: (value: string) => string | Buffer])[] = [
  ["as it is", (value) => value],
  ["as base64", (value) => Buffer.from(value).toString("base64").replace(/=+$/, "")],
  ["as base64 of a URL", (value) => Buffer.from(value).toString("base64url")],
  ["as hex", (value) => Buffer.from(value).toString("hex")],
  ["as HEX", (value) => Buffer.from(value).toString("hex").toUpperCase()],
  ["encoded for a URL", (value) => encodeURIComponent(value)],
  ["encoded for a form", (value) => new URLSearchParams({ v: value }).toString().slice(2)],
  ["as JSON", (value) => JSON.stringify(value).slice(1, -1)],
  ["as UTF-16", (value) => Buffer.from(value, "utf16le")],
];

/** `bank, as hex: .ferry/history.db` for each place where one was found. */
function found(ferry: TestFerry, more: readonly (readonly [string, Buffer])[]): string[] {
  const texts = [...filesOf(ferry).map((path) => [path, readFileSync(path)] as const), ...more];
  return texts.flatMap(([place, text]) =>
    Object.entries(CANARIES).flatMap(([name, value]) =>
      FORMS.filter(([, form]) => text.includes(form(value))).map(([form]) => `${name}, ${form}: ${place}`),
    ),
  );
}

/** All of the workspace, the configuration with the keys, and the temporary files beside them. */
function filesOf(ferry: TestFerry): readonly string[] {
  return readdirSync(join(ferry.folder, ".."), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => existsSync(path));
}
