import { describe } from "vitest";
import { changes } from "./session-contract/changes.js";
import { endings } from "./session-contract/endings.js";
import { names } from "./session-contract/names.js";
import { questions } from "./session-contract/questions.js";
import { transfers } from "./session-contract/transfers.js";
import { type ContractOptions, type ContractServer, workshop } from "./session-contract/workshop.js";

export type { ContractOptions, ContractServer } from "./session-contract/workshop.js";

/** Every sentence of RemoteSession, proved. A driver's test file says how to start a server, and that is all. */
export function sessionContract(
  name: string,
  start: () => Promise<ContractServer>,
  options: ContractOptions = {},
): void {
  describe(`the session contract: ${name}`, () => {
    const place = workshop(start);
    transfers(place);
    names(place, options);
    questions(place, options);
    changes(place, options);
    endings(place);
  });
}
