import { createRequire } from "node:module";
import type { Client, SFTPWrapper } from "ssh2";
import type SftpClient from "ssh2-sftp-client";

/**
 * The few facts that ssh2 1.17.0 knows and does not tell through its interface. The version is pinned, and
 * test/connections/sftp/library.test.ts fails when one of them moves.
 */

interface Constants {
  readonly DEFAULT_KEX: readonly string[];
  readonly SUPPORTED_KEX: readonly string[];
  readonly DEFAULT_SERVER_HOST_KEY: readonly string[];
  readonly SUPPORTED_SERVER_HOST_KEY: readonly string[];
  readonly DEFAULT_CIPHER: readonly string[];
  readonly SUPPORTED_CIPHER: readonly string[];
  readonly DEFAULT_MAC: readonly string[];
  readonly SUPPORTED_MAC: readonly string[];
  readonly SUPPORTED_COMPRESSION: readonly string[];
}

/** The algorithms that this machine's OpenSSL and ssh2 have together. The file has no types. */
export const algorithmNames = createRequire(import.meta.url)("ssh2/lib/protocol/constants.js") as Constants;

interface Inside {
  readonly _extensions?: Readonly<Record<string, string>>;
  readonly _maxReadLen?: number;
  readonly _maxWriteLen?: number;
  readonly _protocol?: { readonly _strictMode?: boolean };
}

/** The extensions that the server offers, by name. */
export function extensionsOf(sftp: SFTPWrapper): readonly string[] {
  return Object.keys((sftp as unknown as Inside)._extensions ?? {});
}

/** The most bytes that go into one request; ssh2 would silently split a longer one, and send its parts one by one. */
export function requestSizes(sftp: SFTPWrapper): { readonly read: number; readonly write: number } {
  const { _maxReadLen, _maxWriteLen } = sftp as unknown as Inside;
  const within = (size: number | undefined): number => Math.max(1024, Math.min(size ?? SAFE_REQUEST, LARGEST_REQUEST));
  return { read: within(_maxReadLen), write: within(_maxWriteLen) };
}

const LARGEST_REQUEST = 255 * 1024;
const SAFE_REQUEST = 31_952;

/** Whether the key exchange was protected against removed packets (Terrapin, CVE-2023-48795). */
export function isStrictKeyExchange(client: Client): boolean {
  return (client as unknown as Inside)._protocol?._strictMode === true;
}

/** The SSH client inside the SFTP client, which its types hide. */
export function clientOf(library: SftpClient): Client {
  return (library as unknown as { readonly client: Client }).client;
}
