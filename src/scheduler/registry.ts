import { cron } from "./cron.js";
import { watch } from "./watch.js";

/** Every type of trigger. */
export const triggerKinds = [cron, watch] as const;
