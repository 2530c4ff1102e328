/**
 * @module The lesson of `portolan learn`, told on the building with this machine's own doors.
 */
import type { ListedService } from "../../../src/operations/schemas.ts";
import { apartmentOf, floorOf } from "../building/geometry.ts";
import { nameOf } from "../building/tenants.ts";
import { countOf } from "../text/figures.ts";

/** One chapter. */
export interface Chapter {
  readonly title: string;
  readonly text: readonly string[];
  /** Ports at which the building points. */
  readonly ports: readonly number[];
}

/** The chapters, with what listens now in them. */
export function chaptersOf(services: readonly ListedService[]): readonly Chapter[] {
  const ports = [...new Set(services.map(({ port }) => port))];
  const example = services.find(({ urls }) => urls.length > 0) ?? services[0];
  const shared = services.filter(({ reach }) => reach.scope !== "nowhere");
  const inside = services.find(({ reach }) => reach.scope === "machine");
  const outside = services.find(({ reach }) => reach.scope === "networks" || reach.scope === "everywhere");
  return [
    {
      title: "One building, 65,536 doors",
      text: [
        "An IP address is a street address: it finds the device. It does not say which program on the device is meant.",
        "The port does. It is a number from 0 to 65535, an apartment number. Every device has all of them: here they are, 256 floors of 256 apartments.",
        `On this machine somebody lives behind ${countOf(ports.length, "door")} now. All the others are dark: what is sent to them is turned away.`,
      ],
      ports: [],
    },
    {
      title: "Who lives behind a door",
      text:
        example === undefined
          ? ["Nobody listens here yet. Start a server and its window lights up."]
          : [
              `Port ${example.port} is floor ${floorOf(example.port)}, apartment ${apartmentOf(example.port)}. ${nameOf(example)} lives there: a program asked the kernel for this number and listens.`,
              "As long as it listens nobody else gets the number: who tries is told EADDRINUSE, address already in use.",
            ],
      ports: example === undefined ? [] : [example.port],
    },
    {
      title: "Many programs, one address",
      text: [
        `Without ports this machine could run one network program. With them ${countOf(shared.length, "service")} live at the same address side by side.`,
        shared
          .slice(0, 4)
          .map(({ port, localUrl }) => localUrl ?? `port ${port}`)
          .join(", "),
      ].filter((line) => line !== ""),
      ports: shared.slice(0, 12).map(({ port }) => port),
    },
    {
      title: "The ground floors: well-known ports",
      text: [
        "The four lowest floors, 0 to 1023, are for services that everybody must find: 22 SSH, 25 mail, 53 names, 80 and 443 the web.",
        "On most systems a program needs a privilege to live there, so that no visitor can pass for the mail server.",
      ],
      ports: [22, 25, 53, 80, 443],
    },
    {
      title: "188 floors of registered ports",
      text: [
        "From 1024 to 49151 anybody may listen. IANA keeps a register of who asked for which number: 3306 MySQL, 5432 PostgreSQL, 8080 for the second web server.",
        "A name in the register is only a habit. What really lives there is proved by talking to it.",
      ],
      ports: [3306, 5432, 8080],
    },
    {
      title: "The top: dynamic ports",
      text: [
        "From 49152 on nobody is registered. Clients get a number for the length of one connection, so that answers find their way back. Many systems begin lower: Linux at 32768.",
        "That is why two tabs of one browser can talk to the same server: their ports differ.",
      ],
      ports: [49_152, 65_535],
    },
    {
      title: "Who can knock",
      text: [
        inside === undefined
          ? "A program that listens at 127.0.0.1 opens its door to the inner yard only: programs on this machine."
          : `Port ${inside.port} listens on the loopback: only programs on this machine reach it, and no phone in the same Wi-Fi.`,
        outside === undefined
          ? "Who wants other devices in listens at 0.0.0.0 or at the address of a network."
          : `Port ${outside.port} listens on more: other devices on the network can knock there.`,
        "The view Streets shows which doors open on to which network.",
      ],
      ports: [inside, outside].flatMap((service) => (service === undefined ? [] : [service.port])),
    },
  ];
}
