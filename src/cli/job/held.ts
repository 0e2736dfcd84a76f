import { basename } from "node:path";
import type { DeliveryRecord } from "../../runs/history.js";
import type { CommandContext } from "../command.js";
import { writeBytes } from "../figures.js";
import { EXIT } from "../io.js";
import { type Cell, table } from "../table.js";
import { dim, type Text } from "../text.js";
import { localTime } from "../when.js";
import { withHistory } from "../workspace.js";

/** `ferry job held`: deliveries in doubt. */
export async function heldDeliveries(context: CommandContext): Promise<number> {
  const held = await withHistory(context, (history) =>
    history.deliveries({ states: ["held"], limit: Number.MAX_SAFE_INTEGER }),
  );
  context.print.result({ held }, () => view(held, context.print.width));
  return EXIT.done;
}

const COLUMNS = [
  { head: "RUN", align: "right" },
  { head: "JOB", keep: "start" },
  { head: "FILE", keep: "ends" },
  { head: "REMOTE", keep: "end" },
  { head: "SIZE", align: "right" },
  { head: "SINCE" },
] as const;

function view(held: readonly DeliveryRecord[], width: number | undefined): Text[] {
  if (held.length === 0) return [dim("nothing is in doubt")];
  return [
    ...table(COLUMNS, held.map(row), width),
    "",
    "They may have arrived. Ask the partner, then decide for each:",
    "  ferry job resolve RUN FILE --as delivered",
    "  ferry job resolve RUN FILE --as resend",
  ];
}

function row(delivery: DeliveryRecord): Cell[] {
  return [
    String(delivery.run),
    delivery.job,
    basename(delivery.localPath),
    `${delivery.connection}:${delivery.remotePath}`,
    writeBytes(delivery.bytes),
    localTime(delivery.plannedAt),
  ];
}
