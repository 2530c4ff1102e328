/**
 * @module How services prove themselves: every protocol, one line each.
 */
import type { Protocol } from "./protocol.ts";
import { amqp } from "./amqp.ts";
import { dhcp, dhcpClient } from "./dhcp.ts";
import { dns } from "./dns.ts";
import { docker } from "./docker.ts";
import { elasticsearch } from "./elasticsearch.ts";
import { ftpData } from "./ftp-data.ts";
import { ftp } from "./ftp.ts";
import { grpc } from "./grpc.ts";
import { http } from "./http.ts";
import { http2 } from "./http2.ts";
import { imap } from "./imap.ts";
import { kubernetes } from "./kubernetes.ts";
import { ldap } from "./ldap.ts";
import { memcached } from "./memcached.ts";
import { mongodb } from "./mongodb.ts";
import { mqtt } from "./mqtt.ts";
import { mysql } from "./mysql.ts";
import { nats } from "./nats.ts";
import { next } from "./next.ts";
import { ntp } from "./ntp.ts";
import { pop3 } from "./pop3.ts";
import { postgresql } from "./postgresql.ts";
import { prometheusExporter } from "./prometheus-exporter.ts";
import { prometheus } from "./prometheus.ts";
import { proxyProtocol } from "./proxy-protocol.ts";
import { quic } from "./quic.ts";
import { rdp } from "./rdp.ts";
import { redis } from "./redis.ts";
import { sip } from "./sip.ts";
import { smb } from "./smb.ts";
import { smtp } from "./smtp.ts";
import { socks } from "./socks.ts";
import { ssh } from "./ssh.ts";
import { telnet } from "./telnet.ts";
import { tls } from "./tls.ts";
import { vite } from "./vite.ts";
import { vnc } from "./vnc.ts";
import { webpackDevServer } from "./webpack-dev-server.ts";
import { websocket } from "./websocket.ts";
import { wireguard } from "./wireguard.ts";

export type * from "./protocol.ts";
export { askCautiously } from "./http.ts";
export { readProxyHeader, writeProxyHeader, type ProxyEndpoints, type ProxyReading } from "./proxy-header.ts";
export { Talk, type Reading } from "./talk.ts";

/** Every protocol. */
export const protocols: readonly Protocol[] = [
  ssh,
  http,
  tls,
  http2,
  grpc,
  vite,
  webpackDevServer,
  next,
  prometheus,
  prometheusExporter,
  elasticsearch,
  docker,
  kubernetes,
  websocket,
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
  dns,
  pop3,
  imap,
  postgresql,
  mysql,
  redis,
  ftp,
  smtp,
  rdp,
  smb,
  socks,
  proxyProtocol,
  quic,
  wireguard,
];
