import { relative } from "node:path";
import type { RunRecord, TransferRecord } from "../../runs/history.js";
import { writeBytes, writeDuration, writeNumber } from "../figures.js";
import { deliveryState } from "../states.js";
import { dim, type Text } from "../text.js";

/** More files than this that simply arrived are shown with one line each. */
const MANY = 20;

/** The files of a run, those first that did not arrive. */
export function transferLines(
  transfers: readonly TransferRecord[],
  run: RunRecord,
  workspace: string,
): readonly Text[] {
  const arrived = transfers.filter((transfer) => transfer.state === "delivered" && !transfer.error);
  const others = transfers.filter((transfer) => !arrived.includes(transfer));
  const told = new Set(run.error?.hint ? [run.error.hint] : []);
  return [
    ...others.flatMap((transfer) => [title(transfer, workspace), ...factLines(transfer), ...failure(transfer, told)]),
    ...arrived.flatMap((transfer) =>
      arrived.length > MANY ? [title(transfer, workspace)] : [title(transfer, workspace), ...factLines(transfer)],
    ),
  ];
}

function title(transfer: TransferRecord, workspace: string): Text {
  const { mark, word } = deliveryState(transfer.state);
  const local = shownPath(transfer.localPath, workspace);
  const remote = `${transfer.connection}:${transfer.remotePath}`;
  const [from, to] = transfer.direction === "upload" ? [local, remote] : [remote, local];
  return [mark, ` ${from} → ${to}  `, word];
}

/** Relative to the workspace where it lies in it. */
function shownPath(path: string, workspace: string): string {
  const inside = relative(workspace, path);
  return inside === "" || inside.startsWith("..") ? path : inside;
}

function factLines(transfer: TransferRecord): readonly Text[] {
  const facts = [
    ...(transfer.bytes === null ? [] : [amount(transfer.bytes, transfer.durationMs)]),
    ...(transfer.resumedFrom ? [`resumed at byte ${writeNumber(transfer.resumedFrom)}`] : []),
    ...(transfer.verifiedBy === null ? [] : [VERIFIED[transfer.verifiedBy] ?? `checked by ${transfer.verifiedBy}`]),
  ];
  return [
    ...(facts.length === 0 ? [] : [dim(`    ${facts.join(", ")}`)]),
    ...(transfer.sha256 === null ? [] : [dim(`    sha256 ${transfer.sha256}`)]),
    ...(transfer.reply === null ? [] : [`    server: ${transfer.reply}`]),
  ];
}

const VERIFIED: Readonly<Record<string, string>> = {
  size: "the size on the other side is right",
  "size-list": "the size in the server's listing is right",
  "size-ascii": "the size fits the converted line ends",
  hash: "the checksum on the other side is right",
  readback: "read back and compared",
};

function amount(bytes: number, durationMs: number | null): string {
  const exact = `${writeNumber(bytes)} bytes`;
  if (durationMs === null) return exact;
  const rate = durationMs >= 1000 && bytes > 0 ? ` (${writeBytes(Math.round((bytes / durationMs) * 1000))}/s)` : "";
  return `${exact} in ${writeDuration(durationMs)}${rate}`;
}

/** The same advice is given once a page. */
function failure(transfer: TransferRecord, told: Set<string>): readonly Text[] {
  const { error } = transfer;
  if (!error) return [];
  const hint = error.hint !== null && !told.has(error.hint) ? error.hint : undefined;
  if (hint !== undefined) told.add(hint);
  return [
    `    ${error.code}: ${error.message}`,
    ...(error.cause === null
      ? []
      : error.cause.split(/\r?\n/).map((line, index) => `    ${index === 0 ? "cause: " : "       "}${line}`)),
    ...(hint === undefined ? [] : [`    hint: ${hint}`]),
  ];
}
