import { z } from "zod";

/**
 * Keys of another protocol: written here they are a mistake that says where they belong. They are hidden from the
 * type, so that a definition has only the keys of its own protocol.
 */
export function foreignKeys(keys: readonly string[], home: string): Record<never, never> {
  return Object.fromEntries(
    keys.map((key) => [key, z.never(`${key} is for ${home}; remove it`).optional().describe(`Only for ${home}.`)]),
  );
}
