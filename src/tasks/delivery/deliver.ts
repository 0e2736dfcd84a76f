import { AgentError, asAgentError, toRecord } from "../../base/errors.js";
import type { Reply } from "../../connections/session.js";
import type { Delivery, DeliveryChange, DeliverySource, Ledger } from "../ledger.js";
import { type Decision, type DirectFacts, decide, decideDirect, type Finding } from "./recovery.js";

/** What differs between the directions: how bytes go over, what stands on the writing side, how it gets its name. */
export interface Courier {
  readonly begun: "sending" | "receiving";
  readonly arrived: "sent" | "received";
  /** Given when a file is written under its final name at once, and there is no rename. */
  readonly direct: DirectFacts | undefined;
  readonly onInDoubt: "hold" | "resend";
  /** `none`: nobody asks whether the size is right. */
  readonly verify: "size" | "none";
  /** Applies `ifExists`, makes folders. May choose another target, or decide that nothing is to be sent. */
  prepare(delivery: Delivery): Promise<Prepared>;
  /** Moves all bytes to the temporary and checks them there. */
  send(delivery: Delivery): Promise<Checked>;
  /** Everything arrived, but its confirmation was cut off: checks as `send` does, without sending. */
  check(delivery: Delivery): Promise<Checked>;
  look(delivery: Delivery): Promise<Finding>;
  publish(delivery: Delivery): Promise<Reply>;
  /** What `error`, of the latest `publish`, says of the file's name. */
  judge(delivery: Delivery, error: AgentError): Promise<NotPublished>;
  /** Removes what was begun, where that is possible and ours. Never fails. */
  discard(delivery: Delivery): Promise<void>;
}

/** The rename was answered, and refused; or it was never asked for; or it may have happened. */
export type NotPublished = "refused" | "not-begun" | "in-doubt";

export type Prepared = { readonly skip: string } | { readonly change?: Omit<DeliveryChange, "state"> };

export interface Checked {
  readonly bytes: number;
  readonly sha256: string;
  /** How the size was confirmed; undefined when nothing could confirm it. */
  readonly verifiedBy: string | undefined;
  /** The server's words on the transfer. */
  readonly reply: Reply;
  /** The source as it was when it was read, where that is known better than at planning. */
  readonly source?: DeliverySource;
}

/**
 * Brings one delivery from whatever state it is in to `delivered`, `unverified`, `skipped` or `held`; each state is durable
 * before the effect that it announces. A definite failure becomes `failed`; one that may pass leaves the row open and
 * rejects, and the next call goes on from there. The reply to a rename that got lost is looked for at once, once.
 */
export async function deliver(ledger: Ledger, courier: Courier, planned: Delivery): Promise<Delivery> {
  const row: Row = { now: planned, rename: undefined };
  try {
    return await round(ledger, courier, row).catch((error: unknown) => {
      if (lacksAnswer(row) && !isOurs(error)) return round(ledger, courier, row);
      throw error;
    });
  } catch (error) {
    return fail(ledger, courier, row, error);
  }
}

interface Row {
  now: Delivery;
  /** What its rename has come to, when that failed. */
  rename: NotPublished | undefined;
}

function lacksAnswer({ now, rename }: Row): boolean {
  return rename === "not-begun" || (now.state === "publishing" && rename !== "refused");
}

async function round(ledger: Ledger, courier: Courier, row: Row): Promise<Delivery> {
  const advance = async (change: DeliveryChange): Promise<void> => {
    row.now = await ledger.advance(row.now.id, change);
  };
  row.rename = undefined;
  const decision = await nextStep(courier, row.now);
  if (decision === "hold") {
    await advance({ state: "held", error: toRecord(inDoubt(row.now)) });
    return row.now;
  }
  if (decision === "send" || decision === "check") await transfer(courier, row, decision, advance);
  if (row.now.state === "skipped") return row.now;
  if (decision === "delivered" || courier.direct) {
    await advance(finished(courier, row.now, row.now.reply));
    return row.now;
  }
  const mayBeBegun = row.now.state === "publishing";
  if (!mayBeBegun) await advance({ state: "publishing" });
  const reply = await courier.publish(row.now).catch(async (error: unknown) => {
    row.rename = await courier.judge(row.now, asAgentError(error));
    // It stands where it stood. What an earlier rename may have done, or does yet, this one says nothing of.
    if (row.rename === "not-begun" && !mayBeBegun) await advance({ state: courier.arrived });
    throw error;
  });
  await advance(finished(courier, row.now, reply));
  return row.now;
}

async function nextStep(courier: Courier, delivery: Delivery): Promise<Decision> {
  if (delivery.state === "planned") return "send";
  const found = await courier.look(delivery);
  const { direct } = courier;
  const decision = direct ? decideDirect(delivery.state, found.final, direct) : decide(delivery.state, found);
  return decision === "hold" && courier.onInDoubt === "resend" ? "send" : decision;
}

async function transfer(
  courier: Courier,
  row: Row,
  how: "send" | "check",
  advance: (change: DeliveryChange) => Promise<void>,
): Promise<void> {
  if (how === "send") {
    // What was begun under its final name stands there: `ifExists` was answered before, and would find that.
    const prepared = courier.direct && wasBegun(row.now) ? {} : await courier.prepare(row.now);
    if ("skip" in prepared) {
      await advance({ state: "skipped", error: toRecord(new AgentError("FERRY_TARGET_EXISTS", prepared.skip)) });
      return;
    }
    await advance({ state: courier.begun, ...prepared.change });
  }
  const { verifiedBy, ...checked } = how === "send" ? await courier.send(row.now) : await courier.check(row.now);
  await advance({ state: courier.arrived, ...checked, ...(verifiedBy === undefined ? {} : { verifiedBy }) });
}

function wasBegun(delivery: Delivery): boolean {
  return delivery.state !== "planned" || delivery.source.begun === true;
}

function finished(courier: Courier, delivery: Delivery, reply: string | undefined): DeliveryChange {
  const verified = courier.verify !== "none" && delivery.verifiedBy !== undefined;
  return { state: verified ? "delivered" : "unverified", ...(reply === undefined ? {} : { reply }) };
}

function inDoubt(delivery: Delivery): AgentError {
  const name = delivery.direction === "upload" ? delivery.remotePath : delivery.localPath;
  return new AgentError(
    "FERRY_HELD",
    `${name}: neither the temporary nor the whole final file is there, so it may have arrived and been taken away`,
  );
}

/** Ends that come from our side. */
const OURS: ReadonlySet<string> = new Set([
  "FERRY_CANCELLED",
  "FERRY_RUN_TIMEOUT",
  "FERRY_INTERRUPTED",
  "FERRY_STORAGE",
]);
/** No answer came, or the server could not be asked: what is open stays as it is. */
const UNDECIDED: ReadonlySet<string> = new Set([
  ...OURS,
  "FERRY_CONNECTION_LOST",
  "FERRY_REPLY_TIMEOUT",
  "FERRY_COMPLETION_TIMEOUT",
  "FERRY_STALLED",
  "FERRY_PROTOCOL",
  "FERRY_ADDRESS_UNKNOWN",
  "FERRY_CONNECT_REFUSED",
  "FERRY_CONNECT_TIMEOUT",
  "FERRY_TOO_MANY_CONNECTIONS",
]);

function isOurs(error: unknown): boolean {
  return OURS.has(asAgentError(error).code);
}

async function fail(ledger: Ledger, courier: Courier, row: Row, error: unknown): Promise<never> {
  const known = asAgentError(error);
  const delivery = row.now;
  // What is undecided stays open: the next try looks and goes on from there; at the run's end it is held, or has failed.
  if (UNDECIDED.has(known.code) || lacksAnswer(row)) throw error;
  if (delivery.state !== "planned") await courier.discard(delivery);
  const begun = courier.direct && wasBegun(delivery) ? { source: { ...delivery.source, begun: true } } : {};
  await ledger.advance(delivery.id, { state: "failed", error: toRecord(known), ...begun });
  throw error;
}
