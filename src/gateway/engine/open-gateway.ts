/**
 * @module The gateway as an operation opens it: listening, told of, until it is asked to end.
 */
import type { GatewayReady } from "../gateway-wish.ts";
import { notifyReady } from "./notify-ready.ts";
import { serveGateway, type ServeOptions } from "./serve.ts";

/** Serves until the signal aborts or it is asked to end. @throws GATEWAY_FAILED, LISTEN_FAILED, STORE_FAILED */
export async function* openGateway(options: Omit<ServeOptions, "inherited">): AsyncGenerator<GatewayReady, void, void> {
  const gateway = await serveGateway({ ...options, inherited: inheritedDescriptors(options.environment) });
  const { listeners, notes } = gateway.status();
  await notifyReady(options.environment);
  yield { listeners, notes };
  await gateway.ended;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** SD_LISTEN_FDS_START (sd_listen_fds(3)). */
const firstDescriptor = 3;

/** Sockets that whoever started this process has opened for it: systemd, or the gateway before this one. */
function inheritedDescriptors(environment: Environment): { readonly http: number[]; readonly https: number[] } {
  const inherited = { http: [] as number[], https: [] as number[] };
  const count = Number(environment["LISTEN_FDS"] ?? 0);
  const meant = environment["LISTEN_PID"];
  if (!Number.isInteger(count) || count < 1 || count > 64) return inherited;
  if (meant !== undefined && Number(meant) !== process.pid) return inherited;
  const names = (environment["LISTEN_FDNAMES"] ?? "").split(":");
  for (let index = 0; index < count; index++)
    inherited[names[index] === "https" ? "https" : "http"].push(firstDescriptor + index);
  return inherited;
}
