//! SCIM operations that no transcript of a vendor asks for.

use std::collections::BTreeSet;

use crate::adapter::Adapter;
use crate::problem::Problem;
use crate::scim::ResourceKind;
use crate::transcript::{Played, Transcript};

/// What Entra does with resources of a type, as `### Entra asks` begins.
const OPERATIONS: [&str; 7] = [
    "POST /{}",
    "GET /{}/{id}",
    "GET /{}",
    "GET /{}?filter=…",
    "PATCH /{}/{id}",
    "PUT /{}/{id}",
    "DELETE /{}/{id}",
];

/// Warnings about what a vendor's transcripts leave out. `file` and `text` are
/// its manifest's.
pub fn unplayed(
    adapter: &Adapter,
    played: &[Played],
    (file, text): (&str, &str),
) -> Option<Problem> {
    let warning = |code, message: String, help: &str| {
        let problem = Problem::error(code, file, message).warning().help(help);
        let place = text.find("title").filter(|_| !text.is_empty());
        match place {
            Some(start) => problem.at(start, "title".len()).label("this vendor"),
            None => problem,
        }
    };
    if played.is_empty() {
        let message = format!("{} has no transcripts", adapter.manifest.title);
        let help = format!(
            "nothing tests a change before it is live: write one, such as {}/users.http in the \
             directory of catalog.transcripts; tests/vendors/README.md shows how",
            adapter.name
        );
        return Some(warning("lint::no-transcripts", message, &help));
    }
    let asked: BTreeSet<String> = played
        .iter()
        .filter_map(|one| one.transcript.as_ref())
        .flat_map(operations)
        .collect();
    let kinds = [
        (ResourceKind::User, "Users"),
        (ResourceKind::Group, "Groups"),
    ];
    let served = kinds
        .iter()
        .filter(|(kind, _)| adapter.mapping(*kind).is_some());
    let wanted = served.flat_map(|(_, name)| OPERATIONS.map(|one| one.replace("{}", name)));
    let missing: Vec<String> = wanted.filter(|one| !asked.contains(one)).collect();
    if missing.is_empty() {
        return None;
    }
    let message = format!("no transcript asks for {}", missing.join(", "));
    let help = "add one for each, or one for all: a file may have several exchanges";
    Some(warning("lint::unplayed-operation", message, help))
}

/// What a transcript asks for, in the words of [`OPERATIONS`].
fn operations(transcript: &Transcript) -> impl Iterator<Item = String> + '_ {
    transcript.exchanges.iter().map(|exchange| {
        let (path, query) = match exchange.asks.target.split_once('?') {
            Some((path, query)) => (path, query),
            None => (exchange.asks.target.as_str(), ""),
        };
        let mut parts = path.trim_start_matches('/').split('/');
        let kind = parts.next().unwrap_or_default();
        let id = parts.next().map_or("", |_| "/{id}");
        let filter = match query.split('&').any(|part| part.starts_with("filter=")) {
            true => "?filter=…",
            false => "",
        };
        format!("{} /{kind}{id}{filter}", exchange.asks.method)
    })
}
