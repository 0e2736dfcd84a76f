import { expect, test } from "vitest";
import { ferry } from "./terminal.js";
import { environment, workspace } from "./workspace.js";

const FTP = "address: h, username: u, password: p, encryption: { dataChannel: true }";

test("what a later version brings is said to come later, by key, and not called unknown", async () => {
  const problems = await validated({
    "ferry.yaml": "history: { keep: 7y }\n",
    "connections.yaml": `connections:\n  bank: { ${FTP}, bandwidth: 1MiB/s, threads: { upload: 4 } }\n  ssh: { protocol: sftp, address: h, username: u, agent: true, bandwidth: 1MiB/s }\n`,
    "jobs/a.yaml": [
      "tasks:",
      "  - upload: { connection: bank, from: x, resume: true, marker: y, batch: true, duplicates: skip }",
      "  - download: { connection: bank, from: x, resume: true }",
    ].join("\n"),
    "jobs/b.yaml": [
      "tasks:",
      "  - upload: { connection: bank, from: x, verify: hash }",
      "  - download: { connection: bank, from: x, verify: readback }",
    ].join("\n"),
  });
  expect(problems).toEqual([
    "warning connections.bank.bandwidth",
    "warning connections.bank.threads",
    "warning connections.ssh.bandwidth",
    "warning history",
    "warning tasks[0].upload.resume",
    "error tasks[0].upload.marker",
    "error tasks[0].upload.batch",
    "error tasks[0].upload.duplicates",
    "warning tasks[1].download.resume",
    "error tasks[0].upload.verify",
    "error tasks[1].download.verify",
  ]);
});

test("a value that means what this version does is accepted", async () => {
  const task = "{ connection: share, from: x, resume: false, batch: false, duplicates: allow, verify: size }";
  expect(
    await validated({
      "connections.yaml": "connections:\n  share: { protocol: local, directory: x }\n",
      "jobs/a.yaml": `tasks: [{ upload: ${task} }]\n`,
    }),
  ).toEqual([]);
});

interface Found {
  readonly severity: string;
  readonly path: string;
  readonly code: string;
}

async function validated(files: Readonly<Record<string, string>>): Promise<string[]> {
  const { json } = await ferry(["validate", "--json"], { folder: workspace(files), env: environment() });
  const { problems } = json() as { problems: Found[] };
  return problems
    .filter(({ code }) => code === "FERRY_NOT_SUPPORTED")
    .map(({ severity, path }) => `${severity} ${path}`);
}
