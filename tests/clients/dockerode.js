// Walks through dockerode as its users do; prints what it finds. usage: dockerode.js SCENARIO
'use strict';

const { PassThrough, Readable } = require('node:stream');
const { buffer } = require('node:stream/consumers');
const { setTimeout: sleep } = require('node:timers/promises');
const Docker = require('dockerode');

const docker = new Docker(); // reads DOCKER_HOST
const show = (...what) => console.log(...what.map((one) => JSON.stringify(one)));
const create = (options) =>
  docker.createContainer({ Image: 'bb', ...options, HostConfig: { NetworkMode: 'none' } });

// Both outputs of a multiplexed stream, once it has ended.
async function demux(stream) {
  const outputs = [new PassThrough(), new PassThrough()];
  docker.modem.demuxStream(stream, ...outputs);
  stream.on('end', () => outputs.forEach((output) => output.end()));
  return (await Promise.all(outputs.map(buffer))).map(String);
}

// Reads until `text` has come. One listener for all of it: what arrives together is emitted together.
function until(stream, text) {
  return new Promise((resolve) => {
    let seen = '';
    stream.on('data', function listen(chunk) {
      seen += chunk;
      if (!seen.includes(text)) return;
      stream.off('data', listen);
      resolve(seen.replace(/[^ -~\n]/g, '.'));
    });
  });
}

const scenarios = {
  async lists() {
    show((await docker.version()).ApiVersion, String(await docker.ping()), (await docker.info()).Driver);
    await create({ name: 'box', Cmd: ['true'], Labels: { colour: 'red' } });
    const found = await docker.listContainers({ all: true, filters: { label: ['colour=red'] } });
    show(found.map((container) => container.Names));
    show((await docker.listImages()).map((image) => image.RepoTags));
    show((await docker.listVolumes()).Volumes, (await docker.listNetworks()).map((network) => network.Name).sort());
    await docker.getContainer('nosuchcontainer').inspect().catch((error) => show(error.statusCode, error.message));
  },

  async life() {
    const [result] = await docker.run('bb', ['sh', '-c', 'exit 3'], process.stdout, { HostConfig: { NetworkMode: 'none' } });
    show(result);
    const container = await create({ name: 'box', Cmd: ['sh', '-c', 'for i in 1 2 3; do echo line $i; sleep 0.2; done; exit 4'] });
    await container.start();
    show(await demux(await container.logs({ follow: true, stdout: true, stderr: true })));
    show(await container.wait());
    await container.start();
    show((await container.stats({ stream: false })).name);
    const stats = await container.stats({ stream: true });
    show((await until(stats, '"name":"/box"')).includes('cpu_stats'));
    stats.destroy();
    await container.restart({ t: 0 });
    await container.pause();
    await container.unpause();
    await container.stop({ t: 0 });
    await container.rename({ name: 'second' });
    show((await container.inspect()).State.Status);
    await container.remove({ force: true, v: true });
  },

  async attach() {
    const options = { stream: true, stdin: true, stdout: true, stderr: true };
    const hijacking = await create({ Cmd: ['sh', '-c', 'cat; echo after-eof; echo err >&2'], OpenStdin: true, StdinOnce: true });
    const stream = await hijacking.attach({ ...options, hijack: true });
    await hijacking.start();
    stream.end('hello\n'.repeat(1000));
    const [stdout, stderr] = await demux(stream);
    show(stdout.slice(0, 6), stdout.split('hello\n').length, stdout.slice(-10), stderr, await hijacking.wait());

    // Without `hijack` it sends no Upgrade, and what it writes follows the request on the wire.
    const plain = await create({ Cmd: ['sh', '-c', 'while read line; do echo got $line; done'], OpenStdin: true, StdinOnce: true });
    const duplex = await plain.attach(options);
    await plain.start();
    for (const word of ['one', 'two']) {
      duplex.write(`${word}\n`);
      show(await until(duplex, word));
    }
    duplex.end();
    show(await plain.wait());
  },

  async execs() {
    const container = await create({ name: 'box', Cmd: ['sleep', '300'] });
    await container.start();
    const start = async (options, Cmd, more) => {
      const exec = await container.exec({ Cmd, AttachStdout: true, AttachStderr: true, AttachStdin: true, ...more });
      return [await exec.start(options), exec];
    };
    for (const options of [{}, { hijack: true }, { Detach: false, Tty: false }]) {
      const [stream, exec] = await start(options, ['sh', '-c', 'echo out; echo err >&2; exit 5'], { AttachStdin: false });
      show(await demux(stream), (await exec.inspect()).ExitCode);
    }
    const [hijacked] = await start({ hijack: true, stdin: true }, ['sh', '-c', 'cat; echo after-eof']);
    hijacked.end('typed\n');
    show(await demux(hijacked));
    const [plain] = await start({ stdin: true }, ['sh', '-c', 'while read line; do echo got $line; done']);
    for (const word of ['one', 'two']) {
      plain.write(`${word}\n`);
      show(await until(plain, word));
    }
    plain.destroy();
    const [terminal] = await start({ hijack: true, stdin: true, Tty: true }, ['cat'], { Tty: true });
    terminal.write('typed\n');
    show(await until(terminal, 'typed\r\ntyped'));
    terminal.destroy();
    await start({ Detach: true }, ['true']);
    await start({}, ['nosuchcommand']).then(async ([stream]) => show(await demux(stream)));
  },

  async events() {
    const stream = await docker.getEvents({ filters: { container: ['box'] } });
    await create({ name: 'box', Cmd: ['true'] }).then((container) => container.start());
    const seen = await until(stream, '"status":"die"');
    show([...seen.matchAll(/"Action":"(\w+)"/g)].map((match) => match[1]));
    stream.destroy();
  },

  async archives() {
    const container = await create({ Cmd: ['true'] });
    const other = await create({ Cmd: ['true'] });
    const packed = await container.getArchive({ path: '/bin/busybox' }).then(buffer);
    await other.putArchive(packed, { path: '/tmp' });
    await other.putArchive(Readable.from([packed.subarray(0, 100), packed.subarray(100)]), { path: '/root' });
    for (const path of ['/tmp/busybox', '/root/busybox']) {
      const back = await other.getArchive({ path }).then(buffer);
      show(back.subarray(512).equals(packed.subarray(512)), (await other.infoArchive({ path })).statusCode);
    }
  },

  async build() {
    const container = await create({ Cmd: ['true'] });
    const context = await container.getArchive({ path: '/bin/busybox' }).then(buffer);
    const stream = await docker.buildImage(Readable.from([context]), { t: 'built:1', dockerfile: 'nosuchfile' }).catch((error) => error);
    show(stream.message);
    const tar = require('tar-stream').pack();
    tar.entry({ name: 'Dockerfile' }, 'FROM bb\nRUN echo kept > /kept\nCMD cat /kept\n');
    tar.finalize();
    const progress = await docker.buildImage(tar, { t: 'built:1', networkmode: 'none' });
    const steps = await new Promise((done) => docker.modem.followProgress(progress, (error, lines) => done(lines)));
    show(steps.map((step) => step.stream).filter((line) => line?.startsWith('Step')));
    await docker.run('built:1', [], process.stdout, { HostConfig: { NetworkMode: 'none' } });
    const image = docker.getImage('built:1');
    const saved = await image.get().then(buffer);
    await image.remove({ force: true });
    const loaded = await docker.loadImage(Readable.from([saved]));
    show(String(await buffer(loaded)).includes('built:1'));
  },
};

scenarios[process.argv[2]]().then(() => sleep(10)).then(() => process.exit(0), (error) => {
  console.error(error);
  process.exit(1);
});
