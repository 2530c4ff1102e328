/**
 * @module The door opens, and behind it another language is spoken than was asked for, or none.
 */
import type { Attempt, DoctorFacts, Exchange } from "./facts.ts";
import type { Look } from "./finding.ts";
import { advise, doctorCommand, nameOf, placeAt, run, servicesAsked } from "./words.ts";

const plainSchemes: ReadonlySet<string> = new Set(["http", "ws"]);
const secureSchemes: ReadonlySet<string> = new Set(["https", "wss"]);

/** What servers of TLS say in plain text: nginx, Go's net/http, Apache. */
const secureComplaint = /sent (?:an?|a plain) HTTP request to (?:an )?HTTPS|speaking plain HTTP to an SSL/i;

interface Said {
  readonly attempt: Attempt;
  readonly exchange: Exchange;
}

/** The first door that opened, when none was answered as asked. */
function failedExchange({ attempts }: DoctorFacts): Said | null {
  if (attempts.some(({ exchange }) => exchange?.answered === true)) return null;
  for (const attempt of attempts) if (attempt.exchange !== null) return { attempt, exchange: attempt.exchange };
  return null;
}

/** `http:` where TLS is spoken. */
export const tlsExpected: Look = (facts) => {
  const { asked, attempts } = facts;
  if (asked.scheme === null || !plainSchemes.has(asked.scheme)) return null;
  const complaining = attempts.find(({ exchange }) => secureComplaint.test(exchange?.bodyStart ?? ""));
  const failed = failedExchange(facts);
  const secure = failed?.exchange.identified?.[0]?.protocol === "tls";
  if (complaining === undefined && !secure) return null;
  const scheme = asked.scheme === "ws" ? "wss" : "https";
  return {
    kind: "tls-expected",
    sure: "certain",
    title: `Port ${asked.port} speaks TLS, and it was asked in plain ${asked.scheme === "ws" ? "WebSocket" : "HTTP"}.`,
    evidence: [
      complaining === undefined
        ? `Asked by HTTP it answers ${failed?.exchange.failure ?? "otherwise"}; a TLS handshake succeeds.`
        : `It answers: ${(complaining.exchange?.bodyStart ?? "")
            .replaceAll(/<[^>]*>/g, " ")
            .replaceAll(/\s+/g, " ")
            .trim()
            .slice(0, 160)}`,
    ],
    remedies: [run("Open:", placeAt(asked, asked.host ?? "localhost", asked.port, scheme))],
  };
};

/** `https:` where plain HTTP is spoken. */
export const tlsNotSpoken: Look = (facts) => {
  const { asked } = facts;
  const failed = failedExchange(facts);
  if (asked.scheme === null || !secureSchemes.has(asked.scheme) || failed === null) return null;
  const layers = failed.exchange.identified ?? [];
  if (
    failed.exchange.certificate !== null ||
    !layers.some(({ protocol }) => protocol === "http") ||
    layers[0]?.protocol === "tls"
  )
    return null;
  const scheme = asked.scheme === "wss" ? "ws" : "http";
  return {
    kind: "tls-not-spoken",
    sure: "certain",
    title: `Port ${asked.port} speaks plain HTTP, and it was asked by TLS.`,
    evidence: [`The TLS handshake fails (${failed.exchange.failure ?? "?"}); a plain HTTP request is answered.`],
    remedies: [
      run("Open:", placeAt(asked, asked.host ?? "localhost", asked.port, scheme)),
      run("Or give the server a name with HTTPS by Portolan's gateway:", `portolan route add NAME ${asked.port}`),
    ],
  };
};

/** Another protocol altogether. */
export const wrongProtocol: Look = (facts) => {
  const { asked } = facts;
  const failed = failedExchange(facts);
  const layers = failed?.exchange.identified ?? [];
  if (asked.scheme === null || failed === null || layers.length === 0) return null;
  const web = plainSchemes.has(asked.scheme) || secureSchemes.has(asked.scheme);
  if (web && layers.some(({ protocol }) => protocol === "http" || protocol === "tls")) return null;
  const titles = [...new Set(layers.map(({ title }) => title))].join(" over ");
  return {
    kind: "wrong-protocol",
    sure: "certain",
    title: `Port ${asked.port} speaks ${titles}, not ${asked.scheme.toUpperCase()}.`,
    evidence: [
      ...servicesAsked(facts).map((service) => `${nameOf(service)} listens there.`),
      `Asked by ${asked.scheme.toUpperCase()}: ${failed.exchange.failure ?? "no answer of that kind"}. Asked what it is, it proves to be ${titles}.`,
    ],
    remedies: [
      advise(`Use a client of ${titles}, or the port of the web server that was meant.`),
      run("See what else listens:", "portolan list"),
    ],
  };
};

/** It hangs up. */
export const connectionReset: Look = (facts) => {
  const { asked } = facts;
  const failed = failedExchange(facts);
  if (failed === null || failed.exchange.failure === null || failed.exchange.failure === "SILENT") return null;
  if ((failed.exchange.identified ?? []).length > 0 || (failed.exchange.certificate?.problem ?? null) !== null)
    return null;
  const service = servicesAsked(facts)[0];
  const who = service === undefined ? "Whoever listens there" : nameOf(service);
  return {
    kind: "connection-reset",
    sure: "likely",
    title: `${who} takes the connection at port ${asked.port} and ends it without an answer.`,
    evidence: [`${failed.attempt.address}: the connection opened, then ${failed.exchange.failure}.`],
    remedies: [
      advise("Its log says why: it fails on each request, refuses this address, or expects another protocol."),
      run("See what it is:", `portolan who ${asked.port}`),
    ],
  };
};

/** It took the connection in, and says nothing. */
export const noAnswer: Look = (facts) => {
  const { asked } = facts;
  const failed = failedExchange(facts);
  if (failed === null || failed.exchange.failure !== "SILENT" || failed.exchange.waitedInQueue === true) return null;
  const service = servicesAsked(facts)[0];
  const who = service === undefined ? "Whoever listens there" : nameOf(service);
  return {
    kind: "no-answer",
    sure: "likely",
    title: `${who} takes the connection at port ${asked.port} and does not answer.`,
    evidence: [`No byte came within ${failed.attempt.elapsedMs} ms after the request.`],
    remedies: [
      advise("It may still be starting or compiling, or wait for something of its own, such as a database."),
      run("Wait longer:", doctorCommand(asked, " --timeout 30s")),
    ],
  };
};

interface HostCheck {
  readonly pattern: RegExp;
  readonly program: string;
  readonly setting: (host: string) => string;
}

/** How programs refuse a name that they were not told of. */
const hostChecks: readonly HostCheck[] = [
  {
    pattern: /This host \(.*\) is not allowed|Blocked request\. This host/,
    program: "Vite",
    setting: (host) => `server: { allowedHosts: [${JSON.stringify(host)}] }`,
  },
  {
    pattern: /Invalid Host(?:\/Origin)? header/i,
    program: "webpack dev server",
    setting: (host) => `devServer: { allowedHosts: [${JSON.stringify(host)}] }`,
  },
  {
    pattern: /DisallowedHost|Invalid HTTP_HOST header/,
    program: "Django",
    setting: (host) => `ALLOWED_HOSTS = [${JSON.stringify(host)}]`,
  },
  { pattern: /Blocked hosts?: /, program: "Rails", setting: (host) => `config.hosts << ${JSON.stringify(host)}` },
];

/** The server answers, and refuses the name. */
export const hostNotAllowed: Look = (facts) => {
  const { asked, attempts } = facts;
  for (const { exchange } of attempts) {
    const { status = null, bodyStart = null } = exchange ?? {};
    if (status === null || bodyStart === null || (status !== 400 && status !== 403)) continue;
    const check = hostChecks.find(({ pattern }) => pattern.test(bodyStart));
    if (check === undefined) continue;
    const host = asked.host ?? "localhost";
    return {
      kind: "host-not-allowed",
      sure: "certain",
      title: `${check.program} answers, and refuses the name ${host}.`,
      evidence: [`It answers ${status}: ${bodyStart.replaceAll(/\s+/g, " ").trim().slice(0, 160)}`],
      remedies: [run(`Tell ${check.program} that the name is wanted:`, check.setting(host))],
    };
  }
  return null;
};
