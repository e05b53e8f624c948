//! What people do every day asks for nothing of the host, and passes with nothing opened.

use libtest_mimic::Failed;
use serde_json::{Value, json};

use super::{ask, create, gate, remove, shown};
use crate::Proof;
use crate::lab::Lab;
use crate::transcript::Scenario;

pub const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "the usual flags of docker create and run need nothing opened",
        policy: "CONTAINERS=1 NETWORKS=1 VOLUMES=1 POST=1",
        script: r"
            printf 'FROM_FILE=1\n' > env; printf 'from.file=1\n' > labels
            docker network create --internal --label l=1 --subnet 10.213.8.0/24 --gateway 10.213.8.1 \
                --opt com.docker.network.driver.mtu=1400 net
            docker volume create --label l=1 --opt type=tmpfs --opt device=tmpfs --opt o=size=1m,uid=1000 small
            docker create --name first -e A=b --env-file env --label l=1 --label-file labels --hostname h --domainname d \
                --add-host a:192.0.2.1 --add-host gate:host-gateway --dns 192.0.2.53 --dns-search x --dns-option ndots:1 \
                --network net --network-alias alias --ip 10.213.8.9 --link-local-ip 169.254.8.9 --mac-address 02:42:0a:d5:08:09 \
                --expose 80 -p 127.0.0.1::8080 -p 53/udp -P --restart on-failure:3 --stop-signal KILL --stop-timeout 1 bb true
            docker create --name second --network none -v named:/n -v named:/r:ro,nocopy -v /anonymous -v small:/s \
                --mount type=volume,src=other,dst=/o,volume-label=l=1 --mount type=volume,dst=/p,volume-opt=type=tmpfs,volume-opt=device=tmpfs \
                --mount type=tmpfs,dst=/t,tmpfs-size=1m,tmpfs-mode=1770 --tmpfs /run --tmpfs /tmp:rw,noexec,nosuid,size=1m,mode=1777 bb true
            docker create --name third --network none --memory 64m --memory-swap 64m --memory-reservation 32m --cpus 0.5 \
                --cpu-shares 512 --cpuset-cpus 0 --pids-limit 100 --oom-score-adj 500 --shm-size 1m --ulimit nofile=64:128 \
                --cap-drop ALL --cap-add CHOWN --cap-add cap_net_bind_service --security-opt no-new-privileges --read-only \
                --user 1000:1000 --group-add 2000 --ipc private --cgroupns private --init -it --workdir /tmp --entrypoint sleep \
                --log-driver json-file --log-opt max-size=1m --log-opt max-file=2 --health-cmd true --health-interval 1s \
                --health-retries 3 --health-timeout 1s --health-start-period 1s --runtime runc --platform linux/amd64 bb 1
            docker network create --internal back
            docker create --name fourth --network back --ipc shareable --no-healthcheck --restart always --log-driver none \
                --cpu-quota 50000 --cpu-period 100000 bb true
            docker inspect --format '{{json .HostConfig}}' first third
            docker inspect --format '{{range .HostConfig.Binds}}{{println .}}{{end}}{{json .HostConfig.Mounts}}' second | sort
            docker run --rm --network net --link first:linked -e A=b -u 1000 -w /tmp --read-only --tmpfs /t bb \
                sh -c 'echo $A; id -u; pwd'
            docker update --restart no --memory 32m --memory-swap 32m third
            docker network connect --alias other --ip 10.213.8.10 --link first:linked net fourth
            docker rm -f -v first second third fourth
        ",
    },
    Scenario {
        name: "a compose project of three services needs nothing opened",
        policy: "CONTAINERS=1 NETWORKS=1 VOLUMES=1 IMAGES=1 EXEC=1 INFO=1 POST=1",
        script: r#"
            cp "$CLIENTS"/compose/everyday.yml .
            docker-compose -p daily -f everyday.yml up -d 2>&1 | sort
            docker-compose -p daily -f everyday.yml ps --services 2>&1 | sort
            docker-compose -p daily -f everyday.yml exec -T web cat /shared/state
            docker inspect --format '{{json .HostConfig.Binds}} {{.HostConfig.Memory}} {{.HostConfig.CapDrop}}' \
                daily${JOINT}db${JOINT}1 daily${JOINT}app${JOINT}1 daily${JOINT}web${JOINT}1
            docker-compose -p daily -f everyday.yml up -d --force-recreate web 2>&1 | sort
            docker-compose -p daily -f everyday.yml down --volumes 2>&1 | sort
        "#,
    },
];

pub const PROOFS: &[Proof] = &[
    ("what is the container's own alone needs nothing opened", own),
    ("what libraries send, most of it null, needs nothing opened", libraries),
    ("a container is made again from its own inspection with nothing opened", made_again),
];

/// As they send it: every field they know, whether they have something to say or not.
const LIBRARIES: [(&str, &str); 3] = [
    (
        "docker-py",
        r#""Hostname":null,"Domainname":null,"ExposedPorts":{"80/tcp":{}},"User":null,"Tty":false,"OpenStdin":false,
        "StdinOnce":false,"AttachStdin":false,"AttachStdout":false,"AttachStderr":false,"Env":["A=b"],"Volumes":{"/v":{}},
        "NetworkDisabled":false,"Entrypoint":null,"WorkingDir":null,"MacAddress":null,"Labels":{"l":"1"},"StopSignal":null,
        "Healthcheck":null,"StopTimeout":null,"Runtime":null,"HostConfig":{"NetworkMode":"default","PortBindings":
        {"80/tcp":[{"HostIp":"","HostPort":""}]},"Memory":0,"Binds":["named:/v:rw"],"CapAdd":null,"Privileged":false,
        "RestartPolicy":{"Name":"always","MaximumRetryCount":0},"LogConfig":{"Type":null,"Config":{}}},"NetworkingConfig":null"#,
    ),
    (
        "a testcontainers library",
        r#""Hostname":null,"Env":["A=b"],"Labels":{"org.testcontainers":"true","org.testcontainers.sessionId":"x"},
        "ExposedPorts":{"5432/tcp":{}},"HostConfig":{"Binds":[],"BlkioWeight":null,"BlkioWeightDevice":null,"CapAdd":[],
        "CapDrop":null,"CgroupParent":null,"CgroupnsMode":null,"ContainerIDFile":null,"CpuPeriod":null,"CpuShares":null,
        "Devices":null,"DeviceCgroupRules":null,"DeviceRequests":null,"DiskQuota":null,"Dns":null,"ExtraHosts":[],
        "GroupAdd":null,"IpcMode":null,"Cgroup":null,"Links":[],"LogConfig":null,"LxcConf":null,"Memory":null,
        "MemorySwap":null,"Mounts":null,"NetworkMode":null,"OomKillDisable":null,"OomScoreAdj":null,"PidMode":null,
        "PidsLimit":null,"PortBindings":{"5432/tcp":[{"HostIp":null,"HostPort":""}]},"Privileged":null,"PublishAllPorts":true,
        "ReadonlyRootfs":null,"RestartPolicy":null,"Runtime":null,"SecurityOpt":null,"ShmSize":null,"StorageOpt":null,
        "Sysctls":null,"Tmpfs":{"/t":"rw,size=1m"},"Ulimits":null,"UsernsMode":null,"UTSMode":null,"VolumeDriver":null,
        "VolumesFrom":[]},"NetworkingConfig":{"EndpointsConfig":{}}"#,
    ),
    (
        "dockerode",
        r#""Tty":true,"OpenStdin":true,"Volumes":{},"HostConfig":{"AutoRemove":true,"NetworkMode":"none","Binds":null,
        "Mounts":[{"Type":"volume","Source":"","Target":"/m","ReadOnly":false,"VolumeOptions":{"NoCopy":false,"Labels":{},
        "DriverConfig":{"Name":"","Options":{}}}},{"Type":"tmpfs","Source":"","Target":"/t","TmpfsOptions":{}}]}"#,
    ),
];

fn libraries(lab: &Lab) -> Result<(), Failed> {
    let gate = gate(lab, "")?;
    for (library, entries) in LIBRARIES {
        create(&gate.endpoint(), entries).map_err(|why| format!("{library}: {why}"))?;
        remove(lab)?;
    }
    Ok(())
}

/// What reaches nothing of the host, whatever it looks like.
const OWN: [&str; 4] = [
    r#""HostConfig":{"NetworkMode":"none","Sysctls":{"net.ipv4.ip_forward":"1","net.core.somaxconn":"512"}}"#,
    r#""HostConfig":{"NetworkMode":"none","Tmpfs":{"/t":"exec,size=1m"}}"#,
    r#""HostConfig":{"NetworkMode":"none","Annotations":{"org.opencontainers.image.title":"x"}}"#,
    r#""HostConfig":{"NetworkMode":"none","SecurityOpt":["apparmor=docker-default","seccomp="]}"#,
];

fn own(lab: &Lab) -> Result<(), Failed> {
    let gate = gate(lab, "")?;
    for entries in OWN {
        create(&gate.endpoint(), entries).map_err(|why| format!("{entries}: {why}"))?;
        ask(&gate.endpoint(), "POST", "/containers/box/start", "")
            .map_err(|why| format!("{entries}: {why}"))?;
        remove(lab)?;
    }
    let net = r#"{"Name":"own","Internal":true,"Options":{"com.docker.network.bridge.gateway_mode_ipv4":"isolated","com.docker.network.bridge.default_bridge":"false"}}"#;
    ask(&gate.endpoint(), "POST", "/networks/create", net)?;
    ask(&lab.daemon().endpoint(), "DELETE", "/networks/own", "")?;
    Ok(())
}

/// As those do that replace a container by one of a newer image.
fn made_again(lab: &Lab) -> Result<(), Failed> {
    let daemon = lab.daemon().endpoint();
    let run = "docker run -d --name first -e A=b -v named:/n -v /anonymous --tmpfs /t --memory 64m --restart always \
               --label l=1 --cap-drop NET_RAW --security-opt no-new-privileges --init --network none bb sleep 300";
    let finished = lab.shell(&daemon, run)?;
    if finished.code != Some(0) {
        return Err(finished.stderr().into());
    }
    let first = shown(lab, "/containers/first/json")?;
    let body = again(&first);
    // Where cgroups are of version 1 the daemon's default is the host's namespace, written out: only
    // then is there something to open.
    let policy = match &first["HostConfig"]["CgroupnsMode"] {
        mode if mode == "host" => "ALLOW_HOST_NAMESPACES=cgroup",
        _ => "",
    };
    let gate = gate(lab, policy)?;
    ask(&gate.endpoint(), "POST", "/containers/create?name=box", &body.to_string())?;
    let second = shown(lab, "/containers/box/json")?;
    for part in ["/HostConfig", "/Config/Env", "/Config/Labels"] {
        if first.pointer(part) != second.pointer(part) {
            return Err(format!(
                "{part}: {:?}\nand {:?}",
                first.pointer(part),
                second.pointer(part)
            )
            .into());
        }
    }
    Ok(())
}

/// The body that makes it again.
fn again(inspected: &Value) -> Value {
    let mut body = inspected["Config"].clone();
    body["HostConfig"] = inspected["HostConfig"].clone();
    body["NetworkingConfig"] =
        json!({ "EndpointsConfig": inspected["NetworkSettings"]["Networks"] });
    body
}
