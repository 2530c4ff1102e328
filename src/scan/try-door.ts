/**
 * @module One careful try at one TCP door: one connection, one question in the words that the caller names, and what came of it.
 */
import type { IncomingMessage } from "node:http";
import { request as sendRequest } from "node:http";
import { connect, isIP, type Socket } from "node:net";
import { connect as startTls, type PeerCertificate, type TLSSocket } from "node:tls";

/** Beginning of a body that is kept, bytes. */
const keptBody = 4096;
/** Time for the name in a certificate, characters. */
const longestText = 200;

/** A certificate as it was shown, with the verdict of a client that checks it. */
export interface CertificateShown {
  /** Node's code, e.g. `CERT_HAS_EXPIRED`; `null` when it is fine. */
  readonly problem: string | null;
  readonly subject: string;
  readonly issuer: string;
  readonly names: readonly string[];
  readonly validFrom: string;
  readonly validTo: string;
}

/** What to try. */
export interface DoorQuestion {
  readonly address: string;
  /** Interface for a link-local address; `null` for none. */
  readonly zone: string | null;
  readonly port: number;
  /** `none`: open the connection, and wait a moment whether it is taken in. */
  readonly speak: "http" | "https" | "none";
  /** Name or address that the server is asked for. */
  readonly host: string;
  readonly path: string;
  /** Certificates that are trusted, PEM. */
  readonly trusted: readonly string[];
  readonly connectTimeoutMs: number;
  readonly answerTimeoutMs: number;
  readonly signal: AbortSignal;
  /**
   * Called while the connection is there, or was not answered: to look at it from outside.
   * @param localPort its own end; `null` when there is no connection
   */
  readonly look: (localPort: number | null, reason: "connected" | "silent" | "unanswered") => Promise<void>;
}

/** What came of it. */
export interface DoorOutcome {
  /** `open`, or the code of the failure: `ECONNREFUSED`, `ETIMEDOUT`, … */
  readonly outcome: string;
  readonly elapsedMs: number;
  /** `null` when the door did not open. */
  readonly said: {
    readonly answered: boolean;
    readonly status: number | null;
    readonly bodyStart: string | null;
    /** `SILENT` when nothing came in time, else the code of the failure. */
    readonly failure: string | null;
    readonly certificate: CertificateShown | null;
  } | null;
}

type Said = NonNullable<DoorOutcome["said"]>;
const nothingSaid: Said = { answered: false, status: null, bodyStart: null, failure: null, certificate: null };

/** Tries it. Never rejects for what the other side does. */
export async function tryDoor(question: DoorQuestion): Promise<DoorOutcome> {
  const startedMs = performance.now();
  const elapsed = (): number => Math.round(performance.now() - startedMs);
  const opened = await open(question);
  if (typeof opened === "string") {
    const elapsedMs = elapsed();
    if (opened === "ETIMEDOUT") await question.look(null, "unanswered");
    return { outcome: opened, elapsedMs, said: null };
  }
  const socket = opened;
  // Whatever comes later, nobody is to be surprised by it.
  socket.on("error", () => undefined);
  try {
    await question.look(socket.localPort ?? null, "connected");
    if (question.speak === "none") return { outcome: "open", elapsedMs: elapsed(), said: null };
    const said = await converse(socket, question);
    const elapsedMs = elapsed();
    if (said.failure === "SILENT") await question.look(socket.localPort ?? null, "silent");
    return { outcome: "open", elapsedMs, said };
  } finally {
    socket.destroy();
  }
}

function open({ address, zone, port, connectTimeoutMs, signal }: DoorQuestion): Promise<Socket | string> {
  return new Promise((resolve) => {
    const host = zone === null ? address : `${address}%${zone}`;
    const socket = connect({ host, port, autoSelectFamily: false });
    const timer = setTimeout(() => finish("ETIMEDOUT"), connectTimeoutMs);
    const onAbort = (): void => finish("ABORT_ERR");
    signal.addEventListener("abort", onAbort, { once: true });
    function finish(outcome: Socket | string): void {
      clearTimeout(timer);
      signal.removeEventListener("abort", onAbort);
      if (typeof outcome === "string") socket.on("error", () => undefined).destroy();
      resolve(outcome);
    }
    socket.once("connect", () => finish(socket));
    socket.once("error", (error: NodeJS.ErrnoException) => finish(error.code ?? error.message));
  });
}

async function converse(socket: Socket, question: DoorQuestion): Promise<Said> {
  const deadline = AbortSignal.any([question.signal, AbortSignal.timeout(question.answerTimeoutMs)]);
  if (question.speak === "http") return await askForPage(socket, question, deadline);
  const secured = await secure(socket, question, deadline);
  if (typeof secured === "string") return { ...nothingSaid, failure: secured };
  const certificate = describeCertificate(secured);
  secured.on("error", () => undefined);
  return { ...(await askForPage(secured, question, deadline)), certificate };
}

function secure(socket: Socket, { host, trusted }: DoorQuestion, deadline: AbortSignal): Promise<TLSSocket | string> {
  return new Promise((resolve) => {
    const tls = startTls({
      socket,
      host,
      ...(isIP(host) === 0 ? { servername: host } : {}),
      ca: [...trusted],
      // What a client that checks would say is read from the connection itself.
      rejectUnauthorized: false,
      ALPNProtocols: ["http/1.1"],
    });
    const fail = (code: string): void => {
      tls.destroy();
      resolve(code);
    };
    // The connection stays, to be looked at.
    deadline.addEventListener("abort", () => resolve("SILENT"), { once: true });
    tls.once("secureConnect", () => resolve(tls));
    tls.on("error", (error: NodeJS.ErrnoException) => fail(error.code ?? error.message));
    tls.once("close", () => fail("ECONNRESET"));
  });
}

function describeCertificate(tls: TLSSocket): CertificateShown | null {
  const certificate = tls.getPeerCertificate() as Partial<PeerCertificate>;
  if (certificate.subject === undefined) return null;
  const problem = tls.authorized ? null : String(tls.authorizationError);
  const { valid_from: validFrom = "", valid_to: validTo = "", subjectaltname = "" } = certificate;
  return {
    problem,
    subject: nameIn(certificate.subject),
    issuer: nameIn(certificate.issuer),
    names:
      subjectaltname === "" ? [] : subjectaltname.split(", ").map((name) => name.replace(/^(?:DNS|IP Address):/, "")),
    validFrom,
    validTo,
  };
}

function nameIn(certificate: Readonly<Record<string, unknown>> | undefined): string {
  const { CN, O } = certificate ?? {};
  const name = CN ?? O;
  return (typeof name === "string" ? name : "?").slice(0, longestText);
}

function askForPage(socket: Socket, { host, port, path, speak }: DoorQuestion, deadline: AbortSignal): Promise<Said> {
  return new Promise((resolve) => {
    const usual = speak === "https" ? 443 : 80;
    const authority = `${isIP(host) === 6 ? `[${host}]` : host}${port === usual ? "" : `:${port}`}`;
    const request = sendRequest({
      createConnection: () => socket,
      method: "GET",
      path: path === "" ? "/" : path,
      headers: { host: authority, accept: "*/*", connection: "close" },
    });
    const finish = (said: Partial<Said>): void => {
      deadline.removeEventListener("abort", onDeadline);
      resolve({ ...nothingSaid, ...said });
      request.destroy();
    };
    // The connection stays, to be looked at.
    const onDeadline = (): void => resolve({ ...nothingSaid, failure: "SILENT" });
    deadline.addEventListener("abort", onDeadline, { once: true });
    if (deadline.aborted) onDeadline();
    request.on("error", (error: NodeJS.ErrnoException) => finish({ failure: error.code ?? error.name }));
    request.once("upgrade", (response: IncomingMessage) =>
      finish({ answered: true, status: response.statusCode ?? 0 }),
    );
    request.once("response", (response: IncomingMessage) => {
      const status = response.statusCode ?? 0;
      let body = "";
      const done = (): void => finish({ answered: true, status, bodyStart: body.slice(0, keptBody) });
      response.setEncoding("utf8");
      response.on("data", (text: string) => {
        body += text;
        if (body.length >= keptBody) done();
      });
      response.once("end", done);
      response.once("error", done);
      // Who has sent a head has answered; of a body without end a beginning is enough.
      deadline.removeEventListener("abort", onDeadline);
      deadline.addEventListener("abort", done, { once: true });
    });
    request.end();
  });
}
