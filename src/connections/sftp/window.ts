import type { Socket } from "node:net";
import type { Clock } from "../../base/clock.js";
import { AgentError } from "../../base/errors.js";
import type { Transcript } from "../../base/transcript.js";
import type { Timeouts } from "../shared-schema.js";
import type { Begin, Lifeline } from "./lifeline.js";
import { watchProgress } from "./progress.js";
import { lostWith } from "./requests.js";
import { type Refusal, refusalOf } from "./status.js";

/** As many bytes are under way at once as OpenSSH's own client has: enough for a line of 20 ms and 200 MB/s. */
const BYTES_UNDER_WAY = 4 * 1024 * 1024;
/** On a slow line a large request alone would take longer than `timeout.stall`. The size grows while answers come quickly. */
const FIRST_SIZE = 32 * 1024;
const QUICK_MS = 500;

export interface WindowContext {
  readonly clock: Clock;
  readonly socket: Socket;
  readonly lifeline: Lifeline;
  readonly transcript: Transcript;
  readonly timeout: Timeouts;
  readonly where: string;
}

/**
 * READ or WRITE requests under way at the same time. Each answer is looked at; after the first refusal no further
 * request goes out. The transcript gets one line for all of them.
 */
export interface Window {
  /** The bytes that a request should have now. */
  readonly size: number;
  /** So many requests may be under way. */
  readonly limit: number;
  readonly refusal: Refusal | undefined;
  /** Waits for room, then sends; undefined after a refusal. `answer` is undefined for a refusal, and fails only when the connection ends. */
  send<T>(begin: Begin<T>): Promise<{ readonly answer: Promise<T | undefined> } | undefined>;
  /** A request carried so many bytes of the file, or its answer did. */
  moved(bytes: number): void;
  /** Waits until all are answered; nothing is sent any more. */
  drained(): Promise<void>;
  /** Ends the watch, and records what was sent. */
  end(): void;
}

export function openWindow(verb: "READ" | "WRITE", largest: number, context: WindowContext): Window {
  const { lifeline, where, timeout, clock } = context;
  const message = `no byte moved between here and ${where} for ${timeout.stall / 1000} s`;
  const watch = watchProgress(clock, context.socket, timeout.stall, () =>
    lifeline.cut(new AgentError("FERRY_STALLED", message)),
  );
  const count: Count = { sent: 0, answered: 0, underWay: 0, loaded: 0, bytes: 0 };
  const size = growingSize(largest);
  const limit = (): number => Math.max(2, Math.floor(BYTES_UNDER_WAY / size.now()));
  let refusal: Refusal | undefined;
  let isClosed = false;
  const waiting = new Set<() => void>();
  const change = (): Promise<void> => lifeline.during(() => new Promise((resolve) => waiting.add(resolve)));
  const settle = (): void => {
    watch.answered(--count.underWay);
    for (const wake of waiting) wake();
    waiting.clear();
  };
  const answered = async <T>(begin: Begin<T>): Promise<T | undefined> => {
    const started = clock.monotonic();
    try {
      const value = await lifeline.answer(begin);
      count.answered++;
      size.heard(clock.monotonic() - started);
      return value;
    } catch (error) {
      const found = refusalOf(error);
      if (!found) throw lostWith(error, lifeline, where);
      refusal ??= found;
      return undefined;
    } finally {
      settle();
    }
  };
  return {
    get size() {
      return size.now();
    },
    get limit() {
      return limit();
    },
    get refusal() {
      return refusal;
    },
    moved(bytes) {
      count.loaded++;
      count.bytes += bytes;
    },
    async send(begin) {
      while (count.underWay >= limit() && !refusal && !isClosed) await change();
      if (refusal || isClosed) return undefined;
      count.sent++;
      watch.started(++count.underWay);
      const answer = answered(begin);
      answer.catch(() => {}); // whoever waits for room or for the end is told, too
      return { answer };
    },
    async drained() {
      isClosed = true;
      while (count.underWay > 0) await change();
    },
    end() {
      watch.end();
      record(verb, count, refusal, context.transcript);
    },
  };
}

function growingSize(largest: number): { now(): number; heard(ms: number): void } {
  let size = Math.min(FIRST_SIZE, largest);
  return {
    now: () => size,
    heard(ms) {
      if (ms < QUICK_MS) size = Math.min(size * 2, largest);
    },
  };
}

interface Count {
  sent: number;
  answered: number;
  underWay: number;
  /** Requests that carried data, or whose answers did. */
  loaded: number;
  bytes: number;
}

function record(
  verb: "READ" | "WRITE",
  { sent, answered, loaded, bytes }: Count,
  refusal: Refusal | undefined,
  transcript: Transcript,
): void {
  if (sent === 0) return;
  transcript.sent(`${verb} ×${sent} (${amount(bytes)})`, "ssh");
  const good = verb === "READ" ? loaded : answered;
  if (good > 0) transcript.received(`${verb === "READ" ? "DATA" : "OK"} ×${good}`, "ssh");
  if (verb === "READ" && answered > loaded) transcript.received("EOF", "ssh");
  if (refusal) transcript.received(refusal.words, "ssh");
}

function amount(bytes: number): string {
  if (bytes >= 1024 ** 2 && bytes % 1024 ** 2 === 0) return `${bytes / 1024 ** 2} MiB`;
  if (bytes >= 1024 && bytes % 1024 === 0) return `${bytes / 1024} KiB`;
  return `${bytes} bytes`;
}
