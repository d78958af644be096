// A gateway client that says one `connect` and prints one JSON line with the answer.
//   OC_PACKAGE=<package folder of the release> node client.mjs URL OPTIONS
// options: --token T | --device-token T [--names-it: also as `deviceToken`, as clients do from 2026.2.22], --device FILE (made when missing), --no-device, --client ID, --mode MODE,
//   --role operator|node, --scopes a,b, --header 'K: V' (repeatable), --save-token FILE
// The device, its key and its signature follow the gateway's own clients: Ed25519, id = SHA-256 of the raw public key.
import { createRequire } from "node:module";
import crypto from "node:crypto";
import fs from "node:fs";
import path from "node:path";

const WebSocket = createRequire(path.join(fs.realpathSync(process.env.OC_PACKAGE), "package.json"))("ws");
const [url, ...rest] = process.argv.slice(2);
const o = { client: "gateway-client", mode: "ui", role: "operator", headers: {} };
while (rest.length) {
  const name = rest.shift().slice(2);
  if (name === "no-device") o.noDevice = true;
  else if (name === "names-it") o.namesIt = true;
  else if (name === "header") { const [k, ...v] = rest.shift().split(":"); o.headers[k.trim()] = v.join(":").trim(); }
  else o[name] = rest.shift();
}
const scopes = (o.scopes ?? (o.role === "node" ? "" : "operator.admin,operator.approvals,operator.pairing,operator.read,operator.write"))
  .split(",").filter(Boolean);
const answer = (value, status) => { console.log(JSON.stringify(value)); process.exit(status); };
const url64 = (bytes) => Buffer.from(bytes).toString("base64url");

function device(nonce, token) {
  if (!fs.existsSync(o.device)) {
    const made = crypto.generateKeyPairSync("ed25519").privateKey.export({ type: "pkcs8", format: "pem" });
    fs.writeFileSync(o.device, JSON.stringify({ privateKeyPem: made }), { mode: 0o600 });
  }
  const key = crypto.createPrivateKey(JSON.parse(fs.readFileSync(o.device, "utf8")).privateKeyPem);
  const raw = crypto.createPublicKey(key).export({ type: "spki", format: "der" }).subarray(-32);
  const id = crypto.createHash("sha256").update(raw).digest("hex");
  const at = Date.now();
  const text = [nonce ? "v2" : "v1", id, o.client, o.mode, o.role, scopes.join(","), at, token, ...(nonce ? [nonce] : [])];
  const signature = url64(crypto.sign(null, Buffer.from(text.join("|")), key));
  return { id, publicKey: url64(raw), signature, signedAt: at, ...(nonce ? { nonce } : {}) };
}

const socket = new WebSocket(url, { headers: o.headers, handshakeTimeout: 8000 });
setTimeout(() => answer({ ok: false, why: "no answer in 20 s" }, 1), 20000);
let sent = false, refused;
function connect(nonce) {
  if (sent) return;
  sent = true;
  const token = o.token ?? o["device-token"];
  const params = { minProtocol: 3, maxProtocol: 4, client: { id: o.client, version: "live-suite", platform: "linux", mode: o.mode },
    role: o.role, scopes, caps: [], ...(o.role === "node" ? { commands: [] } : {}) };
  if (token !== undefined) params.auth = o.namesIt ? { token, deviceToken: token } : { token };
  if (!o.noDevice) params.device = device(nonce, token ?? "");
  socket.send(JSON.stringify({ type: "req", id: "1", method: "connect", params }));
}
socket.on("open", () => setTimeout(connect, 1500));
socket.on("message", (data) => {
  const frame = JSON.parse(data);
  if (frame.event === "connect.challenge") return connect(frame.payload?.nonce);
  if (frame.id !== "1") return;
  if (!frame.ok) { refused = frame.error; return; }
  const auth = frame.payload?.auth;
  if (o["save-token"] && auth?.deviceToken) fs.writeFileSync(o["save-token"], auth.deviceToken, { mode: 0o600 });
  socket.close(1000);
  answer({ ok: true, release: frame.payload?.server?.version, scopes: auth?.scopes }, 0);
});
socket.on("unexpected-response", (_request, response) => answer({ ok: false, http: response.statusCode }, 1));
socket.on("error", (error) => answer({ ok: false, why: error.message }, 1));
socket.on("close", (code, reason) => answer({ ok: false, close: code, reason: reason.toString(), error: refused }, 1));
