// The other side of the comparison: pusher-js doing what client.rs does, saying the same lines.
'use strict';
const path = require('node:path');
const fs = require('node:fs');
const Pusher = require(path.join(__dirname, '../../tests/interop/node_modules/pusher-js'));

const [mode, host, port, count, warm] = process.argv.slice(2);
const say = (line) => process.stdout.write(JSON.stringify(line) + '\n');
const now = () => Number(process.hrtime.bigint());
const memory = (name) =>
  Number(fs.readFileSync('/proc/self/status', 'utf8').match(new RegExp(`${name}:\\s+(\\d+)`))[1]) / 1024;
const connect = () =>
  new Pusher('numbers', {
    wsHost: host, wsPort: Number(port), forceTLS: false, enabledTransports: ['ws'], cluster: '', disableStats: true,
  });

function listen(total, skip) {
  const channel = connect().subscribe('numbers');
  const took = new Float64Array(total);
  let next = 0, disorder = 0, rss = 0;
  channel.bind('pusher:subscription_succeeded', () => { rss = memory('VmRSS'); say({ subscribed: now() }); });
  channel.bind('COMMAND', (command) => {
    const at = now();
    if (command.n !== next) disorder += 1;
    took[next] = at - Number(command.t);
    next += 1;
    if (next < total) return;
    const sorted = took.slice(skip).sort();
    const rank = (share) => sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)];
    say({ p50: rank(0.5), p99: rank(0.99), disorder, finished: at, rss, peak: memory('VmHWM') });
    process.exit(0);
  });
}

function links(total) {
  for (let client = 0; client < total; client += 1) {
    const pusher = connect();
    pusher.subscribe('numbers').bind('pusher:subscription_succeeded', () => say({ client, subscribed: now() }));
    pusher.connection.bind('state_change', ({ previous }) => {
      if (previous === 'connected') say({ client, lost: now() });
    });
  }
}

if (mode === 'listen') listen(Number(count), Number(warm));
else links(Number(count));
