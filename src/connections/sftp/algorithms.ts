import type { Algorithms } from "ssh2";
import { z } from "zod";
import { algorithmNames } from "./library.js";

const { DEFAULT_KEX, DEFAULT_SERVER_HOST_KEY, DEFAULT_CIPHER, DEFAULT_MAC } = algorithmNames;
const withoutSha1 = (names: readonly string[]): string[] =>
  names.filter((name) => name !== "ssh-rsa" && !name.includes("sha1"));

/** What `auto` stands for: nothing that rests on SHA-1, CBC or RC4. */
const automatic = {
  kex: withoutSha1(DEFAULT_KEX),
  hostKey: withoutSha1(DEFAULT_SERVER_HOST_KEY),
  cipher: [...DEFAULT_CIPHER],
  mac: withoutSha1(DEFAULT_MAC),
  compress: ["none"],
};

export const algorithms = z
  .strictObject({
    kex: choice(algorithmNames.SUPPORTED_KEX, "Key exchange methods, in order of preference, or auto."),
    hostKey: choice(algorithmNames.SUPPORTED_SERVER_HOST_KEY, "Host key algorithms, in order of preference, or auto."),
    cipher: choice(algorithmNames.SUPPORTED_CIPHER, "Ciphers, in order of preference, or auto."),
    mac: choice(algorithmNames.SUPPORTED_MAC, "Message authentication codes, in order of preference, or auto."),
    compress: choice(
      algorithmNames.SUPPORTED_COMPRESSION,
      "Compression methods, in order of preference, or auto (none).",
    ),
  })
  .prefault({})
  .describe("SSH algorithms; each is auto or a list.");

export type ChosenAlgorithms = z.output<typeof algorithms>;

/** What is offered to the server. Nothing weaker is tried when it finds none of these. */
export function offer(chosen: ChosenAlgorithms, hostKeys: readonly string[] = hostKeyAlgorithms(chosen)): Algorithms {
  const list = (name: keyof typeof automatic): readonly string[] =>
    chosen[name] === "auto" ? automatic[name] : chosen[name];
  // The schema has checked the names against what ssh2 has; its types know them only as literals.
  return {
    kex: list("kex"),
    serverHostKey: hostKeys,
    cipher: list("cipher"),
    hmac: list("mac"),
    compress: list("compress"),
  } as unknown as Algorithms;
}

export function hostKeyAlgorithms(chosen: ChosenAlgorithms): readonly string[] {
  return chosen.hostKey === "auto" ? automatic.hostKey : chosen.hostKey;
}

/** Names that only work when they are written: each rests on something that is broken. */
export function weakNames(chosen: ChosenAlgorithms): readonly string[] {
  return Object.values(chosen)
    .flatMap((list) => (list === "auto" ? [] : list))
    .filter((name) => /sha1|^ssh-rsa$|^ssh-dss$|md5|arcfour|cbc|ripemd/.test(name));
}

function choice(supported: readonly string[], text: string) {
  const name = z.string().superRefine((value, context) => {
    if (supported.includes(value)) return;
    context.addIssue({
      code: "custom",
      message: `no such algorithm: ${JSON.stringify(value)}; there are ${supported.join(", ")}`,
    });
  });
  return z
    .union([z.literal("auto"), z.array(name).min(1)])
    .default("auto")
    .describe(text);
}
