//! Where fuzzing begins: what clients send (`client-requests.tsv`), what was once wrong
//! (`tests/data/refusals`), every operation in its plainest form, and a few answers and bodies.

#[path = "../admission_twin/bodies.rs"]
mod bodies;
#[expect(dead_code, reason = "what is to become of them is the wire tests' to know")]
#[path = "../wire/refusals.rs"]
mod refusals;

const CLIENT_REQUESTS: &str = include_str!("../data/client-requests.tsv");

const OPERATIONS: [&str; 2] =
    [include_str!("../data/swagger-operations.tsv"), include_str!("../data/router-operations.tsv")];

/// Answers as daemons give them, and some as they should not.
const ANSWERS: &[&str] = &[
    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK",
    "HTTP/1.1 200 OK\r\nApi-Version: 1.41\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    "HTTP/1.1 204 No Content\r\n\r\n",
    "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n",
    "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n",
    "HTTP/1.1 101 UPGRADED\r\nContent-Type: application/vnd.docker.raw-stream\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\nraw",
    "HTTP/1.1 200 OK\r\nContent-Type: application/vnd.docker.raw-stream\r\n\r\nraw",
    "HTTP/1.1 200 OK\r\nContent-Type: application/vnd.docker.multiplexed-stream\r\n\r\nraw",
    "HTTP/1.1 404 Not Found\r\nContent-Type: application/vnd.docker.raw-stream\r\n\r\nno such\r\n",
    "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\nx",
    "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\nnot websocket protocol",
    "HTTP/1.1 200\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx",
    "HTTP/1.1 200 OK\nContent-Length: 1\n\nx",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: A\r\n\r\n0\r\nA: b\r\n\r\n",
];

/// Bodies of creates and others, fine and not.
const ARGUMENTS: &[&str] = &[
    "ContainerCreate\n{\"Image\":\"alpine\",\"HostConfig\":{\"Binds\":[\"data:/d\",\"/srv/a/b:/h:ro\"],\"Memory\":0}}",
    "ContainerCreate\n{\"HostConfig\":{\"Binds\":[\"/etc:/e\",\"data:/d\"],\"Mounts\":[{\"Type\":\"bind\",\"Source\":\"/etc\",\"Target\":\"/t\"},{\"Type\":\"tmpfs\",\"Target\":\"/u\"}]}}",
    "ContainerCreate\n{\"HostConfig\":{\"Mounts\":[{\"Type\":\"volume\",\"Source\":\"v\",\"VolumeOptions\":{\"DriverConfig\":{\"Name\":\"local\",\"Options\":{\"o\":\"bind\",\"type\":\"none\",\"device\":\"/srv/a\"}}}}]}}",
    "ContainerCreate\n{\"hostCon\\u0066ig\":{\"Privileged\":true}}",
    "ContainerCreate\n{\"HostConfig\":{\"Privileged\":true,\"privileged\":null}}",
    "ContainerCreate\n{\"HostConfig\":{\"CapAdd\":[\"SYS_ADMIN\"],\"PidMode\":\"host\",\"NetworkMode\":\"container:x\"}}",
    "ContainerCreate\n{\"HostConfig\":{\"PortBindings\":{\"80/tcp\":[{\"HostIp\":\"\",\"HostPort\":\"8080\"}]},\"NanoCpus\":500000000,\"Memory\":1048576},\"User\":\"1000\"}",
    "ContainerUpdate\n{\"Memory\":1048576,\"RestartPolicy\":{\"Name\":\"no\"}}",
    "ContainerExec\n{\"Cmd\":[\"sh\"],\"Privileged\":false,\"User\":\"\",\"Env\":null}",
    "ExecStart\n{\"Detach\":false,\"Tty\":false}",
    "VolumeCreate\n{\"Name\":\"v\",\"Driver\":\"local\",\"DriverOpts\":{\"type\":\"none\",\"o\":\"bind\",\"device\":\"/srv/a\"}}",
    "NetworkCreate\n{\"Name\":\"n\",\"Driver\":\"bridge\",\"IPAM\":{\"Config\":[]},\"Options\":{}}",
    "ServiceCreate\n{\"Name\":\"s\",\"TaskTemplate\":{\"ContainerSpec\":{\"Image\":\"x\",\"Mounts\":[{\"Type\":\"bind\",\"Source\":\"/etc\",\"Target\":\"/e\"}]}}}",
    "ImageBuild\nnetworkmode=default&t=a%3A1&remote=",
    "ImageCreate\nfromImage=alpine&tag=latest",
    "PluginPull\nremote=x\n[{\"Name\":\"network\",\"Value\":[\"bridge\"]}]",
    "NodeUpdate\n{\"Role\":\"worker\",\"Availability\":\"active\"}",
    "SwarmInit\n{\"ListenAddr\":\"0.0.0.0:2377\",\"Spec\":{\"CAConfig\":{\"ExternalCAs\":[]}}}",
    "SecretCreate\n{\"Name\":\"s\",\"Data\":\"eA==\"}",
];

/// Arguments that are made up, beside these.
const MADE_UP: usize = 160;

const BODIES: &[&str] = &[
    "r\n3\r\nabc\r\n0\r\n\r\n",
    "rbcgf\n3\r\nabc\r\n0a\r\n0123456789\r\n0\r\n\r\nGET",
    "a\n5\r\nhello\r\n0\r\nA: b\r\n\r\n",
    "a\n0\r\nA: b\r\nC:\r\n\r\n",
    "r\n0\r\nA: b\r\n\r\n",
    "r\n3;a=b\r\nabc\r\n0\r\n\r\n",
    "r\n0000000000000003\r\nabc\r\n0\r\n\r\n",
    "r\n00000000000000003\r\nabc\r\n0\r\n\r\n",
    "r\nffffffffffffffff\r\nabc",
    "r\n3\nabc\r\n0\r\n\r\n",
    "r\nc\r\n\r\n0\r\n\r\nGET /\r\n0\r\n\r\n",
    "0\nGET",
    "5ac\nhello",
    "12cdb\nhello",
    "ucd\nall of it",
];

/// The seeds of a property.
pub fn of(property: &str) -> Vec<Vec<u8>> {
    let recorded = || client_requests().into_iter();
    let wrong: Vec<Vec<u8>> = refusals::all().iter().map(refusals::Case::bytes).collect();
    let texts = |texts: &[&str]| -> Vec<Vec<u8>> {
        texts.iter().map(|text| text.as_bytes().to_vec()).collect()
    };
    match property {
        "request_head" => wrong.into_iter().chain(recorded().map(|(_, head)| head)).collect(),
        "target" => {
            let lines = recorded().map(|(line, _)| line).chain(operations());
            let encoded = [
                "GET /v1.41/%63ontainers/a%2Fb/json",
                "GET /containers%2fjson",
                "GET /images/a/b%2Fc/json?x=%2F",
                "GET /v1%2e41/version",
                "GET /networks/",
                "GET /v1.41/networks/",
                "GET /%2563ontainers/json",
                "GET /containers/../json",
                "GET //version",
            ];
            lines.chain(encoded.map(str::to_owned)).map(String::into_bytes).collect()
        }
        "query" => {
            let queries =
                recorded().filter_map(|(line, _)| Some(line.split_once('?')?.1.to_owned()));
            let odd = ["a=b;c=d", "%zz=1", "a=%ff", "a+b=%2B&&a", "?a==b", "=", "a=1&a=2", ""];
            queries.chain(odd.map(str::to_owned)).map(String::into_bytes).collect()
        }
        "response_head" => {
            let letters = ANSWERS.iter().enumerate().flat_map(|(index, answer)| {
                ["g", ["h", "s", "u"][index % 3]]
                    .map(|letter| format!("{letter}{answer}").into_bytes())
            });
            letters.collect()
        }
        "exchange" => {
            let recorded: Vec<_> = recorded().collect();
            let mut all: Vec<Vec<u8>> = Vec::new();
            for (index, bytes) in wrong.iter().enumerate() {
                all.push([&b"2\n"[..], bytes].concat());
                // What was wrong, behind something that is not.
                all.push([&b"3z\nGET /_ping HTTP/1.1\r\nHost: x\r\n\r\n"[..], bytes].concat());
                let answer = ANSWERS[index % ANSWERS.len()].as_bytes();
                all.push([&b"3\n"[..], bytes, b"\n====\n", answer].concat());
            }
            for (index, pair) in recorded.windows(2).enumerate() {
                let policy = format!("{}{}\n", index % 5, ["", "\u{1}", "~"][index % 3]);
                let both = [policy.as_bytes(), &pair[0].1, &pair[1].1].concat();
                let answer = ANSWERS[index % ANSWERS.len()].as_bytes();
                let mark = [&b"\n====\n"[..], &b"\n====\n!"[..], &b"\n====\n?"[..]][index % 3];
                all.push(if index % 2 == 0 { both } else { [&both[..], mark, answer].concat() });
            }
            all
        }
        "admission" => texts(ARGUMENTS).into_iter().chain(made_up()).collect(),
        "body_cursor" => texts(BODIES),
        other => panic!("no seeds for {other}"),
    }
}

/// Arguments as the admission's twin makes them up, with mounts, odd keys and faults among them.
fn made_up() -> impl Iterator<Item = Vec<u8>> {
    let mut number = 1u32;
    (0..MADE_UP).map(move |index| {
        let mut tape = Vec::new();
        for _ in 0..160 {
            number = number.wrapping_mul(1_103_515_245).wrapping_add(12345);
            tape.push(number.to_be_bytes()[1]);
        }
        let mut tape = bodies::Tape::new(&tape);
        match index % 8 {
            0..=3 => [&b"ContainerCreate\n"[..], &bodies::mounting(&mut tape)].concat(),
            4 | 5 => [&b"ContainerCreate\n"[..], &bodies::create(&mut tape)].concat(),
            6 => [&b"ContainerCreate\n"[..], &bodies::soup(&mut tape)].concat(),
            _ => [&b"ImageBuild\n"[..], &bodies::query(&mut tape)].concat(),
        }
    })
}

/// Every operation in its plainest form, but OPTIONS, which is one on any path.
pub fn operations() -> impl Iterator<Item = String> {
    let lines = OPERATIONS.iter().flat_map(|table| table.lines());
    let lines = lines.filter(|line| !line.starts_with('#') && !line.starts_with("OPTIONS"));
    lines.filter_map(|line| {
        let mut fields = line.split('\t');
        let (method, path) = (fields.next()?, fields.next()?);
        Some(format!("{method} {}", path.replace("{name}", "x")))
    })
}

/// What clients sent: method and target, and the whole head, with a body where there has to be one.
fn client_requests() -> Vec<(String, Vec<u8>)> {
    let lines = CLIENT_REQUESTS.lines().filter(|line| !line.starts_with('#'));
    let request = |line: &str| {
        let mut fields = line.split('\t');
        let mut field = || fields.next().unwrap_or_default();
        let (method, target, headers) = (field(), field(), field());
        let body = if headers.contains("application/json") { "{}" } else { "tar" };
        let headers = headers.replace('*', &body.len().to_string());
        let fields: String = headers
            .split("; ")
            .filter(|header| header.contains(": "))
            .flat_map(|header| [header, "\r\n"])
            .collect();
        let body = if headers.contains("chunked") {
            format!("{:x}\r\n{body}\r\n0\r\n\r\n", body.len())
        } else if headers.contains(&format!("Content-Length: {}", body.len())) {
            body.to_owned()
        } else {
            String::new()
        };
        let host = "Host: api.moby.localhost";
        let head = format!("{method} {target} HTTP/1.1\r\n{host}\r\n{fields}\r\n{body}");
        (format!("{method} {target}"), head.into_bytes())
    };
    lines.map(request).collect()
}
