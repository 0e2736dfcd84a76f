import { AgentError } from "../../src/base/errors.js";
import type { RemoteSession } from "../../src/connections/session.js";

/** Where a connection breaks: at the `call`-th call (1 is the first) of all sessions together, before or after its effect. */
export interface Cut {
  readonly call: number;
  readonly when: "before" | "after";
}

export interface CutSessions {
  session(): Promise<RemoteSession>;
  /** `upload .a.csv.x3kq.part` …: every call that was made. */
  readonly calls: readonly string[];
  /** Called after each call's effect: what a partner on the other side does. */
  onEffect: (call: string) => Promise<void>;
}

/** Real sessions of `open`, one of whose calls loses the connection: the effect happens or not, the answer never comes. */
export function cutSessions(open: () => Promise<RemoteSession>, cut: Cut | undefined): CutSessions {
  const calls: string[] = [];
  let current: RemoteSession | undefined;
  const cuts: CutSessions = {
    calls,
    onEffect: async () => undefined,
    async session() {
      current = current?.alive ? current : wrap(await open());
      return current;
    },
  };

  function wrap(real: RemoteSession): RemoteSession {
    let lost = false;
    const guard = <Args extends unknown[], T>(name: string, work: (...args: Args) => Promise<T>) => {
      return async (...args: Args): Promise<T> => {
        if (lost) throw gone();
        const call = `${name} ${args.filter((arg) => typeof arg === "string").join(" ")}`;
        calls.push(call);
        const hit = cut?.call === calls.length;
        if (hit && cut.when === "before") {
          lost = true;
          throw gone();
        }
        const result = await work(...args);
        await cuts.onEffect(call);
        if (hit) {
          lost = true;
          throw gone();
        }
        return result;
      };
    };
    const setModifiedAt = real.setModifiedAt;
    return {
      ...real,
      get alive() {
        return !lost && real.alive;
      },
      get facts() {
        return real.facts;
      },
      list: guard("list", real.list),
      stat: guard("stat", real.stat),
      size: guard("size", real.size),
      upload: guard("upload", real.upload),
      download: guard("download", real.download),
      rename: guard("rename", real.rename),
      remove: guard("remove", real.remove),
      makeDirectory: guard("makeDirectory", real.makeDirectory),
      removeDirectory: guard("removeDirectory", real.removeDirectory),
      ...(setModifiedAt ? { setModifiedAt: guard("setModifiedAt", setModifiedAt) } : {}),
    };
  }
  return cuts;
}

function gone(): AgentError {
  return new AgentError("FERRY_CONNECTION_LOST", "lost the connection to the test's server");
}
