// Publishes with the official server library. One JSON command a line on stdin, one answer a line on stdout:
//   {"channel": "c", "event": "e", "data": any}          one event
//   {"channel": "c", "event": "e", "count": n}           n events {"n": 0} ... in batches of ten, in order
'use strict';
const readline = require('node:readline');
const Pusher = require('pusher');

const pusher = new Pusher({
  appId: 'app-id',
  key: 'app-key',
  secret: 'app-secret',
  host: '127.0.0.1',
  port: process.argv[2],
  useTLS: false,
  timeout: 10000,
});

async function publish({ channel, event, data, count }) {
  if (count === undefined) {
    await pusher.trigger(channel, event, data);
    return;
  }
  for (let n = 0; n < count; n += 10) {
    const batch = [];
    for (let i = n; i < Math.min(n + 10, count); i += 1) {
      batch.push({ channel, name: event, data: { n: i } });
    }
    await pusher.triggerBatch(batch);
  }
}

(async () => {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    try {
      await publish(JSON.parse(line));
      process.stdout.write('ok\n');
    } catch (error) {
      process.stdout.write(`failed: ${error.message} ${error.body ?? ''}\n`);
    }
  }
})();
