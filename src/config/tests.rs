#![allow(clippy::unwrap_used)]

use std::fs;

use figment::Figment;
use figment::error::Kind;
use figment::providers::Serialized;
use figment::value::{Dict, Value};
use tempfile::TempDir;

use super::layer::{KNOWN, find, leaves};
use super::*;

fn load(file: &str, env: &[(&str, &str)]) -> Result<Config, Vec<Problem>> {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("scimgate.toml");
    fs::write(&path, file).unwrap();
    let env = env
        .iter()
        .map(|(name, value)| (name.to_string(), value.to_string()));
    Config::load(Some(&path), env)
}

/// The problems, one a line, with the directory of the file cut off.
#[track_caller]
fn check(file: &str, env: &[(&str, &str)], expect: &[&str]) {
    let problems = load(file, env).unwrap_err();
    let found: Vec<String> = problems
        .iter()
        .map(|problem| {
            let file = Path::new(&problem.file).file_name().unwrap();
            let help = problem.help.as_deref().unwrap();
            let file = file.to_string_lossy();
            format!("{} (in {file}); {help}", problem.message)
        })
        .collect();
    assert_eq!(found, expect);
}

#[test]
fn the_defaults_are_what_the_design_says() {
    let expect = Config {
        version: FormatVersion::default(),
        server: Server {
            listen: "127.0.0.1:8080".parse().unwrap(),
            public_url: None,
            tls: None,
            max_in_flight: 4096,
            max_connections: 1024,
            max_connections_per_source: 128,
            body_limit: 1_048_576,
            body_budget: 33_554_432,
        },
        ops: Port {
            listen: "127.0.0.1:9090".parse().ok(),
        },
        admin: Port {
            listen: "127.0.0.1:9091".parse().ok(),
        },
        workers: None,
        catalog: Catalog {
            built_in: true,
            adapters: "adapters".into(),
            scripts: "scripts".into(),
            tenants: "tenants".into(),
            secrets: "secrets".into(),
            transcripts: "tests/vendors".into(),
            watch: Means::Auto,
            removal_grace_seconds: 300,
        },
        store: Store {
            path: "state/scimgate.db".into(),
            postgres_url_file: None,
            postgres_ca: None,
            pepper_file: None,
            credential_key_file: None,
            credential_key_file_before: None,
        },
        limits: Limits {
            requests_per_second: NonZeroU32::new(50).unwrap(),
            burst: NonZeroU32::new(200).unwrap(),
            in_flight: 64,
        },
        vendor: Vendor { extra_ca: None },
        oauth: OAuth {
            access_token_minutes: 60,
        },
        log: Log {
            format: LogFormat::Json,
            filter: "info".into(),
            identity: Identity::Masked,
            reads: Reads::Failures,
            retention: Duration::from_secs(30 * 86_400),
            max_events: 200_000,
        },
        telemetry: Telemetry {
            tenant_label: TenantLabel::Full,
        },
        deadline: Deadline {
            request_seconds: 45,
        },
    };
    assert_eq!(Config::default(), expect);
}

#[test]
fn every_example_of_the_reference_is_a_valid_value() {
    let config: Config = Figment::from(Serialized::defaults(&*KNOWN))
        .extract()
        .unwrap();
    assert!(config.workers.is_some() && config.server.public_url.is_some());
    assert!(config.server.tls.is_some() && config.vendor.extra_ca.is_some());
}

/// An unknown key makes serde list the keys it knows: those must be in the reference.
#[test]
fn every_key_of_the_structs_is_in_the_reference_and_no_other() {
    let sections = leaves(&KNOWN).filter_map(|key| Some(key.rsplit_once('.')?.0.to_owned()));
    for section in sections.chain([String::new()]) {
        let probe = [&section, "?"].map(str::to_owned).join(".");
        let probed =
            Figment::from(Serialized::defaults(&*KNOWN)).merge((probe.trim_start_matches('.'), 0));
        let error = probed.extract::<Config>().unwrap_err();
        let Kind::UnknownField(_, fields) = error.kind else {
            panic!("{error}")
        };
        let mut fields = fields.to_vec();
        fields.sort_unstable();
        let known = if section.is_empty() {
            &*KNOWN
        } else {
            find(&KNOWN, &section).and_then(Value::as_dict).unwrap()
        };
        assert_eq!(known.keys().collect::<Vec<_>>(), fields, "[{section}]");
    }
}

#[test]
fn every_key_of_the_reference_has_a_comment_above_it() {
    let lines: Vec<&str> = REFERENCE.lines().collect();
    for pair in lines
        .windows(2)
        .filter(|pair| pair[1].contains(" = ") && !pair[1].starts_with("# "))
    {
        assert!(pair[0].starts_with("# "), "{}", pair[1]);
    }
    assert!(toml::from_str::<Dict>(REFERENCE).is_ok());
}

#[test]
fn the_environment_wins_over_the_file_and_the_file_over_the_defaults() {
    let config = load(
        "workers = 2\n[server]\nlisten = \"0.0.0.0:1\"\nbody_limit = 10\n[log]\nformat = \"text\"",
        &[
            ("SCIMGATE_SERVER__LISTEN", "[::1]:443"),
            ("SCIMGATE_SERVER__BODY_LIMIT", "64 KiB"),
            ("SCIMGATE_STORE__PATH", "/1"),
            ("SCIMGATE_LOG__FILTER", "1"),
            ("SCIMGATE_CONFIG", "x.toml"),
            ("SCIMGATE_PROBE_TOKEN", "scg_x"),
            ("SCIMGATE_SERVICE_HOST", "10.0.0.1"),
            ("SCIMGATE_PORT_8080_TCP", "tcp://10.0.0.1:8080"),
            ("OTHER_SERVER__LISTEN", "x"),
        ],
    )
    .unwrap();
    assert_eq!(config.server.listen, "[::1]:443".parse().unwrap());
    assert_eq!(config.server.body_limit, 65_536);
    assert_eq!(
        (config.workers, config.log.format),
        (Some(2), LogFormat::Text)
    );
    assert_eq!(config.log.filter, "1");
    assert_eq!(config.store.path, Path::new("/1"));
}

#[test]
fn json_is_read_as_well() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("scimgate.json");
    fs::write(
        &path,
        r#"{"server": {"public_url": "https://scim.example.com/x"}}"#,
    )
    .unwrap();
    let config = Config::load(Some(&path), std::iter::empty()).unwrap();
    assert_eq!(config.server.public_url.unwrap().path(), "/x");
}

#[test]
fn relative_paths_begin_at_the_file_absolute_ones_stay() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("scimgate.toml");
    fs::write(
        &path,
        "[server.tls]\ncertificate = \"a.pem\"\nkey = \"/k/a.key\"\n[vendor]\nextra_ca = \"ca.pem\"",
    )
    .unwrap();
    let config = Config::load(Some(&path), std::iter::empty()).unwrap();
    let tls = config.server.tls.unwrap();
    assert_eq!(tls.certificate, directory.path().join("a.pem"));
    assert_eq!(tls.key, Path::new("/k/a.key"));
    assert_eq!(
        config.vendor.extra_ca.unwrap(),
        directory.path().join("ca.pem")
    );
    assert_eq!(config.catalog.tenants, directory.path().join("tenants"));
}

#[test]
fn unknown_keys_are_told_with_what_may_be_meant() {
    check(
        "[server]\nlissten = \"x\"",
        &[],
        &["there is no key server.lissten (in scimgate.toml); did you mean server.listen?"],
    );
    check(
        "[server]\nfoo = 1",
        &[],
        &["there is no key server.foo (in scimgate.toml); \
           remove it; config.default.toml lists every key"],
    );
    check(
        "burst = 3\n[colour]\nred = 1",
        &[],
        &[
            "there is no key burst (in scimgate.toml); did you mean limits.burst?",
            "there is no key colour (in scimgate.toml); \
             remove it; config.default.toml lists every key",
        ],
    );
}

#[test]
fn unknown_variables_are_told_with_what_may_be_meant() {
    check(
        "",
        &[
            ("SCIMGATE_SERVER_LISTEN", "x"),
            ("SCIMGATE_QUX", "1"),
            ("SCIMGATE_SERVER", "1"),
        ],
        &[
            "no configuration key has this name \
             (in environment variable SCIMGATE_SERVER_LISTEN); did you mean SCIMGATE_SERVER__LISTEN?",
            "no configuration key has this name (in environment variable SCIMGATE_QUX); \
             unset it; a variable is named SCIMGATE_SECTION__KEY",
            "no configuration key has this name (in environment variable SCIMGATE_SERVER); \
             did you mean SCIMGATE_SERVER__LISTEN?",
        ],
    );
}

#[test]
fn all_problems_come_together_with_key_place_and_remedy() {
    check(
        "workers = 0\nserver = 3\n[deadline]\nrequest_seconds = 55\n[limits]\nburst = 0",
        &[
            ("SCIMGATE_LIMITS__BURST", "many"),
            ("SCIMGATE_LOG__FORMAT", "xml"),
        ],
        &[
            "deadline.request_seconds must be 1 to 54, not 55: \
             Entra gives up after 60 s and counts a failure (in scimgate.toml); for example 45",
            "limits.burst must be a whole number of at least 1, not \"many\" \
             (in environment variable SCIMGATE_LIMITS__BURST); for example 200",
            "limits.burst must be a whole number of at least 1, not 0 (in scimgate.toml); \
             for example 200",
            "log.format must be json or text, not xml \
             (in environment variable SCIMGATE_LOG__FORMAT); for example \"json\"",
            "server must be a section with keys of its own, not 3 (in scimgate.toml); \
             write a section [server]",
            "workers must be a whole number of at least 1 (in scimgate.toml); for example 4",
        ],
    );
}

#[test]
fn values_that_do_not_fit() {
    let rows = [
        (
            "[server]\nlisten = 80",
            "server.listen must be an address and a port \
             (in scimgate.toml); for example \"127.0.0.1:8080\"",
        ),
        (
            "[server]\nlisten = \"localhost\"",
            "server.listen must be an address and a port \
             (in scimgate.toml); for example \"127.0.0.1:8080\"",
        ),
        (
            "[server]\nbody_limit = \"1 TB\"",
            "server.body_limit must be a size of at least 1 byte, such as 65536 or \"1 MiB\" \
             (in scimgate.toml); for example \"1 MiB\"",
        ),
        (
            "[server]\npublic_url = \"ftp://x\"",
            "server.public_url must be an http or https URL with nothing after its path, \
             not \"ftp://x\" \
             (in scimgate.toml); for example \"https://scim.example.com\"",
        ),
        (
            "[server.tls]\nkey = \"k\"",
            "server.tls.certificate is missing (in scimgate.toml); for example \"tls/tls.crt\"",
        ),
        (
            "[server]\nmax_in_flight = -1",
            "server.max_in_flight must be a whole number of at least 1 \
             (in scimgate.toml); for example 4096",
        ),
    ];
    for (file, expect) in rows {
        check(file, &[], &[expect]);
    }
}

#[test]
fn sizes() {
    let rows = [
        ("1", Some(1)),
        ("\"7 B\"", Some(7)),
        ("\"2KiB\"", Some(2048)),
        ("\"1 MiB\"", Some(1 << 20)),
        ("0", None),
        ("-1", None),
        ("1.5", None),
        ("\"KiB\"", None),
        ("\"1 kb\"", None),
        ("true", None),
        ("\"99999999999999999 MiB\"", None),
        ("[1]", None),
    ];
    for (text, expect) in rows {
        let config = load(&format!("[server]\nbody_limit = {text}"), &[]);
        assert_eq!(
            config.ok().map(|config| config.server.body_limit),
            expect,
            "{text}"
        );
    }
}

#[test]
fn a_list_in_the_place_of_a_section_ends_in_a_problem() {
    for file in [
        "server = []",
        "[server]\ntls = [\"a\", 1]",
        "log = [[]]",
        "workers = [1]",
    ] {
        assert!(!load(file, &[]).unwrap_err().is_empty(), "{file}");
    }
}

#[test]
fn unreadable_files() {
    for (name, text) in [
        ("a.toml", Some("x = ")),
        ("a.json", Some("[]")),
        ("a.yaml", Some("")),
        ("none.toml", None),
    ] {
        let directory = TempDir::new().unwrap();
        let path = directory.path().join(name);
        if let Some(text) = text {
            fs::write(&path, text).unwrap();
        }
        let problems = Config::load(Some(&path), std::iter::empty()).unwrap_err();
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert!(problems[0].file.ends_with(name), "{problems:?}");
    }
}
