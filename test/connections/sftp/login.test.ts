import { once } from "node:events";
import { createServer } from "node:net";
import ssh2, { type AuthContext } from "ssh2";
import { describe, expect, test } from "vitest";
import { AgentError } from "../../../src/base/errors.js";
import { newHostKey } from "../../support/scripted-sftp.js";
import { ed25519Pair } from "../../support/ssh-keys.js";
import { codeOf } from "../session-contract/workshop.js";
import { open, serve } from "./scripted.js";

/** An SSH server that only logs in, as `answer` says, and counts the attempts. */
async function loginServer(answer: (attempt: AuthContext) => void, ssh: object = {}) {
  const attempts: string[] = [];
  const server = new ssh2.Server({ hostKeys: [newHostKey()], ...ssh }, (client) => {
    client.on("error", () => {});
    client.on("authentication", (attempt) => {
      attempts.push(attempt.method);
      answer(attempt);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const port = (server.address() as { port: number }).port;
  return {
    host: "127.0.0.1",
    port,
    user: "anna",
    password: "pear tree",
    attempts,
    close: () => server.close(),
  } as const;
}

describe("logging in", () => {
  test("a wrong password is refused, after exactly one attempt", async () => {
    const server = await loginServer((attempt) => attempt.reject(["password", "keyboard-interactive"]));
    expect([await codeOf(open(server)), server.attempts]).toEqual(["FERRY_LOGIN_REFUSED", ["none", "password"]]);
    server.close();
  });

  test("a server that only asks questions gets the password as the answer", async () => {
    const server = await serve({ methods: ["keyboard-interactive"] });
    const { session, lines } = await open(server);
    expect([session.alive, lines.filter((line) => /QUESTION|ANSWER/.test(line))]).toEqual([
      true,
      ["< QUESTION Password: ", "> ANSWER ********"],
    ]);
  });

  test("a second question is not answered with the password", async () => {
    const answers: string[][] = [];
    const server = await loginServer((attempt) => {
      if (attempt.method !== "keyboard-interactive") return attempt.reject(["keyboard-interactive"]);
      attempt.prompt([{ prompt: "Password: ", echo: false }], (first) => {
        answers.push(first);
        attempt.prompt([{ prompt: "Code: ", echo: false }], (second) => void answers.push(second));
      });
    });
    expect([await codeOf(open(server)), answers]).toEqual(["FERRY_LOGIN_REFUSED", [["pear tree"]]]);
    server.close();
  });

  test("a key logs in without the password", async () => {
    const pair = ed25519Pair();
    const server = await serve({ methods: ["publickey", "password"], clientKey: pair.public });
    const { lines } = await open(server, {
      keys: { privateKey: "key" },
      secrets: { privateKey: pair.private, password: "never" },
    });
    expect(lines.filter((line) => line.includes("AUTH"))).toEqual([
      "> AUTH none as anna",
      "< AUTH refused, left: publickey, password",
      "> AUTH publickey ssh-ed25519 as anna",
      "< AUTH accepted",
    ]);
  });

  test("a key with a passphrase is opened with it; a wrong one is told before anybody connects", async () => {
    const pair = ssh2.utils.generateKeyPairSync("ecdsa", {
      bits: 256,
      passphrase: "correct horse",
      cipher: "aes256-ctr",
    });
    const server = await serve({ methods: ["publickey"], clientKey: pair.public });
    const keys = { privateKey: "key" };
    const { session } = await open(server, {
      keys,
      secrets: { privateKey: pair.private, passphrase: "correct horse" },
    });
    const wrong = await codeOf(open(server, { keys, secrets: { privateKey: pair.private, passphrase: "wrong" } }));
    expect([session.alive, wrong, server.sessions]).toEqual([true, "FERRY_DEFINITION", 1]);
  });

  test("a key and then the password, where the server wants both", async () => {
    const pair = ed25519Pair();
    const server = await loginServer((attempt) => {
      if (attempt.method === "publickey") return attempt.reject(["password"], true);
      if (attempt.method === "password" && attempt.password === "pear tree") return attempt.accept();
      attempt.reject(["publickey"]);
    });
    const given = { keys: { privateKey: "key" }, secrets: { privateKey: pair.private, password: "pear tree" } };
    // The login works; what follows does not, because this server has no SFTP.
    expect([await codeOf(open(server, given)), server.attempts]).toEqual([
      "FERRY_SSH",
      ["none", "publickey", "password"],
    ]);
    server.close();
  });

  test("a server that keeps silent about the login is given up", async () => {
    const server = await loginServer(() => {});
    expect(await codeOf(open(server, { keys: { timeout: { reply: "150ms" } } }))).toBe("FERRY_REPLY_TIMEOUT");
    server.close();
  });

  test("a banner of 32 kilobytes is kept in part", async () => {
    const server = await serve({ ssh: { banner: "welcome ".repeat(4000) } });
    const { lines } = await open(server);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThan(4200);
  });
});

describe("the host key", () => {
  test("is judged before anybody logs in; refused, no attempt is made", async () => {
    const server = await loginServer((attempt) => attempt.accept());
    const hostKey = (): never => {
      throw new AgentError("FERRY_HOST_KEY_CHANGED", "it changed");
    };
    expect([await codeOf(open(server, { trust: { certificate: () => "", hostKey } })), server.attempts]).toEqual([
      "FERRY_HOST_KEY_CHANGED",
      [],
    ]);
    server.close();
  });

  test("may be any one that the server has", async () => {
    const server = await loginServer((attempt) => attempt.reject(), {
      hostKeys: [newHostKey("ed25519"), newHostKey("rsa")],
    });
    const shown: string[] = [];
    const hostKey = ({ key }: { readonly key: Buffer }): string => {
      const type = key.subarray(4, 4 + key.readUInt32BE(0)).toString();
      shown.push(type);
      if (type === "ssh-rsa") return "known";
      throw new AgentError("FERRY_HOST_KEY_UNKNOWN", "unknown");
    };
    expect([await codeOf(open(server, { trust: { certificate: () => "", hostKey } })), shown]).toEqual([
      "FERRY_LOGIN_REFUSED",
      ["ssh-ed25519", "ssh-rsa"],
    ]);
    server.close();
  });

  test("of a known type is asked for first", async () => {
    const server = await loginServer((attempt) => attempt.reject(), {
      hostKeys: [newHostKey("ed25519"), newHostKey("rsa")],
    });
    const shown: string[] = [];
    const hostKey = ({ key }: { readonly key: Buffer }): string => {
      shown.push(key.subarray(4, 4 + key.readUInt32BE(0)).toString());
      return "known";
    };
    await codeOf(open(server, { trust: { certificate: () => "", hostKey, hostKeyTypes: () => ["ssh-rsa"] } }));
    expect(shown).toEqual(["ssh-rsa"]);
    server.close();
  });
});

describe("algorithms", () => {
  const weak = [
    { kex: ["diffie-hellman-group14-sha1"] },
    { serverHostKey: ["ssh-rsa"] },
    { cipher: ["aes128-cbc"] },
    { cipher: ["aes128-ctr"], hmac: ["hmac-sha1"] },
  ];
  test.each(weak)("a server that has only %j is refused, and nobody logs in", async (algorithms) => {
    const server = await loginServer((attempt) => attempt.accept(), { hostKeys: [newHostKey("rsa")], algorithms });
    expect([await codeOf(open(server)), server.attempts]).toEqual(["FERRY_SSH_ALGORITHMS", []]);
    server.close();
  });

  test("a weak one works when it is written", async () => {
    const server = await serve({ ssh: { algorithms: { kex: ["diffie-hellman-group14-sha1"] } } });
    const { session } = await open(server, { keys: { algorithms: { kex: ["diffie-hellman-group14-sha1"] } } });
    expect(session.alive).toBe(true);
  });

  test("data goes compressed when that is written", async () => {
    const server = await serve({ files: { "/a": "x".repeat(100_000) } });
    const { session } = await open(server, { keys: { algorithms: { compress: ["zlib@openssh.com"] } } });
    expect((await session.stat("/a"))?.size).toBe(100_000);
  });
});

describe("connecting", () => {
  async function plainServer(greeting: string) {
    const server = createServer((socket) => void socket.on("error", () => {}).write(greeting));
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return {
      host: "127.0.0.1",
      port: (server.address() as { port: number }).port,
      user: "anna",
      password: "",
      close: () => server.close(),
    } as const;
  }

  test.each([
    ["another protocol", "220 FTP server ready\r\n", "FERRY_PROTOCOL"],
    ["a web server", "HTTP/1.1 400 Bad Request\r\n\r\n", "FERRY_PROTOCOL"],
  ])("to %s is told with its greeting", async (_what, greeting, code) => {
    const server = await plainServer(greeting);
    expect(await codeOf(open(server, { keys: { timeout: { connect: "300ms" } } }))).toBe(code);
    server.close();
  });

  test("to a server that says nothing ends by timeout.connect", async () => {
    const server = await plainServer("");
    expect(await codeOf(open(server, { keys: { timeout: { connect: "200ms" } } }))).toBe("FERRY_CONNECT_TIMEOUT");
    server.close();
  });

  test("to a port where nobody listens is refused", async () => {
    const server = await plainServer("");
    server.close();
    expect(await codeOf(open(server))).toBe("FERRY_CONNECT_REFUSED");
  });

  test("to a name that does not exist is told as such", async () => {
    expect(await codeOf(open({ host: "no-such-host.invalid", port: 22, user: "a", password: "b" }))).toBe(
      "FERRY_ADDRESS_UNKNOWN",
    );
  });

  test("through what is not supported fails before anybody connects", async () => {
    const server = await serve({});
    expect([await codeOf(open(server, { keys: { jumpHost: "bastion" } })), server.sessions]).toEqual([
      "FERRY_NOT_SUPPORTED",
      0,
    ]);
  });
});

test("a folder that is not there fails the opening", async () => {
  const server = await serve({});
  expect(await codeOf(open(server, { keys: { directory: "/absent" } }))).toBe("FERRY_REMOTE_NOT_FOUND");
});
