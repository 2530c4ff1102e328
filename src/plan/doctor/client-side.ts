/**
 * @module The asking side is the trouble: a proxy in the environment, or a port that browsers refuse.
 */
import { audienceOf, quoteForShell } from "../../core/index.ts";
import type { Look } from "./finding.ts";
import { advise, run } from "./words.ts";

/** Programs that heed the variables send the request to the proxy, which knows nothing of this machine. */
export const proxyInTheWay: Look = ({ proxy, attempts, asked }) => {
  if (proxy === null) return null;
  const near = attempts.some(({ own, address }) => own || audienceOf(address) !== "internet");
  if (!near && !proxy.nobodyThere) return null;
  const { exceptions } = proxy;
  const host = asked.host ?? "localhost";
  const variable = exceptions?.variable ?? (proxy.variable === proxy.variable.toLowerCase() ? "no_proxy" : "NO_PROXY");
  const value = [exceptions?.value, host].filter((text) => text !== undefined && text !== "").join(",");
  return {
    kind: "proxy",
    sure: proxy.nobodyThere ? "certain" : "likely",
    title: `${proxy.variable} sends requests for ${host} to the proxy ${proxy.proxy}.`,
    evidence: [
      exceptions === null
        ? "NO_PROXY is not set."
        : `${exceptions.variable}=${exceptions.value} does not name ${host}.`,
      proxy.nobodyThere
        ? "Nobody listens at the proxy's port on this machine."
        : "curl and many libraries heed these variables; this diagnosis connected without the proxy.",
    ],
    remedies: [
      run("Leave the proxy out for this host:", `export ${variable}=${quoteForShell(value)}`),
      ...(proxy.nobodyThere ? [advise("Or start the proxy.")] : []),
    ],
  };
};

/** Browsers do not open some ports at all (Fetch standard, "bad port"). */
export const browserRefuses: Look = ({ browserBlocked, asked }) => {
  if (!browserBlocked || (asked.scheme !== "http" && asked.scheme !== "https")) return null;
  return {
    kind: "browser-refuses",
    sure: "likely",
    title: `Browsers refuse to open port ${asked.port}, whoever listens there.`,
    evidence: ["It is on the list of bad ports of the Fetch standard (Chrome says ERR_UNSAFE_PORT)."],
    remedies: [advise("Have the server listen at another port."), run("A free one:", "portolan pick")],
  };
};
