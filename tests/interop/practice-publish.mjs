// The official npm `pusher` publishes through the practice server's REST API: single, batch, channels, refusals.
import { createRequire } from "node:module";
import assert from "node:assert";

const require = createRequire(process.env.FX_PACKAGES);
const Pusher = require("pusher");

const options = {
  appId: process.env.FX_APP_ID,
  key: process.env.FX_KEY,
  secret: process.env.FX_SECRET,
  host: "127.0.0.1",
  port: process.env.FX_PUSHER_PORT,
  useTLS: false,
};
const pusher = new Pusher(options);
const channel = `private-executor-${process.env.FX_EXECUTOR_ID}`;

assert.equal((await pusher.trigger(channel, "single", { text: "ünï → ✓" })).status, 200);
const batch = [0, 1, 2].map((n) => ({ channel, name: "batched", data: JSON.stringify({ n }) }));
assert.equal((await pusher.triggerBatch(batch)).status, 200);

const listed = await (await pusher.get({ path: "/channels", params: { filter_by_prefix: "private-" } })).json();
assert.deepEqual(listed, { channels: { [channel]: {} } });
const one = await (await pusher.get({ path: `/channels/${channel}`, params: { info: "subscription_count" } })).json();
assert.deepEqual(one, { occupied: true, subscription_count: 1 });

await assert.rejects(pusher.trigger(channel, "big", "x".repeat(10241)), { status: 413 });
const forger = new Pusher({ ...options, secret: "0".repeat(20) });
await assert.rejects(forger.trigger(channel, "forged", {}), { status: 401 });
console.log("published");
