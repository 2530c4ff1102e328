import { test } from "vitest";
import { startShareServers, shareClients } from "./share-cases.ts";
import { startSplitter } from "../support/splitter.ts";
import { readShareWords } from "../../src/operations/share-wish.ts";
import { createDemultiplexer } from "../../src/gateway/relay/index.ts";
import { startTcpRelay } from "../../src/gateway/relay/tcp-relay.ts";
import { RelayHub } from "../../src/gateway/relay/relay-hub.ts";
test("through", async () => {
  const s = await startShareServers();
  const p = s.places;
  const protocols = new Map([["ssh", [p.ssh]], ["http", [p.http]], ["tls", [p.tls, `app.localhost=${p.namedTls}`]], ["http2", [p.http2]], ["postgres", [p.postgresql]], ["redis", [p.redis]], ["mqtt", [p.mqtt]], ["smtp", [p.smtp]]]);
  const hub = new RelayHub();
  hub.listen((t) => { console.log(JSON.stringify(t.reason), t.target, t.failure); });
  const start = async (acceptProxy: boolean, port: number) => {
    const { wish, notes } = readShareWords({ listen: `${s.address}:${port}`, protocols, name: [`app.localhost=${p.named}`], alpn: [`h2=${p.offered}`], wait: "500ms" });
    console.log(notes);
    const whole = { ...wish, acceptProxy, idleMs: null, mostConnections: 5000, mostToTarget: 5000 };
    return startTcpRelay(whole, createDemultiplexer(whole), hub);
  };
  const a = await start(false, 4443); const b = await start(true, 4444);
  const split = await startSplitter({ address: s.address, port: 4443, oneByOne: 600 });
  const told = await startSplitter({ address: s.address, port: 4444, oneByOne: 600, header: Buffer.from("PROXY TCP4 192.0.2.1 192.0.2.2 1234 443\r\n") });
  for (const [mode, port] of [["direct", 4443], ["split", split.port], ["proxy", told.port]] as const) {
    const t = performance.now();
    const texts = await Promise.all(shareClients.map((c) => c.run({ address: s.address, port, folder: s.folder })));
    shareClients.forEach((c, i) => { if (!c.expected.test(texts[i]!)) console.log(mode, c.title, texts[i]); });
    console.log(mode, Math.round(performance.now() - t));
  }
  split.close(); told.close();
  await a.close({ drainMs: 0 }); await b.close({ drainMs: 0 });
  await s.stop();
}, 100000);
