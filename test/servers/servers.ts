/**
 * @module All servers of the harbour, and the Debian packages that they come in.
 */
import type { HarbourServer } from "./server.ts";
import { chronyServers } from "./servers/chrony.ts";
import { dhcpServers } from "./servers/dhcp.ts";
import { dnsServers } from "./servers/dns.ts";
import { dovecotServers } from "./servers/dovecot.ts";
import { kamailioServers } from "./servers/kamailio.ts";
import { mariadbServers } from "./servers/mariadb.ts";
import { memcachedServers } from "./servers/memcached.ts";
import { messagingServers } from "./servers/messaging.ts";
import { nginxServers } from "./servers/nginx.ts";
import { opensshServers } from "./servers/openssh.ts";
import { postfixServers } from "./servers/postfix.ts";
import { postgresqlServers } from "./servers/postgresql.ts";
import { rabbitmqServers } from "./servers/rabbitmq.ts";
import { redisServers } from "./servers/redis.ts";
import { remoteDesktopServers } from "./servers/remote-desktops.ts";
import { sambaServers } from "./servers/samba.ts";
import { slapdServers } from "./servers/slapd.ts";
import { vsftpdServers } from "./servers/vsftpd.ts";
import { webServers } from "./servers/web.ts";

/** Those that take longest to start come first. */
export const harbourServers: readonly HarbourServer[] = [
  ...rabbitmqServers,
  ...mariadbServers,
  ...postgresqlServers,
  ...webServers,
  ...vsftpdServers,
  ...opensshServers,
  ...dnsServers,
  ...dhcpServers,
  ...nginxServers,
  ...postfixServers,
  ...dovecotServers,
  ...chronyServers,
  ...sambaServers,
  ...remoteDesktopServers,
  ...redisServers,
  ...memcachedServers,
  ...messagingServers,
  ...slapdServers,
  ...kamailioServers,
];
