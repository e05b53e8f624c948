//! Bodies and queries out of a tape of random bytes: mostly what clients send, with what they
//! should not among it, written in every way there is. An empty tape makes the plainest.

/// A source of choices.
pub struct Tape<'t> {
    bytes: &'t [u8],
}

impl<'t> Tape<'t> {
    pub fn new(bytes: &'t [u8]) -> Self {
        Self { bytes }
    }

    /// A number below `end`; 0 where the tape has ended.
    fn below(&mut self, end: usize) -> usize {
        let Some((first, rest)) = self.bytes.split_first() else { return 0 };
        self.bytes = rest;
        usize::from(*first) % end
    }

    /// Once in `count` times.
    pub fn once_in(&mut self, count: usize) -> bool {
        self.below(count) == count - 1
    }

    fn pick<'p, T: ?Sized>(&mut self, choices: &[&'p T]) -> &'p T {
        choices[self.below(choices.len())]
    }
}

/// A field's name, values that are fine, and values that are not.
type Line = (&'static str, &'static [&'static str], &'static [&'static str]);

const HOST_CONFIG: &[Line] = &[
    ("Memory", &["0", "1048576", "null"], &["-1", "1.5"]),
    ("ReadonlyRootfs", &["true", "false"], &[]),
    ("Privileged", &["false", "null"], &["true"]),
    (
        "Binds",
        &["[]", "null", "[\"data:/d\"]", "[\"/anonymous\"]", "[\"data:/d:ro\",\"b\\u0031:/e:z\"]"],
        &[
            "[\"/etc:/e\"]",
            "[\"data:/d\",\"/srv/a/b:/h:ro\",\"//etc:/x\"]",
            "[\"\\/:/h\", \"x:/x\"]",
            "[\"/srv/../etc:/e\"]",
            "\"/etc:/e\"",
            "[null]",
            "[\"./x:/y\"]",
            "[\"data:/d:rshared\"]",
        ],
    ),
    (
        "CapAdd",
        &["[]", "null", "[\"CHOWN\",\"cap_kill\"]", "\"net_raw\""],
        &["[\"SYS_ADMIN\"]", "\"ALL\"", "[\"chown\",\"all\"]", "[\"cap_cap_chown\"]"],
    ),
    ("Capabilities", &["null", "[]"], &["[\"SYS_PTRACE\"]"]),
    (
        "PidMode",
        &["\"\"", "\"private\""],
        &["\"host\"", "\"container:x\"", "\"h\\u006fst\"", "\"ho\u{17f}t\""],
    ),
    ("IpcMode", &["\"\"", "\"shareable\""], &["\"host\"", "\"container:x\""]),
    ("UTSMode", &["\"\""], &["\"host\""]),
    ("UsernsMode", &["\"\""], &["\"host\""]),
    ("CgroupnsMode", &["\"private\"", "\"\""], &["\"host\""]),
    ("Cgroup", &["\"\""], &["\"container:x\""]),
    (
        "NetworkMode",
        &["\"default\"", "\"bridge\"", "\"mine\""],
        &["\"host\"", "\"container:x\"", "\"HOST\""],
    ),
    ("Devices", &["[]", "null"], &["[{\"PathOnHost\":\"/dev/sda\"}]", "[{}]"]),
    ("DeviceCgroupRules", &["[]", "null"], &["[\"a *:* rwm\"]"]),
    ("DeviceRequests", &["[]", "null"], &["[{\"Count\":-1}]", "[{}]"]),
    (
        "SecurityOpt",
        &["[]", "[\"no-new-privileges\"]", "[\"seccomp=builtin\"]"],
        &["[\"seccomp:unconfined\"]", "[\"label=disable\"]", "[\"no-new-privileges=false\"]"],
    ),
    ("VolumesFrom", &["[]", "null"], &["[\"other\"]"]),
    ("VolumeDriver", &["\"\"", "\"local\""], &["\"nfs\""]),
    ("MaskedPaths", &["null"], &["[]", "[\"/proc/acpi\"]"]),
    ("ReadonlyPaths", &["null"], &["[]"]),
    (
        "Sysctls",
        &["{}", "null", "{\"net.core.somaxconn\":\"1\"}", "{\"net.ipv4.ip_forward\":\"1\"}"],
        &["{\"kernel.shmmax\":\"1\"}", "{\"net/ipv4/x\":\"1\"}"],
    ),
    (
        "Annotations",
        &["{}", "null", "{\"org.opencontainers.image.title\":\"x\"}"],
        &["{\"a\":\"b\"}", "{\"run.oci.handler\":\"x\"}"],
    ),
    ("Runtime", &["\"\"", "\"runc\""], &["\"kata\""]),
    ("CgroupParent", &["\"\""], &["\"/\"", "\"../x\""]),
    ("OomScoreAdj", &["0", "500"], &["-1", "-0"]),
    ("OomKillDisable", &["null", "false"], &["true"]),
    (
        "LogConfig",
        &["{\"Type\":\"json-file\",\"Config\":{\"max-size\":\"1m\"}}", "{}", "{\"Type\":\"\"}"],
        &["{\"Type\":\"syslog\"}", "{\"Config\":{\"x\":\"y\"}}"],
    ),
    ("Links", &["[]", "null", "[\"a:b\"]"], &[]),
    ("Tmpfs", &["null", "{\"/t\":\"size=1m\"}", "{\"/t\":\"exec\"}"], &["{\"/t\":\"suid\"}"]),
];

const MOUNT: &[Line] = &[
    ("Type", &["\"volume\"", "\"tmpfs\"", "\"image\""], &["\"bind\"", "\"cluster\"", "\"Bind\""]),
    ("Source", &["\"data\"", "\"\"", "\"/srv/a/x\""], &["\"/etc\"", "\"/srv/a/../b\"", "\"..\""]),
    ("Target", &["\"/t\""], &[]),
    ("ReadOnly", &["true", "null"], &[]),
    (
        "BindOptions",
        &["{\"Propagation\":\"rprivate\"}", "null", "{}"],
        &["{\"Propagation\":\"shared\"}"],
    ),
    (
        "VolumeOptions",
        &["{\"DriverConfig\":{}}", "null", "{\"DriverConfig\":null,\"Labels\":{\"a\":\"1\"}}"],
        &[
            "{\"DriverConfig\":{\"Options\":{\"type\":\"none\",\"o\":\"bind\",\"device\":\"/\"}}}",
            "{\"DriverConfig\":{\"Name\":\"local\",\"Options\":{\"o\":\"rbind\",\"device\":\"/srv/a\"}}}",
            "{\"DriverConfig\":{\"Options\":{\"type\":\"nfs\",\"o\":\"\",\"device\":\":/x\"}}}",
            "{\"DriverConfig\":{\"Name\":\"plugin\"}}",
        ],
    ),
];

const ENDPOINTS: &[Line] = &[
    ("mine", &["{}", "null", "{\"Aliases\":[\"x\"]}"], &["{\"DriverOpts\":{\"a\":\"b\"}}"]),
    ("container:x", &[], &["{}", "null"]),
    ("host", &[], &["{}", "null"]),
];

/// What is no value of that field.
const ODD: &[&str] = &[
    "null",
    "1",
    "\"x\"",
    "[]",
    "{}",
    "[[]]",
    "true",
    "1e3",
    "\"\\u0000\"",
    "[{\"a\":1,\"a\":2}]",
];

fn blank(tape: &mut Tape<'_>) -> &'static str {
    if tape.once_in(6) { tape.pick(&[" ", "\n", "\t", "\r\n", "  "]) } else { "" }
}

/// A key in one of its spellings, in quotes.
fn key(tape: &mut Tape<'_>, name: &str) -> String {
    let spelt = match tape.below(16) {
        10 => name.to_lowercase(),
        11 => name.to_uppercase(),
        12 => name.replace(['s', 'S'], "\u{17f}"),
        13 => name.replace(['k', 'K'], "\u{212a}"),
        14 => {
            let at = tape.below(name.len().max(1));
            let escape = |(index, letter): (usize, char)| {
                if index == at {
                    format!("\\u{:04x}", u32::from(letter))
                } else {
                    letter.to_string()
                }
            };
            name.char_indices().map(escape).collect()
        }
        15 => name.replace('s', "\\u017F"),
        _ => name.to_owned(),
    };
    format!("\"{spelt}\"")
}

fn object(tape: &mut Tape<'_>, mut entries: Vec<(String, String)>) -> String {
    if let Some((name, value)) = entries.first().cloned().filter(|_| tape.once_in(16)) {
        let value = if tape.once_in(2) { value } else { tape.pick(ODD).to_owned() };
        entries.push((name, value));
    }
    let mut text = "{".to_owned();
    for (index, (name, value)) in entries.iter().enumerate() {
        let comma = if index > 0 { "," } else { "" };
        let (before, after) = (blank(tape), blank(tape));
        let key = key(tape, name);
        text.extend([comma, before, &key, after, ":", before, value.as_str(), after]);
    }
    text.push('}');
    text
}

fn value(tape: &mut Tape<'_>, (_, fine, forbidden): &Line) -> String {
    let choices = match tape.below(12) {
        10 if !forbidden.is_empty() => forbidden,
        11 => ODD,
        _ if fine.is_empty() => forbidden,
        _ => fine,
    };
    tape.pick(choices).to_owned()
}

/// Some of the lines, with values.
fn some(tape: &mut Tape<'_>, lines: &[Line], count: usize) -> Vec<(String, String)> {
    let mut entries: Vec<(String, String)> = Vec::new();
    for _ in 0..tape.below(count + 1) {
        let line = &lines[tape.below(lines.len())];
        let is_there = entries.iter().any(|(name, _)| name == line.0);
        if !is_there || tape.once_in(8) {
            entries.push((line.0.to_owned(), value(tape, line)));
        }
    }
    entries
}

fn mounts(tape: &mut Tape<'_>) -> String {
    let mut mounts = Vec::new();
    for _ in 0..tape.below(4) {
        let kind = if tape.once_in(3) { "\"bind\"".to_owned() } else { value(tape, &MOUNT[0]) };
        let kind = ("Type".to_owned(), kind);
        let mut entries = vec![kind];
        entries.extend(some(tape, &MOUNT[1..], 3));
        mounts.push(object(tape, entries));
    }
    format!("[{}{}]", blank(tape), mounts.join(","))
}

fn host_config(tape: &mut Tape<'_>) -> Vec<(String, String)> {
    let mut entries = some(tape, HOST_CONFIG, 6);
    if tape.once_in(2) && !entries.iter().any(|(name, _)| name == "ReadonlyRootfs") {
        entries.push(("ReadonlyRootfs".to_owned(), "true".to_owned()));
    }
    if tape.once_in(2) {
        entries.push(("Mounts".to_owned(), mounts(tape)));
    }
    entries
}

/// A list of binds.
fn binds(tape: &mut Tape<'_>) -> String {
    const BINDS: &[&str] = &[
        "\"data:/d\"",
        "\"/etc:/e\"",
        "\"b\\u0061:/e:ro\"",
        "\"/srv/a:/a\"",
        "\"/srv/a/../b:/a\"",
        "\"data:/\u{e9}\\u00e9\"",
        "\"/anonymous\"",
        "\"\\/srv\\/a\\/]:/e\"",
        "\"/:/[,]\"",
        "\"/\u{e9}:/\u{e9}:z\"",
        "\"/x:/x:rshared\"",
        "null",
    ];
    let mut binds = Vec::new();
    for _ in 0..tape.below(5) {
        let bind = if tape.once_in(8) { tape.pick(BINDS) } else { tape.pick(&BINDS[..10]) };
        binds.push(format!("{}{bind}{}", blank(tape), blank(tape)));
    }
    format!("[{}]", binds.join(","))
}

/// The body of a `ContainerCreate` that is mostly about mounts, beside `HostConfig` or in it.
pub fn mounting(tape: &mut Tape<'_>) -> Vec<u8> {
    let mut entries = vec![
        ("Binds".to_owned(), binds(tape)),
        ("Mounts".to_owned(), mounts(tape)),
        ("Memory".to_owned(), "9007199254740993".to_owned()),
    ];
    if tape.once_in(4) {
        entries.extend(some(tape, &HOST_CONFIG[3..], 1));
    }
    let at = tape.below(entries.len());
    entries.rotate_left(at);
    if tape.below(4) < 3 {
        let host = object(tape, entries);
        entries = vec![("HostConfig".to_owned(), host)];
        if tape.once_in(8) {
            entries.push(("Binds".to_owned(), binds(tape)));
        }
    }
    entries.push(("Later".to_owned(), "{\"Binds\":[1.50, \"/etc:/e\"]}".to_owned()));
    object(tape, entries).into_bytes()
}

/// The body of a `ContainerCreate`, more or less.
pub fn create(tape: &mut Tape<'_>) -> Vec<u8> {
    let mut entries = vec![("Image".to_owned(), "\"alpine\"".to_owned())];
    if tape.below(8) < 7 {
        let host = host_config(tape);
        let host = if tape.once_in(24) { "null".to_owned() } else { object(tape, host) };
        entries.push(("HostConfig".to_owned(), host));
    }
    if tape.once_in(4) {
        entries.extend(host_config(tape));
    }
    if tape.once_in(4) {
        let endpoints = some(tape, ENDPOINTS, 2);
        // Keys of a map, as they are.
        let endpoints: Vec<String> =
            endpoints.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
        let config = format!("{{\"EndpointsConfig\":{{{}}}}}", endpoints.join(","));
        entries.push(("NetworkingConfig".to_owned(), config));
    }
    if tape.once_in(4) {
        let odd = tape.pick(ODD).to_owned();
        entries.push((tape.pick(&["Later", "Labels", "", "HostConfi"]).to_owned(), odd));
    }
    let at = tape.below(entries.len());
    entries.rotate_left(at);
    let text = format!("{}{}{}", blank(tape), object(tape, entries), blank(tape));
    let mut body = text.into_bytes();
    if tape.once_in(8) {
        damage(tape, &mut body);
    }
    body
}

/// Signs of JSON in any order, and bytes that are none.
pub fn soup(tape: &mut Tape<'_>) -> Vec<u8> {
    const PIECES: &[&[u8]] = &[
        b"{",
        b"}",
        b"[",
        b"]",
        b",",
        b":",
        b"\"a\"",
        b"\"A\"",
        b"\"",
        b"\\",
        b"\"\\ud83d\\ude00\"",
        b"\"\\ud83d\"",
        b"\"\\u00e9\"",
        b"0",
        b"-0",
        b"01",
        b"1.0",
        b"1e5",
        b"1E+",
        b"-",
        b"9223372036854775807",
        b"9223372036854775808",
        b"-9223372036854775809",
        b"null",
        b"true",
        b"false",
        b"nul",
        b" ",
        b"\n",
        b"\x0b",
        b"\xff",
        b"\xef\xbb\xbf",
        b"\"\\/\\b\"",
        b"\"\n\"",
        b"{\"a\":",
        b"\"x\":",
        b"\"\xc3\xa9\"",
        b"/**/",
        b"NaN",
        b"'a'",
    ];
    let mut body = Vec::new();
    for _ in 0..tape.below(24) {
        body.extend_from_slice(tape.pick(PIECES));
    }
    body
}

fn damage(tape: &mut Tape<'_>, body: &mut Vec<u8>) {
    for _ in 0..=tape.below(3) {
        let at = tape.below(256) * 7 % body.len().max(1);
        let byte = u8::try_from(tape.below(256)).unwrap_or(0);
        match tape.below(5) {
            0 if at < body.len() => body[at] = byte,
            1 if at < body.len() => drop(body.remove(at)),
            2 => body.insert(at.min(body.len()), byte),
            3 => body.truncate(at),
            _ => body.extend_from_slice(tape.pick(&["}", "{}", "\0", " x", "\u{feff}"]).as_bytes()),
        }
    }
}

/// A query of `ImageBuild` or `ImageCreate`, more or less.
pub fn query(tape: &mut Tape<'_>) -> Vec<u8> {
    const KEYS: &[&str] = &[
        "networkmode",
        "t",
        "remote",
        "cgroupparent",
        "fromSrc",
        "fromImage",
        "dockerfile",
        "NetworkMode",
        "network%6Dode",
        "networkmod%65",
        "remot%",
        "re%6dote",
        "+remote",
        "",
    ];
    const VALUES: &[&str] = &[
        "",
        "default",
        "x",
        "bridge",
        "-",
        "host",
        "container:x",
        "http://x/?a=b",
        "%68ost",
        "ho%73t",
        "h%6Fst;x",
        "default%26networkmode=host",
        "%zz",
        "%",
        "%ff",
        "a+b",
        "client-session",
        "%2D",
        "default&networkmode=host",
    ];
    let mut parts = Vec::new();
    for _ in 0..tape.below(6) {
        let key = if tape.once_in(3) { tape.pick(KEYS) } else { tape.pick(&KEYS[..7]) };
        let value = if tape.once_in(3) { tape.pick(VALUES) } else { tape.pick(&VALUES[..5]) };
        parts.push(match tape.below(8) {
            7 => key.to_owned(),
            6 => String::new(),
            _ => format!("{key}={value}"),
        });
    }
    parts.join("&").into_bytes()
}
