/**
 * @module A server whose side of each conversation is chaotic, in a process of its own that can be killed.
 *
 * Usage: node chaos-server.cjs ADDRESS PORT SEED FIRST. Prints a line of JSON when it listens, `{ port }`, and one for each conversation that is over.
 */
import { createServer, type AddressInfo } from "node:net";
import { drawPlan, seededNumbers } from "./chaos-plan.ts";
import { playPeer } from "./chaos-peer.ts";

const [address = "", port, seed, first] = process.argv.slice(2);
let number = Number(first);
const tell = (what: object): void => void process.stdout.write(`${JSON.stringify(what)}\n`);

const server = createServer({ allowHalfOpen: true }, (socket) => {
  const own = number++;
  const random = seededNumbers(Number(seed) + own);
  void playPeer(socket, own, drawPlan(random, { waits: true, orderly: own % 2 === 0 }), random).then(tell);
});
server.listen(Number(port), address, () => tell({ port: (server.address() as AddressInfo).port }));
