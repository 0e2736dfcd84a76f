import { AgentError, row as errorRow } from "../../base/errors.js";
import type { Delivery } from "../ledger.js";

type Verify = "size" | "none";

/** True when nothing more is to be done for it: also when only a person can go on. */
export function isSettled(delivery: Delivery): boolean {
  return ["delivered", "unverified", "skipped", "held"].includes(delivery.state);
}

/** A delivery that ended, but not as the task promises, is the task's failure. */
export function refuseUnsettled(delivery: Delivery, verify: Verify): void {
  if (delivery.state === "held") throw asError(delivery);
  if (delivery.state === "unverified" && verify !== "none") {
    throw new AgentError(
      "FERRY_UNVERIFIED",
      `${targetName(delivery)} was published, but nothing could confirm its size`,
    );
  }
}

/** Whether a failed delivery may succeed when it is tried again. */
export function mayTryAgain(delivery: Delivery): boolean {
  return delivery.error === undefined || errorRow(delivery.error.code).retry === "transient";
}

/** The error that a row kept. */
export function asError(delivery: Delivery): AgentError {
  const kept = delivery.error;
  if (!kept) return new AgentError("FERRY_BUG", `the delivery ${delivery.id} is ${delivery.state} without a reason`);
  return new AgentError(kept.code, kept.message, { cause: kept.cause, hint: kept.hint });
}

/** True when a delivery has come to where its source may be deleted or moved. */
export function mayDispose(delivery: Delivery, verify: Verify): boolean {
  const arrived = delivery.state === "delivered" || (delivery.state === "unverified" && verify === "none");
  return arrived && delivery.disposedAt === undefined;
}

function targetName(delivery: Delivery): string {
  return delivery.direction === "upload" ? delivery.remotePath : delivery.localPath;
}
