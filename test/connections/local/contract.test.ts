import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { localDriver } from "../../../src/connections/local/driver.js";
import { openContext } from "../open-context.js";
import { sessionContract } from "../session-contract.js";

sessionContract(
  "a local folder",
  async () => {
    const root = await mkdtemp(join(tmpdir(), "ferry-local-"));
    const definition = localDriver.schema.parse({ protocol: "local", directory: root });
    return {
      root,
      open: (signal) => localDriver.open(definition, openContext(signal ? { signal } : {})),
      stop: () => rm(root, { recursive: true }),
    };
  },
  // The tests run as root, to whom nothing is refused.
  { canRefuse: process.getuid?.() !== 0, hasModifiedAt: true, sizeBy: ["size"] },
);
