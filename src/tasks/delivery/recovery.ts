import type { DeliveryState } from "../ledger.js";

/** What stands under a name on the writing side. `complete`: of the size that the whole file has. */
export type Look = "absent" | "complete" | "other";

export interface Finding {
  readonly temporary: Look;
  readonly final: Look;
}

/**
 * What to do next with a delivery whose last step was cut off.
 * `send`: from the beginning, over what may be left of the temporary. `check`: everything arrived, but was not confirmed:
 * settle it as if it had been. `publish`: rename. `delivered`: it is done. `hold`: nobody but a person can tell.
 */
export type Decision = "send" | "check" | "publish" | "delivered" | "hold";

/**
 * The recovery table. It never concludes from an absence that a published file did not arrive: partners collect files
 * within a second, and purge them after days.
 */
export function decide(state: DeliveryState, found: Finding): Decision {
  switch (state) {
    case "sending":
    case "receiving":
      return found.temporary === "complete" ? "check" : "send";
    case "sent":
    case "received":
      return found.temporary === "complete" ? "publish" : "send";
    case "publishing":
      return decidePublishing(found);
    default:
      return "send";
  }
}

/** While the temporary is there, the rename has not happened: a final file beside it is not ours. */
function decidePublishing(found: Finding): Decision {
  if (found.temporary === "complete") return "publish";
  if (found.temporary === "other") return "send";
  return found.final === "complete" ? "delivered" : "hold";
}

/** What is known of a file that is written directly under its final name. */
export interface DirectFacts {
  /** Nothing stood under the name before: what is there now is ours. */
  readonly wasAbsent: boolean;
  /** The folder is on this machine. */
  readonly local: boolean;
}

/** The same where a file is written directly under its final name: on a server, an absence may mean that it was collected. */
export function decideDirect(state: DeliveryState, final: Look, facts: DirectFacts): Decision {
  if (state === "planned" || state === "receiving") return "send";
  if (state === "sending") {
    if (final === "absent") return facts.local ? "send" : "hold";
    // An older file of the same size would look complete.
    return final === "complete" && facts.wasAbsent ? "check" : "send";
  }
  return final === "complete" ? "delivered" : "hold";
}
