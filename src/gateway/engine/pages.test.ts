import { expect, test } from "vitest";
import { unknownPage } from "./pages.ts";
import { writeText } from "./page-writing.ts";

const textOf = (host: string): string => writeText(unknownPage(host, [], (name) => `http://${name}/`));

test("an unknown name comes with commands to copy, one that a shell would act on does not", () => {
  expect(textOf("shop.localhost")).toContain("portolan run shop -- npm run dev");
  for (const host of [
    "$(reboot).localhost",
    "a;reboot.localhost",
    "`reboot`.localhost",
    "a&b.localhost",
    "%24.localhost",
  ])
    expect(textOf(host)).not.toContain("portolan run");
});
