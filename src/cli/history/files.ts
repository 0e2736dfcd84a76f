import { basename } from "node:path";
import type { DeliveryFilter, DeliveryRecord } from "../../runs/history.js";
import type { DeliveryState } from "../../tasks/ledger.js";
import type { CommandContext } from "../command.js";
import { writeBytes } from "../figures.js";
import { EXIT } from "../io.js";
import { deliveryState } from "../states.js";
import { type Cell, table } from "../table.js";
import { dim, type Text } from "../text.js";
import { localTime, parseWhen } from "../when.js";
import { withHistory } from "../workspace.js";

export interface FilesOptions {
  readonly connection?: string;
  readonly since?: string;
  readonly status?: readonly DeliveryState[];
  readonly sha256?: string;
  readonly limit?: number;
}

/** What a person reads, and what a script may count on. */
const USUAL = 200;
const MOST = 10_000;

/** `ferry history files [GLOB]`: where is my file. */
export async function listFiles(
  context: CommandContext,
  glob: string | undefined,
  options: FilesOptions,
): Promise<number> {
  const limit = options.limit ?? (context.print.json ? MOST : USUAL);
  const filter = { limit, ...filterOf(glob, options, context.io.clock.now()) };
  const deliveries = await withHistory(context, (history) => history.deliveries(filter));
  context.print.result({ deliveries }, () => deliveryTable(deliveries, context.print.width));
  if (deliveries.length === limit) context.print.note(dim(`the newest ${limit}; there may be more: see --limit`));
  return EXIT.done;
}

function filterOf(glob: string | undefined, options: FilesOptions, now: Date): Omit<DeliveryFilter, "limit"> {
  const { connection, since, status, sha256 } = options;
  return {
    ...(glob === undefined ? {} : { glob }),
    ...(connection === undefined ? {} : { connection }),
    ...(since === undefined ? {} : { since: parseWhen(since, "--since", { now, relative: "past" }) }),
    ...(status === undefined ? {} : { states: status }),
    ...(sha256 === undefined ? {} : { sha256: sha256.replace(/^sha256:/i, "").toLowerCase() }),
  };
}

const COLUMNS = [
  { head: "WHEN" },
  { head: "STATE" },
  { head: "FILE", keep: "ends" },
  { head: "REMOTE", keep: "end" },
  { head: "SIZE", align: "right" },
  { head: "RUN", align: "right" },
  { head: "SHA256", keep: "start", spare: true },
  { head: "REPLY", keep: "start", spare: true },
] as const;

export function deliveryTable(deliveries: readonly DeliveryRecord[], width: number | undefined): Text[] {
  if (deliveries.length === 0) return [dim("no deliveries")];
  return table(COLUMNS, deliveries.map(row), width);
}

function row(delivery: DeliveryRecord): Cell[] {
  return [
    localTime(delivery.deliveredAt ?? delivery.plannedAt),
    deliveryState(delivery.state).word,
    basename(delivery.localPath),
    `${delivery.connection}:${delivery.remotePath}`,
    writeBytes(delivery.bytes),
    String(delivery.run),
    delivery.sha256 ?? "",
    delivery.reply ?? delivery.error?.message ?? "",
  ];
}
