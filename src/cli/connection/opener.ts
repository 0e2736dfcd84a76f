import type { Opener } from "../../agent/open-connection.js";
import { createMasker, type Masker } from "../../base/secret.js";
import type { WorkspacePaths } from "../../workspace/paths.js";
import type { CommandContext } from "../command.js";
import { vaultOf, type WorkspaceDefinitions } from "../workspace.js";

/** What a command needs to open connections itself: it reads the vault and the trust, and writes nothing. */
export async function openerFor(
  context: CommandContext,
  paths: WorkspacePaths,
  definitions: WorkspaceDefinitions,
): Promise<{ readonly opener: Opener; readonly masker: Masker }> {
  const [{ secretSource }, { openTrustStore }, { createLoginGuard }] = await Promise.all([
    import("../../agent/secret-source.js"),
    import("../../connections/trust/store.js"),
    import("../../runs/login-guard.js"),
  ]);
  const { clock } = context.io;
  const masker = createMasker();
  const vault = await vaultOf(context, paths);
  const { settings, timezone } = definitions;
  const secrets = secretSource({ vault, masker, timezone, settings: () => settings });
  const trust = openTrustStore(paths.trust, { clock });
  const strict = settings.policy === "strict";
  return { masker, opener: { clock, workspace: paths.root, secrets, trust, guard: createLoginGuard(clock), strict } };
}
