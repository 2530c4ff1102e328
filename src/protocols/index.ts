/**
 * @module How services prove themselves: every protocol, one line each.
 */
import type { Protocol } from "./protocol.ts";
import { vnc } from "./vnc.ts";
import { telnet } from "./telnet.ts";
import { sip } from "./sip.ts";
import { ntp } from "./ntp.ts";
import { nats } from "./nats.ts";
import { mqtt } from "./mqtt.ts";
import { mongodb } from "./mongodb.ts";
import { memcached } from "./memcached.ts";
import { ldap } from "./ldap.ts";
import { ftpData } from "./ftp-data.ts";
import { dhcp, dhcpClient } from "./dhcp.ts";
import { amqp } from "./amqp.ts";
import { grpc } from "./grpc.ts";
import { http } from "./http.ts";
import { http2 } from "./http2.ts";
import { ssh } from "./ssh.ts";
import { tls } from "./tls.ts";

export type * from "./protocol.ts";
export { askCautiously } from "./http.ts";
export { Talk, type Reading } from "./talk.ts";

/** Every protocol. */
export const protocols: readonly Protocol[] = [
  ssh,
  http,
  tls,
  http2,
  grpc,
  amqp,
  dhcp,
  dhcpClient,
  ftpData,
  ldap,
  memcached,
  mongodb,
  mqtt,
  nats,
  ntp,
  sip,
  telnet,
  vnc,
];
