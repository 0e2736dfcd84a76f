import ssh2 from "ssh2";

/** A key pair of ssh2's that ssh2 can use: about one in 300 of its ed25519 keys it cannot even read. */
export function ed25519Pair(): { readonly private: string; readonly public: string } {
  for (;;) {
    const pair = ssh2.utils.generateKeyPairSync("ed25519");
    const keys = [ssh2.utils.parseKey(pair.private), ssh2.utils.parseKey(pair.public)];
    if (keys.every((key) => !(key instanceof Error)) && signs(pair.private)) return pair;
  }
}

function signs(text: string): boolean {
  const key = ssh2.utils.parseKey(text);
  if (key instanceof Error) return false;
  const signature: unknown = key.sign(Buffer.from("a trial"));
  return Buffer.isBuffer(signature) && key.verify(Buffer.from("a trial"), signature) === true;
}
