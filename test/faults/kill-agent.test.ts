import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { openHistory } from "../../src/storage/sqlite/history.js";
import { type RunningAgent, type TestFerry, testFerry } from "../support/ferry.js";
import { type FtpScript, type FtpSession, scriptedFtp } from "../support/scripted-ftp.js";
import { type SftpScript, scriptedSftp } from "../support/scripted-sftp.js";

/**
 * The agent is killed (SIGKILL) in the moment in which the server gets a command, before or after it does what was asked,
 * and is started again. For each place: the file is there once and whole, or held exactly where nobody can tell.
 */
const CONTENT = "account;amount\n4711;12.50\n".repeat(1000);
const FTP_PLACES = ["USER", "PASS", "EPSV", "STOR", "MFMT", "RNFR", "RNTO", "QUIT"] as const;
const SFTP_PLACES = ["OPEN", "WRITE", "SETSTAT", "CLOSE", "RENAME"] as const;
const WHEN = ["before", "after"] as const;

interface Stage {
  readonly ferry: TestFerry;
  readonly files: ReadonlyMap<string, Buffer>;
  readonly events: readonly { readonly kind: string; readonly path: string }[];
  /** Kills the agent at the scripted place; resolves when it is dead. */
  arm(agent: RunningAgent): Promise<void>;
  close(): Promise<void>;
}

const open: Stage[] = [];
afterEach(async () => {
  for (const stage of open.splice(0)) {
    stage.ferry.remove();
    await stage.close();
  }
});

describe.each([false, true])("a partner who takes published files away at once: %s", (takenAtOnce) => {
  describe("over FTP", () => {
    test.each(cases(FTP_PLACES))("killed $when $place", async ({ place, when }) => {
      await killAndRestart(
        await ftpStage(place, when, takenAtOnce),
        takenAtOnce && place === "RNTO" && when === "after",
        takenAtOnce,
      );
    });
  });
  describe("over SFTP", () => {
    test.each(cases(SFTP_PLACES))("killed $when $place", async ({ place, when }) => {
      await killAndRestart(
        await sftpStage(place, when, takenAtOnce),
        takenAtOnce && place === "RENAME" && when === "after",
        takenAtOnce,
      );
    });
  });
});

async function killAndRestart(stage: Stage, inDoubt: boolean, takenAtOnce: boolean): Promise<void> {
  const { ferry } = stage;
  const first = await ferry.agent();
  const killed = stage.arm(first);
  ferry.write("outbox/a.csv", CONTENT);
  await killed;
  const second = await ferry.agent();
  await ferry.settled();
  await second.end();

  const published = stage.events.filter((event) => event.path === "/in/a.csv" && event.kind === "appeared");
  expect(published).toHaveLength(1);
  const left = [...stage.files].map(
    ([path, content]) => `${path} ${content.toString() === CONTENT ? "whole" : "not whole"}`,
  );
  expect(left).toEqual(takenAtOnce ? [] : ["/in/a.csv whole"]);
  const history = openHistory(join(ferry.folder, ".ferry", "history.db"));
  const deliveries = await history.deliveries({ limit: 100 });
  const states = deliveries.map((delivery) => delivery.state).filter((state) => state !== "failed");
  expect(states).toEqual([inDoubt ? "held" : "delivered"]);
  const runs = await history.runs({ limit: 100 });
  history.close();
  expect(runs.map((run) => run.state).toSorted()).toEqual(expectedRuns(runs.length, inDoubt));
  // The source is put away once it is delivered, and stays where it is while nobody can tell.
  expect(existsSync(join(ferry.folder, "outbox/a.csv"))).toBe(inDoubt);
  if (!inDoubt) expect(readFileSync(join(ferry.folder, "sent/a.csv"), "utf8")).toBe(CONTENT);
}

/** Killed after the run's last word (QUIT) there is nothing to continue. */
function expectedRuns(count: number, inDoubt: boolean): readonly string[] {
  return count === 1 ? ["succeeded"] : inDoubt ? ["failed", "interrupted"] : ["interrupted", "succeeded"];
}

function cases<Place extends string>(places: readonly Place[]): { place: Place; when: "before" | "after" }[] {
  return places.flatMap((place) => WHEN.map((when) => ({ place, when })));
}

/** A switch that the server throws at the place, and that kills the agent. */
function trigger(): { armed(): boolean; hit(): Promise<boolean>; arm(agent: RunningAgent): Promise<void> } {
  let armed: RunningAgent | undefined;
  let done: () => void = () => undefined;
  return {
    armed: () => armed !== undefined,
    async hit() {
      const agent = armed;
      armed = undefined;
      if (!agent) return false;
      await agent.end("SIGKILL");
      done();
      return true;
    },
    arm: (agent) =>
      new Promise((resolve) => {
        armed = agent;
        done = resolve;
      }),
  };
}

async function ftpStage(place: string, when: "before" | "after", takenAtOnce: boolean): Promise<Stage> {
  const kill = trigger();
  const script: FtpScript = {
    folders: ["/in"],
    takenAtOnce,
    [place as "RNTO"]: async (_: string, session: FtpSession) => {
      // Nobody waits for an answer any more, and nothing was done.
      if (when === "before" && (await kill.hit())) return undefined;
      const reply = await session.usual();
      await kill.hit();
      return reply;
    },
  };
  const server = await scriptedFtp(script);
  return stageOf(
    server,
    `protocol: ftp, encryption: { protocol: none }, address: 127.0.0.1, port: ${server.port}, username: anna, password: pear tree`,
    kill.arm,
  );
}

async function sftpStage(place: string, when: "before" | "after", takenAtOnce: boolean): Promise<Stage> {
  const kill = trigger();
  const script: SftpScript = {
    folders: ["/in"],
    takenAtOnce,
    // The client is dead when the answer could come: it does not matter whether one does.
    [place as "RENAME"]: async () => {
      if (!kill.armed()) return undefined;
      if (when === "after") {
        setImmediate(() => void kill.hit());
        return "do-and-ignore";
      }
      await kill.hit();
      return "cut";
    },
  };
  const server = await scriptedSftp(script);
  return stageOf(
    server,
    `protocol: sftp, address: 127.0.0.1, port: ${server.port}, username: anna, password: pear tree, fingerprint: '${server.fingerprint}'`,
    kill.arm,
  );
}

function stageOf(server: Pick<Stage, "files" | "events" | "close">, connection: string, arm: Stage["arm"]): Stage {
  const ferry = testFerry({
    "connections.yaml": `connections:\n  partner: { ${connection}, directory: /in, timeout: 5s }\n`,
    "jobs/outbox.yaml":
      "triggers: [{ watch: { path: outbox, stable: 0s, batch: { window: 0s } } }]\n" +
      "retry: { attempts: 2, delay: 100ms }\n" +
      "tasks: [{ upload: { connection: partner, after: { move: sent/ } } }]\n",
  });
  ferry.write("outbox/.keep", "");
  const stage = { ferry, files: server.files, events: server.events, arm, close: server.close };
  open.push(stage);
  return stage;
}
