//! `deploy/telemetry.md` says what there is.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

use expect_test::expect_file;
use scimgate::telemetry::metrics::{ALL, Metric};
use scimgate::telemetry::spans::SORTS;

const PAGE: &str = "deploy/telemetry.md";

/// The page with its tables as the code has them; `UPDATE_EXPECT=1` writes them into it.
#[test]
fn the_page_has_every_metric_and_every_span() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(PAGE);
    let page = std::fs::read_to_string(&path).unwrap();
    let page = replaced(&page, "metrics", &metrics());
    let page = replaced(&page, "spans", &spans());
    expect_file![path].assert_eq(&page);
}

/// Puts a table between its marks.
fn replaced(page: &str, name: &str, table: &str) -> String {
    let (begin, end) = (format!("<!-- {name} -->\n"), format!("<!-- /{name} -->"));
    let (before, rest) = page.split_once(&begin).expect("the mark");
    let (_, after) = rest.split_once(&end).expect("the mark");
    format!("{before}{begin}{table}{end}{after}")
}

fn metrics() -> String {
    let mut table = "| metric | Prometheus | labels | meaning |\n|---|---|---|---|\n".to_owned();
    for metric in ALL {
        let labels: Vec<_> = metric.labels.iter().map(|it| format!("`{it}`")).collect();
        let _ = writeln!(
            table,
            "| `{}` | `{}` ({}) | {} | {} |",
            metric.name,
            prometheus(metric),
            metric.kind.as_str(),
            labels.join(", "),
            metric.help,
        );
    }
    table
}

fn spans() -> String {
    let mut table = String::new();
    for sort in SORTS {
        let _ = writeln!(table, "**`{}`** {}\n", sort.shown, sort.help);
        for attribute in sort.attributes() {
            let help = match attribute.help {
                "" => String::new(),
                help => format!(": {help}"),
            };
            let _ = writeln!(table, "- `{}`{help}", attribute.key);
        }
        table.push('\n');
    }
    table
}

/// The name Prometheus has for it.
fn prometheus(metric: &Metric) -> String {
    let unit = match metric.unit {
        "s" => "_seconds",
        "By" => "_bytes",
        _ => "",
    };
    let total = match metric.kind {
        scimgate::telemetry::metrics::Kind::Counter => "_total",
        _ => "",
    };
    format!("{}{unit}{total}", metric.name.replace('.', "_"))
}

/// Every name and label that a gateway tells is in the table, and the table's names are
/// those that Prometheus has.
#[tokio::test]
async fn what_is_told_is_in_the_table() {
    let gateway = crate::harness::TestGateway::start().await;
    gateway.a.make("/Users", &crate::harness::person()).await;
    let text = gateway.metrics();
    let mut told = BTreeSet::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let name = line.split(['{', ' ']).next().unwrap();
        let metric = ALL.iter().find(|metric| {
            let known = prometheus(metric);
            ["", "_bucket", "_count", "_sum"]
                .iter()
                .any(|part| name == format!("{known}{part}"))
        });
        let Some(metric) = metric else {
            assert_eq!(name, "target_info", "{line}");
            continue;
        };
        told.insert(metric.name);
        for label in labels_of(line) {
            let known = metric.labels.iter().any(|it| it.replace('.', "_") == label);
            assert!(known || label == "le", "{label} in {line}");
        }
    }
    // Those that need a reload, a certificate, an end of a token or a fault.
    assert!(told.len() > ALL.len() / 2, "{told:?}");
}

fn labels_of(line: &str) -> Vec<&str> {
    let labels = line
        .split_once('{')
        .and_then(|(_, rest)| rest.rsplit_once('}'));
    let labels = labels.map_or("", |(labels, _)| labels);
    let keys = labels
        .split("\",")
        .filter_map(|label| label.split_once('='));
    keys.map(|(key, _)| key).collect()
}
