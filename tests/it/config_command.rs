//! `scimgate config`, and the chart that judges configurations by the same schema.

use std::path::Path;

use expect_test::{expect, expect_file};
use serde_json::Value;

use crate::house::{House, text_of};

const CHART: &str = "deploy/helm/scimgate/values.schema.json";

/// What the chart sets itself, and a user of it therefore cannot.
const SET_BY_THE_CHART: [&str; 9] = [
    "server.listen",
    "server.tls",
    "ops",
    "catalog.adapters",
    "catalog.scripts",
    "catalog.tenants",
    "catalog.transcripts",
    "catalog.secrets",
    "store",
];

/// `UPDATE_EXPECT=1` writes the schema into the chart's.
#[test]
fn the_chart_judges_configurations_as_the_gateway_does() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(CHART);
    let text = std::fs::read_to_string(&path).unwrap();
    let mut chart: Value = serde_json::from_str(&text).unwrap();
    let mut schema = scimgate::config::schema::schema();
    for key in SET_BY_THE_CHART {
        let parts: Vec<_> = key.split('.').collect();
        let (last, above) = parts.split_last().unwrap();
        let mut at = schema["properties"].as_object_mut().unwrap();
        for section in above {
            at = at[*section]["properties"].as_object_mut().unwrap();
        }
        assert!(at.shift_remove(*last).is_some(), "{key}");
    }
    schema.as_object_mut().unwrap().shift_remove("$schema");
    chart["properties"]["config"] = schema;
    expect_file![path].assert_eq(&format!("{chart:#}\n"));
}

#[test]
fn what_is_shown_is_a_configuration_that_says_the_same() {
    let house = House::empty();
    house.variable("SCIMGATE_OPS__LISTEN", "");
    house.write(
        "scimgate.toml",
        "workers = 3\n[server]\npublic_url = \"https://scim.example.com/\"\nbody_limit = \"64 KiB\"\n\
         [server.tls]\ncertificate = \"a \\\" b.pem\"\nkey = \"k.pem\"\n\
         [log]\nretention = \"36h\"\n",
    );
    let shown = house.run(&["-c", "scimgate.toml", "config", "show"]);
    assert_eq!(shown.status.code(), Some(0), "{}", text_of(&shown.stderr));
    house.write("shown.toml", &text_of(&shown.stdout));
    let again = house.run(&["-c", "shown.toml", "config", "show"]);
    assert_eq!(text_of(&again.stdout), text_of(&shown.stdout));
    let shown = text_of(&shown.stdout);
    for line in [
        "workers = 3",
        "body_limit = 65536",
        "listen = \"\"",
        "retention = \"36h\"",
    ] {
        assert!(shown.contains(line), "{line} in {shown}");
    }
}

#[test]
fn each_value_says_where_it_comes_from() {
    let house = House::empty();
    house.write("scimgate.toml", "[limits]\nburst = 7\nin_flight = 8\n");
    house.variable("SCIMGATE_LIMITS__IN_FLIGHT", "9");
    let shown = house.run(&["-c", "scimgate.toml", "config", "show", "--origin"]);
    let shown = text_of(&shown.stdout);
    let limits = shown
        .split("\n\n")
        .find(|part| part.starts_with("[limits]"));
    expect![[r#"
        [limits]
        requests_per_second = 50  # config.default.toml
        burst = 7  # scimgate.toml
        in_flight = 9  # environment variable SCIMGATE_LIMITS__IN_FLIGHT"#]]
    .assert_eq(limits.unwrap());
}

#[test]
fn a_configuration_that_cannot_be_used_is_not_shown() {
    let house = House::empty();
    house.write("scimgate.toml", "[limits]\nburst = 0\n");
    let shown = house.run(&["-c", "scimgate.toml", "config", "show"]);
    assert_eq!(shown.status.code(), Some(78));
    assert!(shown.stdout.is_empty());
}

#[test]
fn the_printed_reference_is_a_configuration_that_changes_nothing() {
    let house = House::empty();
    let reference = house.run(&["config", "default"]);
    assert_eq!(reference.status.code(), Some(0));
    house.write(
        "scimgate.toml",
        &String::from_utf8(reference.stdout).unwrap(),
    );
    let with = house.run(&["-c", "scimgate.toml", "config", "show"]);
    let without = house.run(&["config", "show"]);
    assert_eq!(with.status.code(), Some(0), "{}", text_of(&with.stderr));
    // Paths count from the file's directory, which is this one.
    let bare = |output: &std::process::Output| text_of(&output.stdout).replace("./", "");
    assert!(
        bare(&with).contains("request_seconds = 45"),
        "{}",
        bare(&with)
    );
    assert_eq!(bare(&with), bare(&without));
}
