//! The docker client's everyday commands.

use crate::transcript::Scenario;

pub const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "version and info are the daemon's own",
        policy: "INFO=1",
        script: r"
            docker version
            docker info | grep -vE 'File Descriptors|Goroutines|System Time|Runtimes'
        ",
    },
    Scenario {
        name: "lists and inspections show the same things",
        policy: "CONTAINERS=1 IMAGES=1 VOLUMES=1 NETWORKS=1 INFO=1 PLUGINS=1 POST=1",
        script: r"
            docker create --name box --network none --label colour=red bb sh -c 'echo hi'
            docker ps --all --no-trunc
            docker ps --all --quiet --filter label=colour=red
            docker images --digests
            docker history bb
            docker inspect box
            docker inspect --size --type container box
            docker inspect bb
            docker network inspect none
            ! docker inspect nosuchthing
            docker rm --force --volumes box
            ! docker rm box
        ",
    },
    Scenario {
        name: "run hands on output, errors and the exit code",
        policy: "CONTAINERS=1 POST=1",
        script: r"
            docker run --rm --network none bb echo hi
            docker run --rm --network none bb sh -c 'echo out; echo err >&2; exit 3' || echo code $?
            docker run --rm --network none bb seq 100000 | md5sum
            ! docker run --name box --network none bb nosuchcommand
        ",
    },
    Scenario {
        name: "run -i hands on stdin and its end, and the output that follows it",
        policy: "CONTAINERS=1 POST=1",
        script: r"
            echo hello | docker run -i --rm --network none bb \
                sh -c 'cat; echo after-eof; sleep 0.3; echo late; echo err >&2; exit 3' || echo code $?
            docker run -i --rm --network none bb cat </dev/null
            seq 1000000 > numbers
            docker run -i --rm --network none bb cat < numbers | cmp - numbers
        ",
    },
    Scenario {
        name: "exec runs in the foreground, with stdin, in the background, and fails as it should",
        policy: "CONTAINERS=1 EXEC=1 POST=1",
        script: r"
            docker run -d --name box --network none bb sleep 300
            docker exec box echo hi
            docker exec -e A=b -w /tmp -u 65534 box sh -c 'echo $A; pwd; id -u'
            docker exec box sh -c 'echo out; echo err >&2; exit 7' || echo code $?
            echo data | docker exec -i box sh -c 'cat; echo after-eof; sleep 0.2; echo late'
            seq 1000000 | docker exec -i box md5sum
            docker exec box seq 1000000 | md5sum
            docker exec -d box touch /tmp/done
            docker exec box sh -c 'until [ -e /tmp/done ]; do sleep 0.1; done'
            ! docker exec box nosuchcommand
            ! docker exec nosuchcontainer true
        ",
    },
    Scenario {
        name: "attach shows what is said from then on, and hands on stdin",
        policy: "CONTAINERS=1 POST=1",
        script: r"
            docker run -d --name ticking --network none bb sh -c 'while sleep 0.1; do echo tick; done'
            { docker attach --no-stdin --sig-proxy=false ticking || true; } | head -n 3
            docker create -i --name box --network none bb \
                sh -c 'while read -r line; do echo got $line; done; echo eof; exit 5'
            printf 'one\ntwo\n' | docker start -ai box || echo code $?
            docker run -d -i --name second --network none bb \
                sh -c 'while read -r line; do echo got $line; [ $line = quit ] && exit 6; done'
            { printf 'one\nquit\n'; sleep 0.5; } | docker attach second || echo code $?
            ! docker attach second
        ",
    },
    Scenario {
        name: "logs are complete, and logs -f shows each line when it is written",
        policy: "CONTAINERS=1 POST=1",
        script: r"
            docker run --name box --network none bb sh -c 'seq 5; sleep 0.1; echo err >&2'
            docker logs box
            docker logs --tail 2 box
            docker logs --timestamps box
            docker logs --follow box
            docker run --name long --network none bb seq 100000 > /dev/null
            docker logs long | md5sum
            docker run -d --name ticking --network none bb sh -c 'while sleep 0.1; do echo tick; done'
            { docker logs --follow ticking || true; } | head -n 3
            docker run -d --name ending --network none bb sh -c 'echo begin; sleep 0.5; echo end'
            docker logs --follow ending
            ! docker logs nosuchcontainer
        ",
    },
    Scenario {
        name: "events arrive when they happen",
        policy: "CONTAINERS=1 POST=1",
        script: r"
            docker create --name box --network none bb sleep 300
            { docker events --filter container=box --format '{{.Type}} {{.Action}}' || true; } | head -n 3 & \
                sleep 0.5; { docker start box; docker pause box; docker unpause box; docker rm -f box; } >/dev/null; wait
        ",
    },
    Scenario {
        name: "stats, top and diff watch a container",
        policy: "CONTAINERS=1 POST=1",
        script: r"
            docker run -d --name box --network none bb sh -c 'touch /tmp/new; exec sleep 300'
            docker stats --no-stream --format '{{.Name}} {{.PIDs}}' box
            { docker stats --format '{{.Name}} {{.PIDs}}' box || true; } | grep -o -m 2 'box 1'
            docker top box -o pid,args | sed 's/^[0-9]*//'
            docker diff box
        ",
    },
    Scenario {
        name: "cp carries files and tar streams in and out",
        policy: "CONTAINERS=1 POST=1",
        script: r"
            docker create --name box --network none bb true
            seq 200000 > numbers
            docker cp numbers box:/tmp/
            docker cp box:/tmp/numbers back
            cmp numbers back
            tar -cf - --mtime=@0 numbers | docker cp --archive - box:/root
            docker cp box:/root/numbers - | tar -xOf - | cmp - numbers
            docker cp box:/bin - | tar -tf - | wc -l
            ! docker cp box:/nosuchfile . 2>&1 | sed 's/ in container .*//'
            ! docker cp numbers box:/nosuchdirectory/
        ",
    },
    Scenario {
        name: "the legacy builder builds from a context sent in chunks",
        policy: "BUILD=1 CONTAINERS=1 IMAGES=1 POST=1",
        script: r"
            mkdir context; seq 500000 > context/numbers
            printf 'FROM bb\nARG A\nCOPY numbers /numbers\nRUN echo $A > /built && echo said\nCMD cat /built\n' > context/Dockerfile
            DOCKER_BUILDKIT=0 docker build --network none --build-arg A=first --label l=1 --add-host a:1.2.3.4 -t built:1 context
            docker run --rm --network none built:1
            docker run --rm --network none built:1 cat /numbers | cmp - context/numbers
            printf 'FROM bb\nRUN echo out; exit 9\n' | DOCKER_BUILDKIT=0 docker build --network none - || echo code $?
            ! DOCKER_BUILDKIT=0 docker build -f nosuchfile context
            docker image inspect --format '{{json .Config.Labels}}' built:1
        ",
    },
    Scenario {
        name: "images are saved, loaded, exported, imported, committed, tagged and removed",
        policy: "CONTAINERS=1 IMAGES=1 COMMIT=1 POST=1",
        script: r#"
            docker tag bb one:1
            docker save -o one.tar one:1
            docker rmi one:1
            docker load -i one.tar
            docker save bb one:1 | docker load
            docker run --name box --network none bb sh -c 'echo kept > /kept'
            docker commit --change 'CMD ["cat", "/kept"]' --message m --author a box committed:1
            docker run --rm --network none committed:1
            docker export box | tar -tf - | sort | md5sum
            docker export -o box.tar box
            docker import --change 'CMD ["cat", "/kept"]' box.tar imported:1
            docker run --rm --network none imported:1
            docker history --format '{{.CreatedBy}}' committed:1
            docker rmi committed:1 imported:1 one:1
            ! docker rmi nosuchimage
            ! docker load -i numbers
        "#,
    },
    Scenario {
        name: "volumes are created, listed, inspected, used, removed and pruned",
        policy: "CONTAINERS=1 VOLUMES=1 POST=1",
        script: r"
            docker volume create --label l=1 --driver local vol
            docker volume ls
            docker volume inspect --format '{{.Name}} {{.Driver}} {{.Labels}}' vol
            docker run --rm --network none -v vol:/data bb sh -c 'echo kept > /data/file'
            docker run --rm --network none -v vol:/data bb cat /data/file
            docker volume rm vol
            ! docker volume rm vol
            docker volume create anonymous
            docker volume prune --force
        ",
    },
    Scenario {
        name: "networks are created, joined, left, inspected, removed and pruned",
        policy: "CONTAINERS=1 NETWORKS=1 POST=1 ALLOW_NETWORK_DRIVERS=null",
        script: r"
            docker network create --driver bridge --internal --subnet 10.213.7.0/24 net
            docker network ls --filter name=net
            docker run -d --name box --network net --ip 10.213.7.9 bb sleep 300
            docker run --rm --network net bb ping -c 1 -q 10.213.7.9 | grep received
            docker network disconnect net box
            docker network connect --alias other --ip 10.213.7.10 net box
            docker network inspect --format '{{range .Containers}}{{.Name}} {{.IPv4Address}}{{end}}' net
            ! docker network rm net
            docker rm -f box
            docker network rm net
            ! docker network create --driver null net
            docker network prune --force
        ",
    },
    Scenario {
        name: "the space used is summed up and freed",
        policy: "SYSTEM=1 CONTAINERS=1 IMAGES=1 NETWORKS=1 BUILD=1 POST=1",
        script: r"
            docker create --name box --network none bb true
            docker system df
            docker system df --verbose
            docker container prune --force --filter label=nosuchlabel
            docker container prune --force
            docker image prune --force
            docker system prune --force
        ",
    },
    Scenario {
        name: "a container goes through its whole life",
        policy: "CONTAINERS=1 POST=1",
        script: r"
            docker create --name box --network none bb sleep 300
            docker rename box second
            docker update --cpus 1 --memory 64m --memory-swap 64m second
            docker start second
            docker start second
            docker pause second
            docker unpause second
            docker restart -t 0 second
            docker kill -s USR1 second
            ! docker kill nosuchcontainer
            docker run -d --name waiter --network none bb sh -c 'sleep 0.5; exit 4'
            docker wait waiter
            docker run -d --name stopped --network none bb sleep 300
            docker stop -t 1 stopped
            docker inspect --format '{{.State.Status}} {{.State.ExitCode}}' stopped
            docker port stopped
            docker rm second waiter stopped 2>/dev/null || docker rm -f second
            docker ps --all --format '{{.Names}}'
        ",
    },
    Scenario {
        name: "a registry that does not answer is the same error",
        policy: "AUTH=1 INFO=1 IMAGES=1 CONTAINERS=1 POST=1 ALLOW_REGISTRIES=*,127.0.0.1:1",
        script: r"
            ! echo secret | docker login -u user --password-stdin 127.0.0.1:1
            ! docker pull 127.0.0.1:1/x:1
            ! docker run --rm --network none 127.0.0.1:1/x:1
            docker tag bb 127.0.0.1:1/x:1
            ! docker push 127.0.0.1:1/x:1
        ",
    },
];
