//! What a policy asks of containers beyond the refusals that are always there.

use libtest_mimic::Failed;

use super::{ask, create, gate, refused, remove, shown};
use crate::Proof;
use crate::lab::Lab;

pub const PROOFS: &[Proof] = &[
    ("what a policy requires of containers is refused without and created with", required),
    ("an update stays within the limits that hold for new containers", updates),
    ("a process in a container is not root's where containers may not be", execs),
];

/// A policy, what it says to those who don't do as it asks, and who.
struct Requirement {
    policy: &'static str,
    words: &'static str,
    refused: &'static [&'static str],
    created: &'static [&'static str],
}

const REQUIREMENTS: &[Requirement] = &[
    Requirement {
        policy: "REQUIRE_NON_ROOT=1",
        words: "REQUIRE_NON_ROOT=1",
        refused: &[
            r#""Labels":{}"#,
            r#""User":"""#,
            r#""User":"0""#,
            r#""User":"root""#,
            r#""User":"00:1000""#,
            r#""User":"nobody""#,
            r#""User":" 1000""#,
            r#""User":null"#,
            r#""HostConfig":{"User":"1000"}"#,
        ],
        created: &[r#""User":"1000""#, r#""uſer":"65534:0""#],
    },
    Requirement {
        policy: "REQUIRE_NO_NEW_PRIVILEGES=1",
        words: "REQUIRE_NO_NEW_PRIVILEGES=1",
        refused: &[
            r#""HostConfig":{}"#,
            r#""HostConfig":{"SecurityOpt":["no-new-privileges:false"]}"#,
            r#""HostConfig":{"SecurityOpt":["no-new-privileges","no-new-privileges=0"]}"#,
            r#""HostConfig":{},"SecurityOpt":["no-new-privileges"]"#,
        ],
        created: &[
            r#""HostConfig":{"SecurityOpt":["no-new-privileges"]}"#,
            r#""HostConfig":{"SecurityOpt":["no-new-privileges:true"]}"#,
        ],
    },
    Requirement {
        policy: "REQUIRE_READONLY_ROOTFS=1",
        words: "REQUIRE_READONLY_ROOTFS=1",
        refused: &[
            r#""HostConfig":{}"#,
            r#""HostConfig":null"#,
            r#""HostConfig":{"ReadonlyRootfs":false}"#,
            r#""ReadonlyRootfs":true"#,
        ],
        created: &[r#""HostConfig":{"ReadonlyRootfs":true}"#],
    },
    Requirement {
        policy: "REQUIRE_CAP_DROP_ALL=1",
        words: "REQUIRE_CAP_DROP_ALL=1",
        refused: &[
            r#""HostConfig":{}"#,
            r#""HostConfig":{"CapDrop":["NET_RAW"]}"#,
            r#""CapDrop":["ALL"]"#,
        ],
        created: &[r#""HostConfig":{"CapDrop":["all"]}"#, r#""HostConfig":{"CapDrop":"ALL"}"#],
    },
    Requirement {
        policy: "MAX_MEMORY=64m",
        words: "MAX_MEMORY",
        refused: &[
            r#""HostConfig":{}"#,
            r#""HostConfig":{"Memory":0}"#,
            r#""HostConfig":{"Memory":-1}"#,
            r#""HostConfig":{"Memory":67108865}"#,
            r#""HostConfig":{"Memory":67108864,"MemorySwap":-1}"#,
            r#""Memory":67108864"#,
            r#""HostConfig":{"Memory":67108864},"Memory":67108865"#,
        ],
        created: &[
            r#""HostConfig":{"Memory":67108864}"#,
            r#""HostConfig":{"Memory":8388608,"MemorySwap":8388608}"#,
        ],
    },
    Requirement {
        policy: "MAX_CPUS=0.5",
        words: "MAX_CPUS",
        refused: &[
            r#""HostConfig":{}"#,
            r#""HostConfig":{"NanoCpus":500000001}"#,
            r#""HostConfig":{"NanoCpus":-1}"#,
            r#""HostConfig":{"CpuQuota":50001}"#,
            r#""HostConfig":{"CpuQuota":25000,"CpuPeriod":25000}"#,
            r#""NanoCpus":500000000"#,
        ],
        created: &[
            r#""HostConfig":{"NanoCpus":500000000}"#,
            r#""HostConfig":{"CpuQuota":50000}"#,
            r#""HostConfig":{"CpuQuota":25000,"CpuPeriod":50000}"#,
        ],
    },
    Requirement {
        policy: "MAX_PIDS=100",
        words: "MAX_PIDS",
        refused: &[
            r#""HostConfig":{}"#,
            r#""HostConfig":{"PidsLimit":0}"#,
            r#""HostConfig":{"PidsLimit":-1}"#,
            r#""HostConfig":{"PidsLimit":101}"#,
            r#""HostConfig":{"PidsLimit":null}"#,
        ],
        created: &[r#""HostConfig":{"PidsLimit":100}"#],
    },
    Requirement {
        policy: "ALLOW_PUBLISH_PORTS=8000-8010",
        words: "needs ALLOW_PUBLISH_PORTS=",
        refused: &[
            r#""HostConfig":{"PortBindings":{"80/tcp":[{"HostPort":"22"}]}}"#,
            r#""HostConfig":{"PortBindings":{"80/tcp":[{"HostPort":"8000"},{"HoſtPort":"8011"}]}}"#,
            r#""HostConfig":{"PortBindings":{"80/tcp":[{"HostPort":"8005-8015"}]}}"#,
            r#""HostConfig":{"PortBindings":{"80/tcp":[{"HostIp":"127.0.0.1","HostPort":""}]}}"#,
            r#""HostConfig":{"PublishAllPorts":true}"#,
            r#""PortBindings":{"80/tcp":[{}]}"#,
        ],
        created: &[
            r#""HostConfig":{"PortBindings":{"80/tcp":[{"HostIp":"","HostPort":"8000-8010"}],"9/udp":null}}"#,
        ],
    },
    Requirement {
        policy: "ALLOW_REGISTRIES=registry.example:5000",
        words: "needs ALLOW_REGISTRIES=",
        refused: &[r#""Labels":{}"#],
        created: &[],
    },
    Requirement {
        policy: "ALLOW_REGISTRIES=sha256,docker.io",
        words: "",
        refused: &[],
        created: &[r#""Labels":{}"#],
    },
    Requirement {
        policy: "UNKNOWN_FIELDS=deny",
        words: "is a field that no API description has: needs UNKNOWN_FIELDS=allow",
        refused: &[
            r#""Novel":1"#,
            r#""HostConfig":{"Novel":{}}"#,
            r#""HostConfig":{"Mounts":[{"Type":"tmpfs","Target":"/t","Novel":1}]}"#,
        ],
        created: &[r#""Labels":{"Novel":"1"},"Env":["Novel=1"]"#],
    },
];

fn required(lab: &Lab) -> Result<(), Failed> {
    for requirement in REQUIREMENTS {
        let gate = gate(lab, requirement.policy)?;
        for entries in requirement.refused {
            refused(create(&gate.endpoint(), entries), requirement.words)
                .map_err(|why| format!("{} {entries}: {why}", requirement.policy))?;
        }
        for entries in requirement.created {
            create(&gate.endpoint(), entries)
                .map_err(|why| format!("{} {entries}: {why}", requirement.policy))?;
            remove(lab)?;
        }
    }
    Ok(())
}

fn updates(lab: &Lab) -> Result<(), Failed> {
    create(&lab.daemon().endpoint(), r#""HostConfig":{"Memory":16777216,"MemorySwap":16777216}"#)?;
    let gate = gate(lab, "MAX_MEMORY=64m MAX_CPUS=0.5 MAX_PIDS=100")?;
    let update = |body| ask(&gate.endpoint(), "POST", "/containers/box/update", body);
    for (body, words) in [
        (r#"{"Memory":67108865,"MemorySwap":67108865}"#, "within MAX_MEMORY"),
        (r#"{"Memory":33554432,"MemorySwap":-1}"#, "twice MAX_MEMORY"),
        (r#"{"memory":-1}"#, "within MAX_MEMORY"),
        (r#"{"NanoCpuſ":1000000000}"#, "within MAX_CPUS"),
        (r#"{"CpuQuota":100000}"#, "within MAX_CPUS"),
        (r#"{"CpuPeriod":1000}"#, "within MAX_CPUS"),
        // The period would be the container's own.
        (r#"{"CpuQuota":50000}"#, "with CpuPeriod"),
        (r#"{"PidsLimit":0}"#, "within MAX_PIDS"),
        (r#"{"PidsLimit":101}"#, "within MAX_PIDS"),
        (r#"{"PidsLimit":-1}"#, "within MAX_PIDS"),
        (r#"{"PidsLimit":1,"pidslimit":101}"#, "more than once"),
    ] {
        refused(update(body), words).map_err(|why| format!("{body}: {why}"))?;
    }
    update(
        r#"{"Memory":33554432,"MemorySwap":33554432,"CpuQuota":50000,"CpuPeriod":100000,"RestartPolicy":{"Name":"always"}}"#,
    )?;
    let made = shown(lab, "/containers/box/json")?;
    let config = &made["HostConfig"];
    if (config["Memory"].as_u64(), config["CpuQuota"].as_u64()) != (Some(33_554_432), Some(50_000))
    {
        return Err(config.to_string().into());
    }
    Ok(())
}

fn execs(lab: &Lab) -> Result<(), Failed> {
    create(&lab.daemon().endpoint(), r#""User":"1000","HostConfig":{"NetworkMode":"none"}"#)?;
    ask(&lab.daemon().endpoint(), "POST", "/containers/box/start", "")?;
    let gate = gate(lab, "REQUIRE_NON_ROOT=1")?;
    let exec = |entries| {
        let body = format!(r#"{{"Cmd":["true"]{entries}}}"#);
        ask(&gate.endpoint(), "POST", "/containers/box/exec", &body)
    };
    for entries in [r#","User":"0""#, r#","User":"root""#, r#","uſer":"0:1000""#] {
        refused(exec(entries), "REQUIRE_NON_ROOT=1").map_err(|why| format!("{entries}: {why}"))?;
    }
    for entries in ["", r#","User":"""#, r#","User":"1001:1001""#] {
        exec(entries).map_err(|why| format!("{entries}: {why}"))?;
    }
    Ok(())
}
