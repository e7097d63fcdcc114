// Node's tls as a peer: `peer.mjs client|server`, with the options that ci/peer_checks/programs.py describes.
import { once } from "node:events";
import { readFileSync } from "node:fs";
import http2 from "node:http2";
import net from "node:net";
import { buffer } from "node:stream/consumers";
import tls from "node:tls";
import { parseArgs } from "node:util";

const text = { type: "string" };
const { positionals, values: options } = parseArgs({
  allowPositionals: true,
  options: {
    port: text,
    name: { ...text, default: "localhost" },
    version: text,
    roots: text,
    identity: text,
    alpn: text,
    path: text,
    times: { ...text, default: "1" },
    length: text,
  },
});

const settings = {
  minVersion: `TLSv${options.version}`,
  maxVersion: `TLSv${options.version}`,
  ALPNProtocols: [options.alpn],
};
if (options.roots) {
  settings.ca = readFileSync(options.roots);
}
if (options.identity) {
  settings.cert = readFileSync(`${options.identity}.pem`);
  settings.key = readFileSync(`${options.identity}.key`);
}

if (positionals[0] === "server") {
  serve();
} else {
  try {
    for (let time = 0; time < Number(options.times); time++) {
      await (options.alpn === "h2" ? fetchOverHttp2() : fetchOverTls());
    }
  } catch (error) {
    complain(error);
    // Not process.exit(): what was written is to come out first.
    process.exitCode = 1;
  }
}

function connect() {
  const tcp = net.connect(Number(options.port), "127.0.0.1");
  const socket = tls.connect({ ...settings, socket: tcp, servername: options.name });
  socket.on("session", (session) => (settings.session = session));
  return socket;
}

async function fetchOverTls() {
  const socket = connect();
  await once(socket, "secureConnect");
  if (options.path) {
    socket.write(`GET ${options.path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`);
  }
  const seen = report(socket);
  process.stdout.write(await buffer(socket));
  console.error(seen);
}

async function fetchOverHttp2() {
  const socket = connect();
  const session = http2.connect(`https://localhost:${options.port}`, { createConnection: () => socket });
  const failed = once(session, "error").then(([error]) => Promise.reject(error));
  await Promise.race([failed, requestOverHttp2(session)]);
  console.error(report(socket));
  session.close();
}

async function requestOverHttp2(session) {
  const request = session.request({ ":path": options.path });
  const [headers] = await once(request, "response");
  if (headers[":status"] !== 200) {
    throw new Error(`the answer is ${headers[":status"]}`);
  }
  process.stdout.write(await buffer(request));
}

// Accepts until it is killed.
function serve() {
  // Roots are what clients' certificates must lead to.
  const asking = { requestCert: Boolean(options.roots), rejectUnauthorized: true };
  const server = tls.createServer({ ...settings, ...asking, allowHalfOpen: true }, (socket) => {
    socket.on("error", complain);
    reverse(socket).catch(complain);
  });
  server.on("tlsClientError", complain);
  server.listen(0, "127.0.0.1", () => console.error(`port=${server.address().port}`));
}

// Sends back the bytes that are to come, the last one first.
async function reverse(socket) {
  const length = Number(options.length);
  const chunks = [];
  let received = 0;
  console.error(report(socket));
  // A client may send nothing at all, and then its close_notify.
  for await (const chunk of socket.iterator({ destroyOnReturn: false })) {
    chunks.push(chunk);
    received += chunk.length;
    if (received >= length) {
      break;
    }
  }
  socket.end(Buffer.concat(chunks).reverse());
  // Closed with bytes unread, the connection would be reset, and the end of the answer lost.
  socket.resume();
}

// A socket that has ended knows no more of its session.
function report(socket) {
  const peer = socket.getPeerCertificate()?.subject?.CN ?? "";
  const { standardName } = socket.getCipher();
  const { alpnProtocol: alpn } = socket;
  const resumed = socket.isSessionReused();
  const version = socket.getProtocol();
  return `version=${version}\tcipher=${standardName}\talpn=${alpn}\tresumed=${resumed}\tpeer=${peer}`;
}

function complain(error) {
  console.error(`error=${error.code ?? ""} ${error.message}`.replaceAll("\n", " "));
}
