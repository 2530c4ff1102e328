/**
 * @module The way there is the trouble: an interface that is down, no route, another network, nobody at the address, a refusal far away.
 */
import {
  audienceOf,
  isLoopbackAddress,
  isLinkLocalAddress,
  knownOr,
  networkOf,
  quoteForShell,
} from "../../core/index.ts";
import type { NetworkInterface } from "../../host/index.ts";
import type { Attempt, DoctorFacts } from "./facts.ts";
import type { Finding, Look, Remedy } from "./finding.ts";
import { advise, doctorCommand, isOpen, joinWords, nameOf, placeAt, run, servicesAsked } from "./words.ts";

/** The interface that has the address, or the network around it, is down. */
export const interfaceDown: Look = (facts) => {
  for (const { address, own } of facts.attempts) {
    const carriers = facts.interfaces.filter((one) => (own ? has(one, address) : reaches(one, address)));
    const down = carriers.find(({ up }) => up.known && !up.value);
    if (down === undefined || carriers.some(({ up }) => knownOr(up, true))) continue;
    // Of an interface that is switched off the kernel's tables tell the address, and not whose it is (/proc/net/fib_trie).
    const others = facts.interfaces.filter(
      ({ up, name, loopback }) => up.known && !up.value && name !== down.name && !loopback,
    );
    return {
      kind: "interface-down",
      sure: others.length === 0 || down.loopback ? "certain" : "likely",
      title: `The network interface ${down.name}, ${own ? `which has ${address}` : `through which ${address} is reached`}, is down.`,
      evidence: [
        `The kernel says that ${down.name} is down or carries no signal.`,
        ...(others.length === 0 ? [] : [`So it says of ${joinWords(others.map(({ name }) => name))}.`]),
        ...(own && !isLoopbackAddress(address)
          ? ["This machine itself still reaches the address, and nobody else does."]
          : []),
      ],
      remedies: [
        run("Switch it on:", `sudo ip link set ${quoteForShell(down.name)} up`),
        ...(down.loopback ? [] : [advise("Or plug in its cable, or join its wireless network.")]),
      ],
    };
  }
  return null;
};

function has({ addresses, loopback }: NetworkInterface, address: string): boolean {
  return addresses.some((one) => one.address === address) || (loopback && isLoopbackAddress(address));
}

function reaches({ addresses, loopback }: NetworkInterface, address: string): boolean {
  const family = address.includes(":") ? "ipv6" : "ipv4";
  return (
    !loopback &&
    addresses.some(
      (one) =>
        one.family === family && networkOf(address, one.prefixLength) === networkOf(one.address, one.prefixLength),
    )
  );
}

/** The way to another machine: each case tells what the try to connect showed. */
export const unreachable: Look = (facts) => {
  const { attempts, interfaces } = facts;
  if (attempts.length === 0 || isOpen(facts)) return null;
  const attempt = attempts.find(({ own }) => !own);
  if (attempt === undefined || attempts.some(({ own }) => own)) return null;
  const { outcome, address } = attempt;
  if (outcome === "ECONNREFUSED") return remoteRefuses(facts, attempt);
  if (interfaces.some((one) => reaches(one, address))) {
    const answered = facts.neighbours.known && facts.neighbours.value.includes(address);
    return answered ? remoteSilent(facts, attempt) : nobodyThere(facts, attempt);
  }
  if (outcome === "ENETUNREACH" || !hasRoute(facts, attempt)) return noRoute(facts, attempt);
  if (audienceOf(address) === "private-network") return wrongNetwork(facts, attempt);
  return remoteSilent(facts, attempt);
};

function hasRoute({ routes }: DoctorFacts, { address, family }: Attempt): boolean {
  if (!routes.known) return true;
  return routes.value.some((route) => {
    if (route.family !== family || route.rejects) return false;
    const length = Number(route.network.split("/")[1]);
    return networkOf(address, length) === route.network;
  });
}

function ownNetworks({ interfaces }: DoctorFacts, family: string): string[] {
  return interfaces.flatMap(({ loopback, name, addresses }) =>
    loopback
      ? []
      : addresses
          .filter((one) => one.family === family && !isLinkLocalAddress(one.address))
          .map(({ address, prefixLength }) => `${address}/${prefixLength} on ${name}`),
  );
}

function whereWeAre(facts: DoctorFacts, { family }: Attempt): string {
  const networks = ownNetworks(facts, family);
  const version = family === "ipv4" ? "IPv4" : "IPv6";
  return networks.length === 0
    ? `This machine has no ${version} address but loopback.`
    : `This machine has ${joinWords(networks)}.`;
}

function noRoute(facts: DoctorFacts, attempt: Attempt): Finding {
  return {
    kind: "no-route",
    sure: "certain",
    title: `This machine has no route to ${attempt.address}.`,
    evidence: [`The kernel answers ${attempt.outcome}.`, whereWeAre(facts, attempt)],
    remedies: [
      ...ownInstead(facts, attempt),
      advise("Join the network in which that address is, or the VPN that leads there."),
    ],
  };
}

function wrongNetwork(facts: DoctorFacts, attempt: Attempt): Finding {
  return {
    kind: "wrong-network",
    sure: "likely",
    title: `${attempt.address} is in a private network in which this machine is not.`,
    evidence: [
      whereWeAre(facts, attempt),
      failure(attempt),
      "Only the default route leads there, and routers of the Internet do not know private networks.",
    ],
    remedies: [
      ...ownInstead(facts, attempt),
      advise("Join the network in which that address is, or the VPN that leads there."),
    ],
  };
}

function nobodyThere(facts: DoctorFacts, attempt: Attempt): Finding {
  return {
    kind: "nobody-at-address",
    sure: attempt.outcome === "EHOSTUNREACH" ? "certain" : "likely",
    title: `Nobody in this machine's network answers for ${attempt.address}.`,
    evidence: [failure(attempt), whereWeAre(facts, attempt)],
    remedies: [
      ...ownInstead(facts, attempt),
      advise("Look whether that device is on, and which address it has now: they change."),
    ],
  };
}

/** The server is on this machine, which once may have had that address. */
function ownInstead(facts: DoctorFacts, { family }: Attempt): Remedy[] {
  const { asked, interfaces } = facts;
  const here = servicesAsked(facts)[0];
  if (here === undefined) return [];
  const own = interfaces.flatMap(({ loopback, addresses, up }) =>
    loopback || !knownOr(up, true)
      ? []
      : addresses.filter((one) => one.family === family && !isLinkLocalAddress(one.address)),
  )[0];
  return [
    run(
      `${nameOf(here)} is on this machine; open it at an address of this machine:`,
      placeAt(asked, own?.address ?? "localhost", asked.port),
    ),
  ];
}

function failure({ outcome, elapsedMs }: Attempt): string {
  return outcome === "ETIMEDOUT" ? `No answer came within ${elapsedMs} ms.` : `The kernel answers ${outcome}.`;
}

function remoteRefuses({ asked }: DoctorFacts, { address }: Attempt): Finding {
  return {
    kind: "remote-refuses",
    sure: "certain",
    title: `${address} is there and refuses: nobody listens at port ${asked.port} for this address, or a firewall rejects.`,
    evidence: ["It answered ECONNREFUSED."],
    remedies: [
      run("Ask on that machine itself:", doctorCommand(asked)),
      run("Or see what is open there:", `portolan scan ${address}`),
    ],
  };
}

function remoteSilent({ asked, neighbours }: DoctorFacts, attempt: Attempt): Finding {
  const { address } = attempt;
  const there = neighbours.known && neighbours.value.includes(address);
  return {
    kind: "remote-silent",
    sure: there ? "likely" : "possible",
    title: there
      ? `${address} is there and gives no answer at port ${asked.port}: its firewall drops what comes.`
      : `${address} gives no answer at port ${asked.port}: it is off, or a firewall on the way or there drops what comes.`,
    evidence: [failure(attempt), ...(there ? ["The device has answered to ARP, so it is on."] : [])],
    remedies: [run("Ask on that machine itself:", doctorCommand(asked))],
  };
}
