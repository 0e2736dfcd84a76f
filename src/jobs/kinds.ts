import { type ConnectionDefinition, connectionKinds } from "../connections/registry.js";
import { triggerKinds } from "../scheduler/registry.js";
import type { TriggerKind } from "../scheduler/trigger.js";
import { taskKinds } from "../tasks/registry.js";
import type { TaskKind } from "../tasks/task.js";
import type { Kinds } from "./load.js";

/** Everything that definitions may be made of. */
export const allKinds: Kinds<ConnectionDefinition> = {
  connections: connectionKinds,
  // A list of different kinds: each is only ever given what its own schema made.
  tasks: taskKinds as readonly unknown[] as readonly TaskKind[],
  triggers: triggerKinds as readonly unknown[] as readonly TriggerKind[],
};
