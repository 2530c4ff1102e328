/**
 * @module The message brokers Mosquitto (MQTT) and NATS.
 */
import { writeCertificate } from "../certificate.ts";
import { launch, writeServerFile } from "../launch.ts";
import type { HarbourServer } from "../server.ts";

function describeMosquitto(
  id: string,
  usualPort: number,
  unusualPort: number,
  kind: "plain" | "websocket" | "tls",
): HarbourServer {
  return {
    id,
    protocol: kind === "websocket" ? "websocket" : "mqtt",
    transports: ["tcp"],
    usualPort,
    unusualPort,
    tls: kind === "tls",
    ...(kind === "websocket" ? { alsoSpeaks: ["http"] } : {}),
    packages: ["mosquitto", "openssl"],
    products: {
      product: /^(?:Eclipse )?Mosquitto$/i,
      // It has no switch for its version alone: its usage begins with it, and its exit status is 3.
      versionCommand: ["mosquitto", "-h"],
      versionPattern: /^mosquitto version (\S+)/m,
    },
    logKinds: /\b(?:error|warning|protocol error|bad|malformed|failed)\b/i,
    async start(options) {
      const { folder, address, port } = options;
      const { certificate, key } = await writeCertificate(folder);
      const configuration = writeServerFile(
        folder,
        "mosquitto.conf",
        [
          "log_dest stderr\nlog_type all\npersistence false\nallow_anonymous false",
          `listener ${port} ${address}`,
          // It refuses to run without a listener for plain MQTT, and would take websockets on all IPv6 addresses.
          ...(kind === "websocket"
            ? ["socket_domain ipv4", "protocol websockets", `listener 0 ${folder}/mqtt.socket`]
            : []),
          ...(kind === "tls" ? [`certfile ${certificate}`, `keyfile ${key}`] : []),
          "",
        ].join("\n"),
      );
      return await launch(options, { program: "mosquitto", words: ["-c", configuration], readyLine: / running$/m });
    },
  };
}

function describeNats(id: string, unusualPort: number, kind: "plain" | "password" | "tls"): HarbourServer {
  return {
    id,
    protocol: "nats",
    transports: ["tcp"],
    usualPort: 4222,
    unusualPort,
    packages: ["nats-server", "openssl"],
    products: {
      product: /^NATS(?: server)?$/i,
      versionCommand: ["nats-server", "-v"],
      versionPattern: /^nats-server: v(\S+)/m,
    },
    logKinds: /\[(?:ERR|WRN|FTL)\]/,
    async start(options) {
      const { certificate, key } = await writeCertificate(options.folder);
      const words = {
        plain: [],
        password: ["--user", "u", "--pass", "p"],
        // It greets in the clear, and wants TLS from the answer on.
        tls: ["--tls", "--tlscert", certificate, "--tlskey", key],
      };
      return await launch(options, {
        program: "nats-server",
        words: ["-a", options.address, "-p", String(options.port), ...words[kind]],
        readyLine: /Server is ready/,
      });
    },
  };
}

export const messagingServers: readonly HarbourServer[] = [
  describeMosquitto("mosquitto", 1883, 1884, "plain"),
  describeMosquitto("mosquitto-websocket", 9001, 9002, "websocket"),
  describeMosquitto("mosquitto-tls", 8883, 8884, "tls"),
  describeNats("nats", 4223, "plain"),
  describeNats("nats-password", 4224, "password"),
  describeNats("nats-tls", 4225, "tls"),
];
