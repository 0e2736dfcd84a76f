import type { Marks } from "../../scheduler/trigger.js";
import {
  isPutAway,
  isUnderWay,
  selectDeliveredSha256,
  selectMark,
  selectTaken,
  selectUnfinished,
  type VersionRow,
} from "./mark-rows.js";
import { dateOf } from "./run-rows.js";
import type { Store } from "./store.js";

export function createMarks({ db, read }: Store): Marks {
  return {
    instant: async (job, trigger) => read(() => dateOf(selectMark(db, job, trigger)?.instant ?? null)),
    taken: async (job, trigger) =>
      read(() => {
        if (!selectMark(db, job, trigger)) return undefined;
        return new Map(selectTaken(db, job, trigger).map((row) => [row.path, versionOf(row)]));
      }),
    deliveredSha256: async (job, path, version) => read(() => selectDeliveredSha256(db, job, path, version)),
    putAway: async (job, file) => read(() => isPutAway(db, job, file)),
    underWay: async (job, trigger, path) => read(() => isUnderWay(db, job, trigger, path)),
    unfinished: async (job, trigger) => read(() => new Set(selectUnfinished(db, job, trigger))),
  };
}

function versionOf(row: VersionRow) {
  return { size: row.size, mtimeNs: row.mtime_ns, ctimeNs: row.ctime_ns, ino: row.ino, dev: row.dev };
}
