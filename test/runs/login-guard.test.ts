import { describe, expect, test } from "vitest";
import { AgentError, asAgentError } from "../../src/base/errors.js";
import { createLoginGuard, type Login } from "../../src/runs/login-guard.js";
import { createFakeClock } from "../support/fake-clock.js";

/** A server that counts logins, and answers when it is told to. */
function stage() {
  const clock = createFakeClock("2026-11-20T02:30:00Z");
  const guard = createLoginGuard(clock);
  const asked: { accept(): void; refuse(): void; lose(): void }[] = [];
  const login = (values: Partial<Login> = {}): Promise<string> =>
    guard
      .login(
        { connection: "bank", credentials: "old", byPerson: false, signal: new AbortController().signal, ...values },
        () => {
          return new Promise<void>((resolve, reject) => {
            asked.push({
              accept: resolve,
              refuse: () =>
                reject(new AgentError("FERRY_LOGIN_REFUSED", "bank refused the login", { cause: "530 no" })),
              lose: () => reject(new AgentError("FERRY_CONNECT_TIMEOUT", "bank does not answer")),
            });
          });
        },
      )
      .then(
        () => "in",
        (error: unknown) => asAgentError(error).message,
      );
  const settle = () => clock.advance(0);
  return { clock, asked, login, settle };
}

const NOT_TRIED = expect.stringContaining("bank: not tried, because the login was refused at 2026-11-20T02:30:00.000Z");

test("of runs that begin together one logs in, and after its refusal none of the others", async () => {
  const { asked, login, settle } = stage();
  const all = Promise.all([1, 2, 3, 4, 5, 6].map(() => login()));
  await settle();
  asked[0]?.refuse();
  expect(await all).toEqual(["bank refused the login", ...Array(5).fill(NOT_TRIED)]);
  expect(asked).toHaveLength(1);
});

test("once a login was accepted, all go in together; other credentials try one after the other again", async () => {
  const { asked, login, settle } = stage();
  const first = [login(), login(), login()];
  await settle();
  const before = asked.length;
  asked[0]?.accept();
  await settle();
  expect([before, asked.length]).toEqual([1, 3]);
  for (const one of asked) one.accept();
  expect(await Promise.all(first)).toEqual(["in", "in", "in"]);
  const known = [login(), login()];
  const others = [login({ credentials: "new" }), login({ credentials: "new" })];
  await settle();
  expect(asked).toHaveLength(6);
  for (const one of asked) one.accept();
  await settle();
  for (const one of asked) one.accept();
  expect(await Promise.all([...known, ...others])).toEqual(["in", "in", "in", "in"]);
});

test("a refusal makes those that follow wait for each other again, when its pause is over", async () => {
  const { clock, asked, login, settle } = stage();
  for (const answer of ["accept", "refuse"] as const) {
    const one = login();
    await settle();
    asked.at(-1)?.[answer]();
    await one;
  }
  expect(await login()).toEqual(NOT_TRIED);
  await clock.advance(600_000);
  void login();
  void login();
  await settle();
  expect(asked).toHaveLength(3);
});

describe("one that waits", () => {
  test("tries when the one before it did not come as far as the login", async () => {
    const { asked, login, settle } = stage();
    const both = [login(), login()];
    await settle();
    asked[0]?.lose();
    await settle();
    asked[1]?.accept();
    expect(await Promise.all(both)).toEqual(["bank does not answer", "in"]);
  });

  test("can be told to end, and hinders nobody then", async () => {
    const { asked, login, settle } = stage();
    const cancel = new AbortController();
    const all = [login(), login({ signal: cancel.signal }), login()];
    await settle();
    cancel.abort(new AgentError("FERRY_CANCELLED", "cancelled by a person"));
    expect(await all[1]).toBe("cancelled by a person");
    asked[0]?.accept();
    await settle();
    asked[1]?.accept();
    expect([await all[0], await all[2], asked.length]).toEqual(["in", "in", 2]);
  });

  test("tries nevertheless when a person wants it", async () => {
    const { asked, login, settle } = stage();
    const both = [login(), login({ byPerson: true })];
    await settle();
    asked[0]?.refuse();
    await settle();
    asked[1]?.accept();
    expect(await Promise.all(both)).toEqual(["bank refused the login", "in"]);
  });
});
