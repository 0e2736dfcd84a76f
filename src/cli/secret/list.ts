import type { CommandContext } from "../command.js";
import { EXIT } from "../io.js";
import { table } from "../table.js";
import { dim } from "../text.js";
import { localTime } from "../when.js";
import { locate, vaultOf } from "../workspace.js";

/** `ferry secret list`: names, never values. */
export async function listSecrets(context: CommandContext): Promise<number> {
  const vault = await vaultOf(context, locate(context));
  const secrets = (await vault.list()).map(({ name, setAt }) => ({ name, setAt: setAt.toISOString() }));
  context.print.result({ secrets }, () => {
    if (secrets.length === 0) return [dim("no secrets")];
    const columns = [{ head: "NAME" }, { head: "SET" }];
    return table(
      columns,
      secrets.map(({ name, setAt }) => [name, localTime(setAt)]),
      context.print.width,
    );
  });
  return EXIT.done;
}
