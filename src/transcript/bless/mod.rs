//! `scimgate test --bless`: a transcript with what came in the place of what was
//! expected, and everything else as it is written.
//!
//! What the vendor answers is never made up: a call more than is written is left
//! to a person. Each round corrects the first exchange that does not fit, calls
//! before the response, for what comes later depends on it.

mod body;
mod sections;

use std::sync::Arc;

use serde_json::Value;

use self::body::Scribe;
use self::sections::Sections;
use super::compare::{Mode, fill};
use super::replay::{body_sent, first_line, is_form, shown};
use super::run::{Happened, play};
use super::{Body, Exchange, ExpectedCall, form, parse};
use crate::adapter::Adapter;
use crate::script::call::VendorCall;

/// More rounds than that correct nothing any more.
const ROUNDS: usize = 200;

/// A transcript, rewritten.
#[derive(Clone, Debug)]
pub struct Blessing {
    /// Its new text.
    pub text: String,
    /// What is left to a person, if something is.
    pub left: Option<String>,
}

/// Rewrites the expectations of `text` that do not fit.
///
/// # Errors
/// The store in memory or the event loop could not be made.
pub fn bless(adapter: &Arc<Adapter>, file: &str, text: &str) -> anyhow::Result<Blessing> {
    let mut sections = Sections::new(text);
    let left = |sections: &Sections, why: String| Blessing {
        text: sections.text(),
        left: Some(why),
    };
    for _ in 0..ROUNDS {
        sections.count_calls();
        let text = sections.text();
        let transcript = match parse(file, &text) {
            Ok(transcript) => transcript,
            Err(problem) => return Ok(left(&sections, problem.message)),
        };
        let happened = play(&transcript, adapter)?;
        let both = transcript.exchanges.iter().zip(&happened);
        let mut failing = both.filter(|(_, happened)| !happened.misfits.is_empty());
        let Some((exchange, happened)) = failing.next() else {
            return Ok(Blessing { text, left: None });
        };
        if let Err(why) = correct(&mut sections, exchange, happened) {
            return Ok(left(&sections, why));
        }
        if sections.text() == text {
            let why = "what came cannot be written so that it fits".to_owned();
            return Ok(left(&sections, why));
        }
    }
    Ok(left(&sections, "it does not come to rest".to_owned()))
}

/// Corrects what does not fit first: a call, else the response.
fn correct(
    sections: &mut Sections,
    exchange: &Exchange,
    happened: &Happened,
) -> Result<(), String> {
    let scribe = Scribe {
        variables: &happened.before,
    };
    for (index, (expected, _)) in exchange.calls.iter().enumerate() {
        let Some(came) = happened.came.get(index) else {
            sections.remove_call(expected.line);
            return Ok(());
        };
        let path = fill(&expected.path, &happened.before);
        if format!("{} {path}", expected.verb.as_str()) != first_line(came) {
            let later = exchange.calls.iter().skip(index + 1);
            let mut later = later.map(|(call, _)| fill(&call.path, &happened.before) == came.path);
            if later.any(|is_it| is_it) {
                sections.remove_call(expected.line);
            } else if came.method == expected.verb && bare(&came.path) == bare(&path) {
                sections.set_first(expected.line, &scribe.named(&first_line(came)));
            } else {
                return Err(another_call(expected, &scribe.named(&first_line(came))));
            }
            return Ok(());
        }
        let written = sections.body_text(expected.line);
        let body = call_body(&scribe, &written, &expected.body, came);
        if sections.set_body(expected.line, body.as_deref()) {
            return Ok(());
        }
    }
    if let Some(more) = happened.came.get(exchange.calls.len()) {
        return Err(format!(
            "the vendor is called once more: {}. Write this call and what the vendor answers, and bless again",
            scribe.named(&shown(more))
        ));
    }
    respond(sections, &scribe, exchange, happened);
    Ok(())
}

/// What is written below a call answers that call and no other.
fn another_call(expected: &ExpectedCall, came: &str) -> String {
    format!(
        "line {}: {came} came instead of {} {}. What the vendor answers there belongs to the call that \
         is written: change both, and bless again",
        expected.line,
        expected.verb.as_str(),
        expected.path,
    )
}

/// A path without its query.
fn bare(path: &str) -> &str {
    path.split_once('?').map_or(path, |(path, _)| path)
}

/// The body of a call as it is to stand there.
fn call_body(
    scribe: &Scribe<'_>,
    written: &str,
    expected: &Body,
    came: &VendorCall,
) -> Option<String> {
    let sent = body_sent(came)?;
    let bytes = came.body.as_ref().map(|body| &body.bytes[..]);
    let raw = String::from_utf8_lossy(bytes.unwrap_or_default());
    Some(match (expected, sent) {
        (Body::Text(text), Value::Object(sent)) if is_form(came) => {
            match form::written(&fill(text, scribe.variables)) == Value::Object(sent.clone()) {
                true => text.clone(),
                false => form::lines(&sent, |value| scribe.named(value)),
            }
        }
        (_, Value::Object(sent)) if is_form(came) => {
            form::lines(&sent, |value| scribe.named(value))
        }
        (_, Value::Null) => raw.trim().to_owned(),
        (Body::Json(expected), sent) => scribe.rewritten(written, expected, &sent, Mode::Exact),
        (_, sent) => scribe.shown(&sent),
    })
}

fn respond(sections: &mut Sections, scribe: &Scribe<'_>, exchange: &Exchange, happened: &Happened) {
    let (gets, got) = (&exchange.gets, &happened.got);
    for (name, value) in &gets.headers {
        let found = got.header(name);
        if found != Some(fill(value, scribe.variables).as_str()) {
            sections.set_header(gets.line, name, found.map(|found| scribe.named(found)));
        }
    }
    let is_error = |status: u16| status >= 400;
    let mut misfits = happened.misfits.iter();
    let turned = is_error(gets.status) != is_error(got.status)
        && misfits.any(|misfit| misfit.code == "transcript::body");
    let body = match (&gets.body, &got.body) {
        (Body::Json(_), Some(found)) if turned => Some(scribe.shown(&body::essence(found))),
        (Body::Json(expected), Some(found)) => {
            let written = sections.body_text(gets.line);
            Some(scribe.rewritten(&written, expected, found, Mode::AtLeast))
        }
        (Body::Text(text), Some(_)) => Some(text.clone()),
        (Body::None, _) | (_, None) => None,
    };
    sections.set_body(gets.line, body.as_deref());
    sections.set_first(gets.line, &got.status.to_string());
}
