"""Walks through docker-py as its users do; prints what it finds. usage: docker_py.py SCENARIO"""

import io
import socket
import sys
import tarfile
import threading

import docker
from docker.utils.socket import frames_iter, demux_adaptor

client = docker.from_env(version="auto", timeout=30)


def start(name, command, **options):
    return client.containers.run("bb", command, name=name, network_mode="none", detach=True, **options)


def raw(stream):
    """docker-py wraps the socket differently for TCP and for a unix socket."""
    return getattr(stream, "_sock", stream)


def read_all(stream):
    received = b""
    while data := raw(stream).recv(65536):
        received += data
    return received


def lists():
    print(client.version()["ApiVersion"], client.ping(), client.info()["Driver"])
    created = client.containers.create("bb", "true", name="box", network_mode="none", labels={"colour": "red"})
    found = client.containers.list(all=True, filters={"label": "colour=red"})
    print([container.name for container in found], created.status)
    print([image.tags for image in client.images.list()])
    print([volume.name for volume in client.volumes.list()])
    print(sorted(network.name for network in client.networks.list()))
    try:
        client.containers.get("nosuchcontainer")
    except docker.errors.NotFound as error:
        print(error.explanation)


def life():
    print(client.containers.run("bb", "echo hi", network_mode="none", remove=True))
    try:
        client.containers.run("bb", ["sh", "-c", "echo err >&2; exit 3"], network_mode="none", remove=True, name="box")
    except docker.errors.ContainerError as error:
        print(error.exit_status, error.stderr)
    container = start("box", ["sh", "-c", "for i in 1 2 3; do echo line $i; sleep 0.2; done; exit 4"])
    for line in container.logs(stream=True, follow=True):
        print(line)
    print(container.wait())
    container = start("again", "sleep 300")
    print(container.stats(stream=False)["name"])
    print(next(container.stats(stream=True, decode=True))["name"])
    print(sorted(container.top()))
    container.pause()
    container.unpause()
    container.restart(timeout=0)
    container.stop(timeout=0)
    container.rename("second")
    container.reload()
    print(container.name, container.status)
    container.remove(force=True, v=True)
    print(client.containers.list(all=True))


def attach():
    container = client.containers.create("bb", ["sh", "-c", "cat; echo after-eof; echo err >&2"], stdin_open=True, network_mode="none")
    stream = container.attach_socket(params={"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1})
    container.start()
    raw(stream).sendall(b"hello\n" * 1000)
    raw(stream).shutdown(socket.SHUT_WR)
    output = {1: b"", 2: b""}
    for kind, data in frames_iter(raw(stream), tty=False):
        output[kind] += data
    print(output[1].count(b"hello\n"), output[1][-10:], output[2], container.wait())
    again = start("again", ["sh", "-c", "for i in 1 2 3; do sleep 0.2; echo line $i; done"])
    print(b"".join(again.attach(stream=True, logs=True)))


def execs():
    container = start("box", "sleep 300")
    print(container.exec_run("echo hi"))
    print(container.exec_run(["sh", "-c", "echo out; echo err >&2; exit 5"], demux=True))
    print(b"".join(container.exec_run("seq 5", stream=True).output))
    print(len(container.exec_run("seq 300000").output))
    print(container.exec_run("touch /tmp/new", detach=True).output)
    print(container.exec_run(["sh", "-c", "stty -a | head -n 1"], tty=True))
    stream = container.exec_run("cat", stdin=True, socket=True).output
    raw(stream).sendall(b"typed\n")
    raw(stream).shutdown(socket.SHUT_WR)
    print([demux_adaptor(*frame) for frame in frames_iter(raw(stream), tty=False)])
    print(container.exec_run("nosuchcommand").exit_code)


def events():
    stream = client.events(decode=True, filters={"container": "box"})
    threading.Timer(0.5, lambda: client.containers.run("bb", "true", name="box", network_mode="none")).start()
    for event in stream:
        print(event["Type"], event["Action"])
        if event["Action"] == "die":
            break
    stream.close()


def archives():
    container = client.containers.create("bb", "true", network_mode="none")
    content = bytes(range(256)) * 20000
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        member = tarfile.TarInfo("file")
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
    print(container.put_archive("/tmp", packed.getvalue()))
    packed.seek(0)
    print(container.put_archive("/root", iter(lambda: packed.read(100000), b"")))
    for path in ("/tmp/file", "/root/file"):
        chunks, stat = container.get_archive(path)
        unpacked = tarfile.open(fileobj=io.BytesIO(b"".join(chunks)))
        print(stat["name"], stat["size"], unpacked.extractfile("file").read() == content)
    exported = tarfile.open(fileobj=io.BytesIO(b"".join(container.export())))
    print("tmp/file" in exported.getnames())


def build():
    dockerfile = io.BytesIO(b"FROM bb\nRUN echo kept > /kept\nCMD cat /kept\n")
    image, log = client.images.build(fileobj=dockerfile, tag="built:1", rm=True, network_mode="none")
    print([entry.get("stream", "").split(" in ")[0] for entry in log if entry.get("stream", "").startswith("Step")])
    print(client.containers.run("built:1", network_mode="none", remove=True))
    saved = b"".join(image.save(named=True))
    client.images.remove("built:1")
    print([image.tags for image in client.images.load(saved)])
    try:
        client.images.build(fileobj=io.BytesIO(b"FROM bb\nRUN exit 9\n"), rm=True, network_mode="none")
    except docker.errors.BuildError as error:
        print(error.msg)


globals()[sys.argv[1]]()
