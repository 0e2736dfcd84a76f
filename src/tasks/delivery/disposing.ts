import { AgentError, asAgentError, toRecord } from "../../base/errors.js";
import type { Delivery, Ledger } from "../ledger.js";

/**
 * Has `work` put the source of what was delivered away. When it cannot, the delivery keeps the reason, and stays
 * delivered: FERRY_DISPOSAL_FAILED. A later try that can takes it back with `disposed`.
 */
export async function disposing(ledger: Ledger, delivery: Delivery, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    const known = asAgentError(error);
    // The source may be gone: the run that goes on finds out, and records it then.
    if (known.code === "FERRY_STORAGE") throw known;
    const failure = disposalFailure(delivery, known);
    await ledger.advance(delivery.id, { state: delivery.state, error: toRecord(failure) });
    throw failure;
  }
}

/** The file is where it was to go; only its source could not be put away. Said so that nobody sends it again. */
function disposalFailure(delivery: Delivery, known: AgentError): AgentError {
  const source = delivery.direction === "upload" ? delivery.localPath : delivery.remotePath;
  const what =
    known.code === "FERRY_DISPOSAL_FAILED" ? known.message : `${source} could not be put away: ${known.message}`;
  return new AgentError("FERRY_DISPOSAL_FAILED", `delivered, but ${what}`, {
    cause: known.cause ?? known.message,
    retry: known.retry,
  });
}
