import { expect, test } from "vitest";
import { jsonSchema } from "../../src/jobs/json-schema.js";
import { kinds } from "./workspace.js";

test.each(["connections", "job", "settings"] as const)(
  "the JSON Schema of %s describes what a person writes",
  (name) => {
    expect(jsonSchema(name, kinds)).toMatchObject({
      title: `Ferry: ${name}`,
      type: "object",
      additionalProperties: false,
    });
  },
);

test("a task is one of the kinds, with the common keys beside it", () => {
  const schema = jsonSchema("job", kinds) as {
    properties: { tasks: { items: { anyOf: { properties: object; required: string[] }[] } } };
  };
  const branches = schema.properties.tasks.items.anyOf;
  expect(branches.map((branch) => branch.required)).toEqual([["upload"], ["download"], ["compress"], ["exec"]]);
  expect(Object.keys(branches[0]!.properties)).toEqual([
    "id",
    "description",
    "when",
    "forEach",
    "retry",
    "timeout",
    "onError",
    "upload",
  ]);
});
