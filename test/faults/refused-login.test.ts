import { describe, expect, test } from "vitest";
import { startOpenssh } from "../support/servers/openssh.js";
import { requireServer } from "../support/servers/require-server.js";
import { startVsftpd } from "../support/servers/vsftpd.js";
import { outcome, runJob, serving, shown, times, workspace } from "./stage.js";

/** Partners lock accounts: a wrong password is sent once a run, and by the agent once in ten minutes. */
const JOB =
  "triggers: [{ watch: { path: out, stable: 0s, batch: { window: 0s } } }]\n" +
  "retry: { attempts: 3, delay: 10ms }\n" +
  "tasks: [{ upload: { connection: partner } }]\n";
const PERSON = "retry: { attempts: 3, delay: 10ms }\ntasks: [{ upload: { connection: partner, from: out/* } }]\n";

interface Place {
  readonly connection: string;
  /** How many passwords the server refused, by its own log. */
  refusals(): number;
}

async function vsftpd(): Promise<Place> {
  const server = await serving(startVsftpd());
  return {
    connection: `protocol: ftp, encryption: { protocol: none }, address: 127.0.0.1, port: ${server.port}, username: ${server.user}, password: 'not the password'`,
    refusals: () => times(server.log(), /FAIL LOGIN/g),
  };
}

async function openssh(): Promise<Place> {
  const server = await serving(startOpenssh());
  const login = `address: 127.0.0.1, port: ${server.port}, username: ${server.user}, password: 'not the password'`;
  return {
    connection: `protocol: sftp, ${login}, fingerprint: '${server.fingerprints().ed25519}'`,
    refusals: () => times(server.log(), /Failed password for/g),
  };
}

describe.skipIf(!requireServer("vsftpd", "openssh"))("a wrong password", () => {
  test.each([
    { name: "vsftpd", place: vsftpd, cause: "530 Login incorrect." },
    { name: "OpenSSH", place: openssh, cause: "All configured authentication methods failed" },
  ])("for $name is sent once a run, and not again by the agent, but by a person", async ({ place, cause }) => {
    const { connection, refusals } = await place();
    const ferry = workspace(connection, JOB, { "jobs/person.yaml": PERSON, "out/.keep": "" });
    const agent = await ferry.agent();
    ferry.write("out/a.csv", "a");
    await ferry.settled(() => refusals() > 0);
    const first = await shown(ferry, 1);
    expect({
      ...outcome(first),
      attempts: first.tasks[0]?.attempts,
      error: first.run.error,
      refusals: refusals(),
    }).toEqual({
      ...{
        run: ["failed", "FERRY_LOGIN_REFUSED"],
        transfers: [["failed", "FERRY_LOGIN_REFUSED"]],
        attempts: 1,
        refusals: 1,
      },
      error: expect.objectContaining({ cause, hint: expect.stringContaining("ferry secret set") }),
    });

    ferry.write("out/b.csv", "b");
    await ferry.settled(() => agent.output().includes("run 2"));
    const second = await shown(ferry, 2);
    expect({
      ...outcome(second),
      message: second.run.error?.message,
      cause: second.run.error?.cause,
      refusals: refusals(),
    }).toEqual({
      ...{ run: ["failed", "FERRY_LOGIN_REFUSED"], transfers: [["failed", "FERRY_LOGIN_REFUSED"]], refusals: 1 },
      ...{ message: expect.stringContaining("not tried, because the login was refused"), cause },
    });

    const person = await runJob(ferry, "person");
    expect({
      code: person.code,
      run: person.run.error?.code,
      cause: person.run.error?.cause,
      refusals: refusals(),
    }).toEqual({
      ...{ code: 1, run: "FERRY_LOGIN_REFUSED", cause, refusals: 2 },
    });
    await agent.end();

    const without = await runJob(ferry, "person");
    expect({ code: without.code, run: without.run.error?.code, refusals: refusals() }).toEqual({
      code: 1,
      run: "FERRY_LOGIN_REFUSED",
      refusals: 3,
    });
    expect((await ferry.run(["job", "run", "person"])).stderr).toContain(`cause: ${cause}`);
  });
});
