// The official `pusher-js` signs in through the practice platform, subscribes, and receives one command.
import { createRequire } from "node:module";

const require = createRequire(process.env.FX_PACKAGES);
const Pusher = require("pusher-js");

const pusher = new Pusher(process.env.FX_KEY, {
  cluster: "practice",
  wsHost: "127.0.0.1",
  wsPort: Number(process.env.FX_PUSHER_PORT),
  forceTLS: false,
  enabledTransports: ["ws"],
  enableStats: false,
  channelAuthorization: {
    endpoint: `${process.env.FX_PLATFORM}/api/pusher/auth`,
    transport: "ajax",
    headers: { "X-API-Key": process.env.FX_API_KEY, "X-API-Secret": process.env.FX_API_SECRET },
  },
});
const fail = (what) => (reason) => {
  console.error(what, JSON.stringify(reason));
  process.exit(1);
};
pusher.connection.bind("error", fail("connection error"));
const channel = pusher.subscribe(`private-executor-${process.env.FX_EXECUTOR_ID}`);
channel.bind("pusher:subscription_error", fail("subscription error"));
channel.bind("command-received", (command) => {
  console.log(`received ${command.id} ${command.command}`);
  pusher.disconnect();
  process.exit(0);
});
setTimeout(fail("nothing came"), 20000, null);
