import { createServer } from "node:http";
import { WebSocketServer } from "ws";

const page = `<!doctype html>
<html lang="en">
  <title>harbour-radio</title>
  <link rel="icon" href="data:," />
  <p id="heard"></p>
  <script>
    const radio = new WebSocket(location.origin.replace(/^http/, "ws") + "/radio");
    radio.onopen = () => radio.send("ahoy");
    radio.onmessage = ({ data }) => (document.querySelector("#heard").textContent = data);
  </script>
</html>`;

const server = createServer((_request, response) => {
  response.setHeader("content-type", "text/html");
  response.end(page);
});
// Says again what it hears, and how it was called.
new WebSocketServer({ server }).on("connection", (socket, request) => {
  socket.on("message", (data) => socket.send(`${data}, ${request.headers.host}`));
});
server.listen(process.env.PORT, "127.0.0.1");
