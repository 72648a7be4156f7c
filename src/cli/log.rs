//! `scimgate log`.

use std::fmt::Write as _;
use std::time::Duration;

use jiff::Timestamp;

use super::columns::{Columns, INDENT};
use super::events::{Events, Place};
use super::output::put;
use super::{Ending, Trouble};
use crate::adapter::keys::TenantId;
use crate::config::{self, Config};
use crate::provisioning::trace::tell::plain;
use crate::provisioning::trace::{Action, Event, Status};
use crate::store::log::{Filter, Order};

/// How often `--follow` looks for more.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Which events, and how they are printed.
#[derive(Debug, clap::Args)]
pub(super) struct Options {
    #[command(flatten)]
    place: Place,
    /// Only events of this tenant.
    #[arg(long, value_name = "NAME", value_parser = tenant_id)]
    tenant: Option<TenantId>,
    /// Only events with this status: success, failure, skipped or warning.
    #[arg(long, value_parser = status)]
    status: Option<Status>,
    /// Only this action: create, update, delete, disable or other.
    #[arg(long, value_parser = action)]
    action: Option<Action>,
    /// Only events with this error code, as Entra shows it.
    #[arg(long)]
    code: Option<String>,
    /// Only events of this user or group, by its SCIM id; of a user also those of groups it joins or leaves.
    #[arg(long, value_name = "ID")]
    target: Option<String>,
    /// Only events of the last 90s, 30m, 1h or 7d.
    #[arg(long, value_name = "TIME", value_parser = span)]
    since: Option<Duration>,
    /// At most this many events, the newest.
    #[arg(long, short = 'n', default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=1000))]
    lines: u16,
    /// Keep printing new events, until Ctrl-C.
    #[arg(long, short)]
    follow: bool,
    /// For people, or for programs: one JSON object per line, or comma-separated values.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Clone, Copy, Debug, Default, clap::ValueEnum)]
enum Format {
    #[default]
    Human,
    Json,
    Csv,
}

fn tenant_id(name: &str) -> Result<TenantId, String> {
    TenantId::parse(name).ok_or_else(|| TenantId::FORM.to_owned())
}

fn status(name: &str) -> Result<Status, String> {
    let known = Status::ALL
        .into_iter()
        .find(|it| it.as_str() == name.to_lowercase());
    known.ok_or_else(|| {
        format!(
            "it must be one of: {}",
            Status::ALL.map(Status::as_str).join(", ")
        )
    })
}

fn action(name: &str) -> Result<Action, String> {
    let known = Action::ALL
        .into_iter()
        .find(|it| it.as_str() == name.to_lowercase());
    known.ok_or_else(|| {
        format!(
            "it must be one of: {}",
            Action::ALL.map(Action::as_str).join(", ")
        )
    })
}

fn span(text: &str) -> Result<Duration, String> {
    config::span(text).ok_or_else(|| "write a number with s, m, h or d, such as 1h".to_owned())
}

/// Prints what the provisioning log has, oldest first.
pub(super) fn run(config: &Config, options: &Options) -> Result<Ending, Trouble> {
    let log = Events::of(config, &options.place)?;
    let filter = options.filter(Timestamp::now());
    let mut page = log.page(&filter, Order::Newest, options.lines.into())?;
    page.events.reverse();
    // A tenant that was removed still has events.
    if let (Events::Here(..), true, Some(tenant)) = (&log, page.events.is_empty(), &options.tenant)
    {
        super::tenant::existing(config, tenant).map_err(Trouble::Config)?;
    }
    let heading = HEAD.map(str::to_owned);
    let mut columns = Columns::new();
    columns.fit(&[heading.to_vec()]);
    columns.fit(&rows(&page.events));
    let mut text = match options.format {
        Format::Human => columns.row(&heading),
        Format::Json => String::new(),
        Format::Csv => format!("{CSV_HEAD}\n"),
    };
    loop {
        let lines = lines(&page.events, options.format, &columns);
        text.push_str(&lines.map_err(Trouble::Internal)?);
        let is_read = put(format_args!("{text}"));
        if !options.follow || !is_read {
            return Ok(Ending::Done);
        }
        text.clear();
        log.pause(LOOK_EVERY);
        page = log.page(&filter, Order::After(page.first), 1000)?;
        columns.fit(&rows(&page.events));
    }
}

impl Options {
    fn filter(&self, now: Timestamp) -> Filter {
        let since = self.since.and_then(|ago| now.checked_sub(ago).ok());
        Filter {
            tenant: self.tenant.clone(),
            status: self.status,
            action: self.action,
            code: self.code.clone(),
            target_id: self.target.clone(),
            since,
            ..Filter::default()
        }
    }
}

fn lines(events: &[Event], format: Format, columns: &Columns) -> anyhow::Result<String> {
    let mut text = String::new();
    for event in events {
        match format {
            Format::Human => {
                text.push_str(&columns.row(&row(event)));
                if let Some(cause) = &event.reason {
                    writeln!(text, "{:INDENT$}cause: {}", "", plain(cause))?;
                }
            }
            Format::Json => writeln!(text, "{}", serde_json::to_string(event)?)?,
            Format::Csv => writeln!(text, "{}", csv(event))?,
        }
    }
    Ok(text)
}

const HEAD: [&str; 9] = [
    "time", "tenant", "action", "status", "code", "took", "identity", "request", "changes",
];
/// More attributes than these are only counted.
const NAMED: usize = 3;

fn rows(events: &[Event]) -> Vec<Vec<String>> {
    events.iter().map(row).collect()
}

fn row(event: &Event) -> Vec<String> {
    let text = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
    let identity = event.identity.clone().or_else(|| event.target_id.clone());
    let cells = [
        format!("{:.0}", event.at),
        event.tenant.to_string(),
        event.action.as_str().to_owned(),
        event.status.as_str().to_owned(),
        text(&event.code),
        format!("{} ms", event.duration_us / 1000),
        text(&identity),
        event.request_id.clone(),
        changes(event),
    ];
    cells.iter().map(|cell| plain(cell)).collect()
}

fn changes(event: &Event) -> String {
    let names: Vec<_> = event.modified.iter().map(|one| one.name.as_str()).collect();
    match names.len() {
        0..=NAMED => names.join(", "),
        many => format!("{many} attributes"),
    }
}

const CSV_HEAD: &str = "time,tenant,vendor,action,status,code,http_status,resource,target_id,identity,duration_ms,modified,detail,request_id,part";

fn csv(event: &Event) -> String {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let modified: Vec<_> = event.modified.iter().map(|one| one.name.as_str()).collect();
    let cells = [
        format!("{:.3}", event.at),
        event.tenant.to_string(),
        event.vendor.clone(),
        event.action.as_str().to_owned(),
        event.status.as_str().to_owned(),
        text(&event.code),
        event
            .http_status
            .map(|it| it.to_string())
            .unwrap_or_default(),
        event
            .resource
            .map(|it| it.snake().to_owned())
            .unwrap_or_default(),
        text(&event.target_id),
        text(&event.identity),
        (event.duration_us / 1000).to_string(),
        modified.join(" "),
        text(&event.detail),
        event.request_id.clone(),
        event.part.to_string(),
    ];
    cells.map(|cell| quoted(&plain(&cell))).join(",")
}

/// Whether a spreadsheet would calculate: some skip blanks before the sign, and take it in full
/// width too.
fn is_formula(cell: &str) -> bool {
    let text = cell.trim_start_matches(|c: char| c.is_whitespace() || c.is_control());
    text.starts_with([
        '=', '+', '-', '@', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}',
    ])
}

/// RFC 4180. A cell that a spreadsheet would take for a formula is made text.
fn quoted(cell: &str) -> String {
    let guard = match is_formula(cell) {
        true => "'",
        false => "",
    };
    match cell.contains(['"', ',', '\n', '\r']) || !guard.is_empty() {
        true => format!("\"{guard}{}\"", cell.replace('"', "\"\"")),
        false => cell.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_is_a_formula() {
        for (cell, expect) in [
            ("ada", "ada"),
            ("a=1", "a=1"),
            ("=1+1", "\"'=1+1\""),
            (" @SUM(A1)", "\"' @SUM(A1)\""),
            ("\u{ff1d}1", "\"'\u{ff1d}1\""),
            ("\u{3000}\u{ff20}x", "\"'\u{3000}\u{ff20}x\""),
            ("-", "\"'-\""),
        ] {
            assert_eq!(quoted(cell), expect);
        }
    }
}
