//! `scimgate probe` as a process, against gateways of ours and against what is none.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::process::{Child, Command, Output, Stdio};

use scimgate::demo::emulator::kit::refusing_address;
use serde_json::Value;

/// A demonstration that serves, ended with the value.
struct Demonstration {
    process: Child,
    tenant_url: String,
    token: String,
}

impl Demonstration {
    fn of(vendor: &str) -> Self {
        Self::with(vendor, "entra")
    }

    fn with(vendor: &str, profile: &str) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_scimgate"))
            .args(["demo", "--serve-only", "--vendor", vendor])
            .args(["--profile", profile])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let mut variable = |name: &str| {
            let line = lines.by_ref().map(Result::unwrap).find_map(|line| {
                let value = line.strip_prefix(name)?.strip_prefix('=')?;
                Some(value.to_owned())
            });
            line.unwrap_or_else(|| panic!("{vendor}: no {name}"))
        };
        let (tenant_url, token) = (variable("TENANT_URL"), variable("TOKEN"));
        Self {
            process,
            tenant_url,
            token,
        }
    }
}

impl Drop for Demonstration {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn probe(url: &str, token: &str, more: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_scimgate"))
        .args(["probe", url, "--format", "json", "--timeout", "20"])
        .args(more)
        .env("SCIMGATE_PROBE_TOKEN", token)
        .output()
        .unwrap()
}

fn checks(output: &Output, verdict: &str) -> Vec<String> {
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let checks = report["checks"].as_array().unwrap().iter();
    checks
        .filter(|check| check["verdict"] == verdict)
        .map(|check| format!("{}: {}", check["title"], check["found"]))
        .collect()
}

#[track_caller]
fn fits(vendor: &str, passed: usize, warnings: usize) {
    let demonstration = Demonstration::of(vendor);
    let output = probe(&demonstration.tenant_url, &demonstration.token, &[]);
    assert_eq!(checks(&output, "failed"), Vec::<String>::new(), "{vendor}");
    assert_eq!(checks(&output, "warning").len(), warnings, "{vendor}");
    assert_eq!(checks(&output, "passed").len(), passed, "{vendor}");
    assert_eq!(output.status.code(), Some(0), "{vendor}");
    // What was made is gone: the same names can be made again.
    let again = probe(&demonstration.tenant_url, &demonstration.token, &[]);
    assert_eq!(again.status.code(), Some(0), "{vendor}, again");
}

#[test]
fn a_gateway_with_users_and_groups_fits() {
    fits("sosafe", 49, 0);
}

/// No groups, and no place for a manager.
#[test]
fn a_gateway_with_users_only_fits() {
    fits("wedo", 34, 1);
}

/// Each vendor in each profile: nothing fails. What is told all the same, the vendor has no place for.
#[test]
fn every_vendor_fits_in_every_profile() {
    for vendor in ["reference", "sosafe", "paloalto", "webroot", "wss", "wedo"] {
        for (profile, client) in [("okta", "entra"), ("entra", "entra"), ("strict", "rfc")] {
            let demonstration = Demonstration::with(vendor, profile);
            let more = ["--client", client];
            let output = probe(&demonstration.tenant_url, &demonstration.token, &more);
            let failed = checks(&output, "failed");
            assert_eq!(failed, Vec::<String>::new(), "{vendor}, {profile}");
            assert_eq!(output.status.code(), Some(0), "{vendor}, {profile}");
        }
    }
}

#[test]
fn read_only_writes_nothing() {
    let demonstration = Demonstration::of("reference");
    let url = &demonstration.tenant_url;
    let output = probe(url, &demonstration.token, &["--read-only"]);
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(checks(&output, "passed").len(), 7);
}

#[test]
fn a_wrong_token_ends_it_at_once() {
    let demonstration = Demonstration::of("reference");
    let output = probe(&demonstration.tenant_url, "scg_wrong", &[]);
    assert_eq!(output.status.code(), Some(1));
    let failed = checks(&output, "failed");
    assert_eq!(failed.len(), 1, "{failed:?}");
    assert!(failed[0].contains("status 401"), "{failed:?}");
}

/// Whatever is asked, it says that all is well.
#[test]
fn an_endpoint_that_ignores_the_question_is_told_from_one_that_answers() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 4096]);
            let body = r#"{"totalResults": 1, "Resources": [{"id": "1"}]}"#;
            let length = body.len();
            let _ = write!(
                stream,
                "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
            );
        }
    });
    let output = probe(&format!("http://{address}/scim/v2"), "x", &[]);
    assert_eq!(output.status.code(), Some(1));
    let failed = checks(&output, "failed");
    assert!(failed[0].contains("somebody was found"), "{failed:?}");
}

#[test]
fn nothing_there_is_told_with_the_reason() {
    let address = refusing_address().unwrap();
    let output = probe(&format!("http://{address}/scim/v2"), "x", &[]);
    assert_eq!(output.status.code(), Some(1));
    assert!(checks(&output, "failed")[0].contains("refused"));
}

#[test]
fn what_is_no_web_address_is_refused_before_anything_is_sent() {
    let output = probe("ftp://scim.example/scim/v2", "x", &[]);
    assert_eq!(output.status.code(), Some(78));
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("begin with https://"), "{told}");
}
