import type { DeliveryState } from "./ledger.js";

/** Where a delivery can be refused, found there already, or be given up from. */
const ENDS: readonly DeliveryState[] = ["held", "failed", "skipped"];

const FOLLOWERS: Readonly<Record<DeliveryState, readonly DeliveryState[]>> = {
  planned: ["planned", "sending", "receiving", ...ENDS],
  // Written directly under the final name there is no rename: what arrived is published.
  sending: ["sending", "sent", "planned", ...ENDS],
  receiving: ["receiving", "received", "planned", ...ENDS],
  sent: ["publishing", "delivered", "unverified", "sending", "planned", ...ENDS],
  received: ["publishing", "delivered", "unverified", "receiving", "planned", ...ENDS],
  // Back to the bytes only when the temporary was found: then the rename did not happen.
  publishing: ["publishing", "delivered", "unverified", "sending", "receiving", "sent", "received", ...ENDS],
  // A retry within the run.
  failed: ["planned"],
  // A person's decision.
  held: ["delivered", "failed"],
  delivered: [],
  unverified: [],
  skipped: [],
};

export function mayFollow(from: DeliveryState, to: DeliveryState): boolean {
  return FOLLOWERS[from].includes(to);
}

/** Begun or planned, and not at its end: what a crash leaves behind. */
export function isOpen(state: DeliveryState): boolean {
  return FOLLOWERS[state].includes("held");
}
