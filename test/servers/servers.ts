/**
 * @module All servers of the harbour, and the Debian packages that they come in.
 */
import type { HarbourServer } from "./server.ts";
import { dnsServers } from "./servers/dns.ts";
import { memcachedServers } from "./servers/memcached.ts";
import { messagingServers } from "./servers/messaging.ts";
import { nginxServers } from "./servers/nginx.ts";
import { opensshServers } from "./servers/openssh.ts";
import { redisServers } from "./servers/redis.ts";
import { vsftpdServers } from "./servers/vsftpd.ts";

export const harbourServers: readonly HarbourServer[] = [
  ...vsftpdServers,
  ...opensshServers,
  ...dnsServers,
  ...nginxServers,
  ...redisServers,
  ...memcachedServers,
  ...messagingServers,
];
