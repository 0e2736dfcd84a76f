import type { RemoteSession, SessionFacts } from "../session.js";
import { makeDirectory, remove, removeDirectory, rename, setModifiedAt } from "./change.js";
import { download, upload } from "./files.js";
import { explain, find, findSize } from "./find.js";
import { keepAwake } from "./keep-alive.js";
import { listFolder } from "./list.js";
import { resolvePath } from "./paths.js";
import type { FtpState } from "./state.js";

const GOOD_BYE_MS = 2_000;

/** The session over an open, logged-in control connection. */
export function ftpSession(number: number, facts: SessionFacts, state: FtpState): RemoteSession {
  const { channel, features } = state;
  const turns = createTurns();
  const at = (path: string): string => resolvePath(path, state.base);
  // One command at a time, whoever asks: replies carry no numbers.
  const take = async <T>(work: () => Promise<T>): Promise<T> => {
    if (channel.death) throw channel.gone(channel.death);
    return turns.take(async () => {
      if (channel.death) throw channel.gone(channel.death);
      return work();
    });
  };
  const awake = keepAwake(state, turns);
  channel.onDeath(awake.stop);

  const session: RemoteSession = {
    number,
    facts,
    get alive() {
      return channel.alive;
    },
    absolute: at,
    list: (directory) =>
      take(async () => {
        const folder = at(directory);
        return listFolder(state, folder).catch(async (error: unknown) =>
          Promise.reject(await explain(state, error, folder)),
        );
      }),
    stat: (path) => take(async () => (await find(state, at(path)))?.entry),
    size: (path) => take(async () => findSize(state, at(path))),
    upload: (source, path, options = {}) => take(async () => upload(state, source, at(path), options)),
    download: (path, sink, options = {}) => take(async () => download(state, at(path), sink, options)),
    rename: (from, to, options = {}) => take(async () => rename(state, at(from), at(to), options.replace ?? false)),
    remove: (path) => take(async () => remove(state, at(path))),
    makeDirectory: (path) => take(async () => makeDirectory(state, at(path))),
    removeDirectory: (path) => take(async () => removeDirectory(state, at(path))),
    async close() {
      awake.stop();
      if (channel.alive && turns.isFree) await sayGoodBye(state);
      channel.closeWithError(new Error("it was closed"));
    },
  };
  if (!features.has("MFMT")) return session;
  const descriptors = Object.getOwnPropertyDescriptors(session);
  const setTime: RemoteSession["setModifiedAt"] = (path, time) =>
    take(async () => setModifiedAt(state, at(path), time));
  return Object.defineProperties(
    {},
    { ...descriptors, setModifiedAt: { value: setTime, enumerable: true } },
  ) as RemoteSession;
}

async function sayGoodBye({ channel, clock }: FtpState): Promise<void> {
  const timer = clock.timer(GOOD_BYE_MS, () => channel.closeWithError(new Error("it was closed")));
  // Whatever the answer is, even none: the session is over.
  await channel.ask("QUIT").catch(() => {});
  timer.cancel();
}

export interface Turns {
  take<T>(work: () => Promise<T>): Promise<T>;
  readonly isFree: boolean;
}

function createTurns(): Turns {
  let last: Promise<unknown> = Promise.resolve();
  let waiting = 0;
  return {
    take(work) {
      waiting += 1;
      const mine = last.then(work).finally(() => {
        waiting -= 1;
      });
      last = mine.catch(() => {});
      return mine;
    },
    get isFree() {
      return waiting === 0;
    },
  };
}
