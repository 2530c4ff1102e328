/**
 * @module What this kernel's limits mean for one port: whether the caller may bind it, and whether the kernel hands it out.
 */
import { PortSet, known, type Known, type Port } from "../core/index.ts";
import type { PortLimits } from "../host/host.ts";

/**
 * Whether the calling process has the privilege to bind a port (`inet_port_requires_bind_service` in
 * include/net/ip.h: the port lies below net.ipv4.ip_unprivileged_port_start). Port 0 asks for any free port: always.
 */
export function mayBind(port: Port, limits: PortLimits): Known<boolean> {
  const { unprivilegedPortStart, mayBindPrivileged } = limits;
  if (port === 0) return known(true);
  if (unprivilegedPortStart.known && port >= unprivilegedPortStart.value) return known(true);
  if (mayBindPrivileged.known && mayBindPrivileged.value) return known(true);
  return unprivilegedPortStart.known ? mayBindPrivileged : unprivilegedPortStart;
}

/**
 * Whether the kernel gives this port to programs that name none, so that it may be taken at any moment
 * (net.ipv4.ip_local_port_range, less net.ipv4.ip_local_reserved_ports: ip-sysctl.rst). Reserved ports that are not
 * known count as none.
 */
export function isEphemeral(port: Port, limits: PortLimits): Known<boolean> {
  const { ephemeralRange, reservedPorts } = limits;
  if (!ephemeralRange.known) return ephemeralRange;
  const { first, last } = ephemeralRange.value;
  if (port < first || port > last) return known(false);
  const reserved = reservedPorts.known && reservedPorts.value !== "" && PortSet.parse(reservedPorts.value).has(port);
  return known(!reserved);
}
