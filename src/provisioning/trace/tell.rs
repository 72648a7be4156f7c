//! Stories for people: each step a line.

use std::fmt;

use super::{Decision, Event, Kept, Membership, Modified, Moment, Step, Wait};

/// The whole story of a request: what it was, what was understood, what was done, and why it
/// ended so.
pub fn story(event: &Event) -> String {
    let mut text = String::new();
    head(event, &mut text);
    if !event.modified.is_empty() || !event.members.is_empty() {
        let changes = event.modified.iter().map(modified);
        let members = [true, false].map(|joins| members(&event.members, joins));
        let changes = changes.chain(members.into_iter().flatten());
        section("It was to change", changes, &mut text);
    }
    if !event.steps.is_empty() {
        section("What happened", lines(&event.steps), &mut text);
    }
    end(event, &mut text);
    text
}

/// The steps, one line each, with the milliseconds since the request came.
pub fn lines(steps: &[Moment]) -> impl Iterator<Item = String> {
    let line = |moment: &Moment| {
        let after = milliseconds(moment.after_us);
        let indent = if is_inner(&moment.step) { "  " } else { "" };
        format!("{after:>10}  {indent}{}", step(&moment.step))
    };
    steps.iter().map(line)
}

/// A text that others wrote, for one line of a terminal: what would steer it, or begin another
/// line, is replaced.
pub fn plain(text: &str) -> String {
    let shown = |letter: char| match letter.is_control() || steers_a_line(letter) {
        true => char::REPLACEMENT_CHARACTER,
        false => letter,
    };
    text.chars().map(shown).collect()
}

/// Unicode's own line ends, and what turns the direction of writing.
pub fn steers_a_line(letter: char) -> bool {
    matches!(letter,
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn add(text: &mut String, line: fmt::Arguments<'_>) {
    text.push_str(&plain(&line.to_string()));
    text.push('\n');
}

fn head(event: &Event, text: &mut String) {
    let part = match event.part {
        0 => String::new(),
        part => format!(", operation {part} of a bulk request"),
    };
    let about = [
        event.resource.map(|kind| kind.snake().to_owned()),
        event.target_id.clone(),
        event.identity.clone(),
    ];
    let about: Vec<_> = about.into_iter().flatten().collect();
    add(text, format_args!("request {}{part}", event.request_id));
    let (at, tenant, vendor) = (event.at, &event.tenant, &event.vendor);
    add(
        text,
        format_args!("{at:.3}  tenant {tenant}, vendor {vendor}"),
    );
    let (method, route, about) = (&event.method, &event.route, about.join(" "));
    add(text, format_args!("{method} {route}  {about}"));
    let code = event.code.as_deref().map(|code| format!(" ({code})"));
    let http = match (event.http_status, event.answered_us) {
        (None, _) => "not answered, because the connection had been closed".to_owned(),
        (Some(status), None) => format!("answered {status}"),
        (Some(status), Some(after)) => format!(
            "answered {status} after {}, while the work went on",
            milliseconds(after)
        ),
    };
    let (action, status) = (event.action.as_str(), event.status.as_str());
    let (code, took) = (code.unwrap_or_default(), milliseconds(event.duration_us));
    add(
        text,
        format_args!("{action}: {status}{code}, {http}, took {took}"),
    );
}

fn section(title: &str, lines: impl Iterator<Item = String>, text: &mut String) {
    text.push('\n');
    add(text, format_args!("{title}:"));
    lines.for_each(|line| add(text, format_args!("  {line}")));
}

fn end(event: &Event, text: &mut String) {
    let outlook = event.outlook();
    text.push('\n');
    add(text, format_args!("Why: {}", outlook.why));
    if let Some(reason) = &event.reason {
        add(text, format_args!("Cause: {reason}"));
    }
    if let Some(fault) = event.fault {
        add(text, format_args!("At fault: {}", fault.whose()));
    }
    add(text, format_args!("What Entra does next: {}", outlook.next));
    if let Some(remedy) = outlook.remedy {
        add(text, format_args!("What to do: {remedy}"));
    }
}

fn modified(change: &Modified) -> String {
    match (&change.old, &change.new) {
        (Some(old), Some(new)) => format!("{}: {old} → {new}", change.name),
        (Some(old), None) => format!("{}: {old} → nothing", change.name),
        (None, Some(new)) => format!("{}: {new}", change.name),
        (None, None) => format!("{}: nothing", change.name),
    }
}

/// `members: 17, 18 join`.
fn members(changes: &[Membership], joins: bool) -> Option<String> {
    let members = changes.iter().filter(|change| change.joins == joins);
    let members: Vec<_> = members.map(|change| change.member.as_str()).collect();
    let what = if joins { "added" } else { "removed" };
    (!members.is_empty()).then(|| format!("members {what}: {}", members.join(", ")))
}

fn kept(Kept { name, sent, kept }: &Kept) -> String {
    format!("{name} (sent {sent}, kept {kept})")
}

/// Whether it happened inside a function of the script.
fn is_inner(step: &Step) -> bool {
    matches!(
        step,
        Step::Call { .. } | Step::Retry { .. } | Step::Login { .. } | Step::HeldBack { .. }
    )
}

/// One step.
pub fn step(step: &Step) -> String {
    match step {
        Step::Filter { filter } => format!("filter: {filter}"),
        Step::Patch { op, path } => format!("{op} {path}"),
        Step::Ignored { attributes } => {
            format!(
                "skipped, because no schema has it: {}",
                attributes.join(", ")
            )
        }
        Step::Id { cached: true } => "the vendor's id was in memory".to_owned(),
        Step::Id { cached: false } => "the vendor's id was read from the store".to_owned(),
        Step::Read { found: true } => "the object was read".to_owned(),
        Step::Read { found: false } => "the vendor has no such object".to_owned(),
        Step::Lookup {
            attribute,
            candidates,
        } => format!("looked up by {attribute}: {candidates} found"),
        Step::Page { rows } => format!("a page of the list: {rows} rows"),
        Step::Plan { steps } => format!("plan: {}", steps.join("; ")),
        Step::Changes { attributes } => {
            let names: Vec<_> = attributes.iter().map(|one| one.name.as_str()).collect();
            format!("changes: {}", names.join(", "))
        }
        Step::Fields { names } => format!("native fields: {}", names.join(", ")),
        Step::Remembered { attributes } => format!(
            "answered with Entra's own values, not the vendor's: {}",
            attributes.join(", ")
        ),
        Step::NotTaken { attributes } => {
            let kept = attributes.iter().map(kept).collect::<Vec<_>>();
            format!(
                "the vendor stored another value than the gateway sent: {}",
                kept.join(", ")
            )
        }
        Step::Function {
            name,
            took_us,
            gave,
            ..
        } => {
            let threw = if *gave { "" } else { " and threw" };
            format!("{name}() ran for {}{threw}", milliseconds(*took_us))
        }
        Step::Members { changes } => {
            let told = [true, false].map(|joins| members(changes, joins));
            told.into_iter().flatten().collect::<Vec<_>>().join("; ")
        }
        Step::Call { .. } | Step::Retry { .. } => call(step),
        Step::Login {
            path,
            status,
            took_us,
        } => {
            let came = status.map_or("no answer".to_owned(), |status| status.to_string());
            let took = milliseconds(*took_us);
            format!("signed in to the vendor: POST {path} → {came} in {took}")
        }
        Step::HeldBack { because } => format!("not sent: {because}"),
        Step::Waited { wait, took_us } => {
            format!(
                "waited {} for {}",
                milliseconds(*took_us),
                waited_for(*wait)
            )
        }
        Step::Decided { decision } => decided(decision),
    }
}

fn call(step: &Step) -> String {
    match step {
        Step::Call {
            method,
            path,
            status,
            fault,
            took_us,
        } => {
            let status = status.map(|status| status.to_string());
            let came = status.as_deref().or(fault.as_deref()).unwrap_or("nothing");
            format!("{method} {path} → {came} in {}", milliseconds(*took_us))
        }
        Step::Retry {
            attempt,
            because,
            pause_us,
        } => format!(
            "try {attempt} failed ({because}); the next one after {}",
            milliseconds(*pause_us)
        ),
        _ => String::new(),
    }
}

fn waited_for(wait: Wait) -> &'static str {
    match wait {
        Wait::Lock => "another request that writes the same object",
        Wait::Place => "one of the tenant's calls to the vendor to end",
        Wait::Rate => "the tenant's rate of calls to the vendor",
    }
}

fn decided(decision: &Decision) -> String {
    match decision {
        Decision::NothingToTell => "nothing more is sent to the vendor: no native field changes",
        Decision::KeptHere => {
            "the gateway stores Entra's own values, because the vendor cannot store them"
        }
        Decision::ReadFirst => {
            "the change depends on the vendor's current values, so they were read first"
        }
        Decision::Adopted => {
            "an earlier try had already created the object: it was updated to the wanted state"
        }
        Decision::Taken(attribute) => {
            return format!("somebody else's object has this {attribute}");
        }
        Decision::FoundDone => {
            "the vendor did not confirm the change; a check showed that it was made"
        }
        Decision::StillInDoubt => {
            "the vendor did not confirm the change; a check did not show that it was made"
        }
        Decision::MadeAnew => {
            "the vendor had removed the object: it was created again under the same id"
        }
        Decision::AnsweredFromKept => {
            "the vendor has removed the disabled object: answered from the stored copy"
        }
        Decision::AlreadyGone => "the object was gone already",
    }
    .to_owned()
}

fn milliseconds(us: u64) -> String {
    format!("{}.{} ms", us / 1000, us % 1000 / 100)
}
