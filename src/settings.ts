import { machineZone } from "./base/zone.js";
import type { Settings } from "./settings-schema.js";

/** The time zone of jobs that name none: the settings', else the machine's. */
export function zoneOf(settings: Settings): string {
  return settings.timezone ?? machineZone();
}

/** The environment variables that templates may read: those that are listed and set. */
export function listedEnvironment(
  settings: Settings,
  env: Readonly<Record<string, string | undefined>>,
): Record<string, string> {
  const entries = settings.env.flatMap((name) => {
    const value = env[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  return Object.fromEntries(entries);
}
