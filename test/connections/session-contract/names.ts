import { existsSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { awkwardNames, bufferSink, contents, sha256, source } from "./material.js";
import { type ContractOptions, codeOf, type Workshop } from "./workshop.js";

export function names(place: Workshop, options: ContractOptions): void {
  const refused = new Set(options.refusesNames ?? []);
  test.each(awkwardNames.filter(({ name }) => !refused.has(name)))(
    "the name with $what lives a whole life",
    async ({ name }) => {
      const { remote, path, disk } = await place.folder();
      const bytes = contents(1234);
      const final = `${path}/${name}`;
      await remote.upload(source(bytes), `${path}/plain`);
      await remote.rename(`${path}/plain`, final);
      const listed = (await remote.list(path)).map((entry) => entry.name);
      const stat = await remote.stat(final);
      const sink = bufferSink();
      await remote.download(final, sink);
      await remote.upload(source(bytes), final);
      const onDisk = existsSync(join(disk, name));
      await remote.remove(final);
      expect({
        listed,
        stat: { name: stat?.name, size: stat?.size, type: stat?.type },
        back: sha256(sink.bytes()),
        onDisk,
        left: await remote.list(path),
      }).toEqual({
        listed: [name],
        stat: { name, size: 1234, type: "file" },
        back: sha256(bytes),
        onDisk: true,
        left: [],
      });
    },
  );

  test("a folder with an awkward name is listed, and not taken for a pattern or an option", async () => {
    const { remote, path } = await place.folder();
    const folder = `${path}/-a [b] 'c' #1`;
    await remote.makeDirectory(folder);
    await remote.upload(source(Buffer.from("x")), `${folder}/in it`);
    expect((await remote.list(folder)).map(({ name, type, size }) => ({ name, type, size }))).toEqual([
      { name: "in it", type: "file", size: 1 },
    ]);
  });

  test.each(["up\nDELE other", "up\r\nx", "nul\0", ""])("the path %j is never sent", async (bad) => {
    const remote = await place.session();
    expect(await codeOf(remote.remove(bad))).toBe("FERRY_NAME_REFUSED");
    expect(await codeOf(remote.upload(source(Buffer.from("x")), bad))).toBe("FERRY_NAME_REFUSED");
  });
}
