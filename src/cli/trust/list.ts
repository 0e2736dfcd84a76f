import type { CommandContext } from "../command.js";
import { EXIT } from "../io.js";
import { table } from "../table.js";
import { dim } from "../text.js";
import { localTime } from "../when.js";
import { locate } from "../workspace.js";

const COLUMNS = [
  { head: "CONNECTION", keep: "start" },
  { head: "SERVER", keep: "start" },
  { head: "WHAT" },
  { head: "FINGERPRINT", keep: "start" },
  { head: "BY", keep: "start", spare: true },
  { head: "AT", spare: true },
] as const;

/** `ferry trust list`: what people accepted. */
export async function listTrust(context: CommandContext): Promise<number> {
  const paths = locate(context);
  const { openTrustStore } = await import("../../connections/trust/store.js");
  const accepted = openTrustStore(paths.trust, { clock: context.io.clock }).list();
  context.print.result({ accepted }, () => {
    if (accepted.length === 0) return [dim("nothing was accepted by hand")];
    const rows = accepted.map((each) => [
      each.connection,
      `${each.host}:${each.port}`,
      each.kind,
      each.fingerprint,
      each.by,
      localTime(each.at),
    ]);
    return table(COLUMNS, rows, context.print.width);
  });
  return EXIT.done;
}
