import { AgentError } from "../../base/errors.js";
import type { Delivery } from "../ledger.js";

/** The targets of one task: two sources for one of them would leave one file, and two that say "delivered". */
export interface ClaimedTargets {
  /** Fails with FERRY_TARGET_EXISTS when another source of the task has this target, unless it would get a name of its own. */
  claim(target: string, source: string, ifExists: string): void;
}

export function claimedTargets(
  work: readonly { readonly earlier: Delivery | undefined }[],
  targetOf: (row: Delivery) => string,
): ClaimedTargets {
  const rows = work.flatMap(({ earlier }) => earlier ?? []).filter((row) => row.state !== "skipped");
  const claimed = new Map(
    rows.map((row) => [targetOf(row), row.direction === "upload" ? row.localPath : row.remotePath]),
  );
  return {
    claim(target, source, ifExists) {
      const first = claimed.get(target) ?? source;
      if (first !== source && ifExists !== "rename") {
        throw new AgentError("FERRY_TARGET_EXISTS", `${source} and ${first} have the same target ${target}`, {
          hint: "give each file its own `name`, or set `ifExists: rename`",
        });
      }
      claimed.set(target, source);
    },
  };
}
