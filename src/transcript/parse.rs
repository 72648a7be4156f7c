//! From text to a [`Transcript`].

use bytes::Bytes;
use hyper::HeaderMap;
use hyper::header::{HeaderName, HeaderValue};
use serde_json::Value;

use super::{Answer, Ask, Body, Exchange, ExpectedCall, ExpectedResponse, Transcript, seconds};
use crate::problem::{Problem, counted, line_span};
use crate::scim::Profile;
use crate::script::call::{CallFault, VendorReply, Verb};

/// One `### …` section: its first line, headers and body.
pub(super) struct Section {
    pub(super) line: usize,
    pub(super) title: String,
    first: String,
    headers: Vec<(String, String)>,
    body: Body,
}

/// Why a text is no transcript.
pub(super) struct Wrong {
    line: usize,
    why: String,
}

impl From<Wrong> for String {
    fn from(wrong: Wrong) -> Self {
        format!("line {}: {}", wrong.line, wrong.why)
    }
}

/// Reads a transcript.
///
/// # Errors
/// What is no transcript, with its line.
pub fn parse(file: &str, text: &str) -> Result<Transcript, Problem> {
    read(file, text).map_err(|Wrong { line, why }| {
        let (start, length) = line_span(text, line);
        Problem::error("transcript::invalid", file, why)
            .at(start, length)
            .help("tests/vendors/README.md has the form of a transcript")
    })
}

fn read(file: &str, text: &str) -> Result<Transcript, Wrong> {
    let lines: Vec<&str> = text.lines().collect();
    let head = lines
        .iter()
        .position(|line| line.starts_with("### "))
        .unwrap_or(lines.len());
    let mut transcript = preamble(file, &lines[..head])?;
    if transcript.calls == usize::MAX {
        return Err(at(1, "say how many vendor calls there are: `@calls 1`"));
    }
    let mut sections = sections(&lines, head)?.into_iter().peekable();
    while let Some(section) = sections.next() {
        let asks = ask(section)?;
        let mut calls = Vec::new();
        while let Some(called) = sections.next_if(|next| next.title == "Vendor is called") {
            let answers = sections.next_if(|next| next.title == "Vendor answers");
            let answers = answers
                .ok_or_else(|| at(called.line, "a call is followed by `### Vendor answers`"))?;
            calls.push((call(called)?, answer(answers)?));
        }
        let gets = sections.next_if(|next| next.title == "Entra gets");
        let gets = gets.ok_or_else(|| at(asks.line, "this exchange has no `### Entra gets`"))?;
        transcript.exchanges.push(Exchange {
            asks,
            calls,
            gets: response(gets)?,
        });
    }
    let written: usize = transcript
        .exchanges
        .iter()
        .map(|exchange| exchange.calls.len())
        .sum();
    if transcript.exchanges.is_empty() {
        return Err(at(1, "there is no `### Entra asks`"));
    }
    if written != transcript.calls {
        let line = lines.iter().position(|line| line.starts_with("@calls"));
        return Err(at(
            line.unwrap_or_default() + 1,
            &format!(
                "@calls says {}, but the file has {}",
                transcript.calls,
                counted(written, "call")
            ),
        ));
    }
    Ok(transcript)
}

pub(super) fn preamble(file: &str, lines: &[&str]) -> Result<Transcript, Wrong> {
    let mut transcript = Transcript {
        file: file.to_owned(),
        title: String::new(),
        calls: usize::MAX,
        profile: Profile::default(),
        login: None,
        settings: Default::default(),
        priority: Default::default(),
        exchanges: Vec::new(),
    };
    for (index, line) in lines.iter().enumerate() {
        let number = index + 1;
        if let Some(comment) = line.strip_prefix('#') {
            if transcript.title.is_empty() {
                transcript.title = comment.trim().to_owned();
            }
        } else if let Some(directive) = line.strip_prefix('@') {
            direct(&mut transcript, directive).map_err(|why| at(number, &why))?;
        } else if !line.trim().is_empty() {
            return Err(at(
                number,
                "before the first `###` there are only `#` comments and `@` directives",
            ));
        }
    }
    Ok(transcript)
}

fn direct(transcript: &mut Transcript, directive: &str) -> Result<(), String> {
    let (name, rest) = directive.split_once(' ').unwrap_or((directive, ""));
    let pair = || {
        rest.split_once('=')
            .map(|(key, value)| (key.trim().to_owned(), value.trim().to_owned()))
    };
    match (name, pair()) {
        ("calls", _) => {
            transcript.calls = rest.trim().parse().map_err(|_| "@calls takes a number")?
        }
        ("login", _) => transcript.login = Some(rest.trim().to_owned()),
        ("profile", _) => {
            let known = |profile: &Profile| profile.as_str() == rest.trim();
            let profile = Profile::ALL.into_iter().find(known);
            transcript.profile = profile.ok_or("@profile takes entra, okta or strict")?;
        }
        ("setting", Some((key, value))) => drop(transcript.settings.insert(key, value)),
        ("priority", Some((key, value))) => {
            let value = value
                .parse()
                .map_err(|_| "@priority takes a number after `=`")?;
            transcript.priority.insert(key, value);
        }
        _ => {
            return Err(format!(
                "`@{name}` is none of @calls N, @login, @login credential, @profile name, @setting name = value, @priority group = N"
            ));
        }
    }
    Ok(())
}

pub(super) fn sections(lines: &[&str], from: usize) -> Result<Vec<Section>, Wrong> {
    let starts: Vec<usize> = (from..lines.len())
        .filter(|&line| lines[line].starts_with("### "))
        .collect();
    let ends = starts.iter().skip(1).copied().chain([lines.len()]);
    starts
        .iter()
        .zip(ends)
        .map(|(&start, end)| section(start + 1, &lines[start..end]))
        .collect()
}

pub(super) fn section(line: usize, lines: &[&str]) -> Result<Section, Wrong> {
    let title = lines
        .first()
        .map_or("", |line| line.trim_start_matches('#').trim())
        .to_owned();
    let known = [
        "Entra asks",
        "Vendor is called",
        "Vendor answers",
        "Entra gets",
    ];
    if !known.contains(&title.as_str()) {
        return Err(at(
            line,
            &format!("`### {title}` is none of: {}", known.join(", ")),
        ));
    }
    let mut rest = lines.iter().skip(1);
    let first = rest
        .next()
        .map(|line| line.trim().to_owned())
        .unwrap_or_default();
    let headers: Vec<_> = rest
        .by_ref()
        .take_while(|line| !line.trim().is_empty())
        .map(|line| header(line))
        .collect();
    let headers = headers.into_iter().collect::<Option<_>>();
    let headers = headers.ok_or_else(|| {
        at(
            line + 1,
            "headers are `Name: value`, and a body comes after an empty line",
        )
    })?;
    let body = rest.copied().collect::<Vec<_>>().join("\n");
    Ok(Section {
        line,
        title,
        first,
        headers,
        body: body_of(body.trim()),
    })
}

fn header(line: &str) -> Option<(String, String)> {
    let (name, value) = line.split_once(':')?;
    Some((name.trim().to_lowercase(), value.trim().to_owned()))
}

fn body_of(text: &str) -> Body {
    match (text, serde_json::from_str::<Value>(text)) {
        ("", _) => Body::None,
        (_, Ok(value)) => Body::Json(value),
        (_, Err(_)) => Body::Text(text.to_owned()),
    }
}

pub(super) fn ask(section: Section) -> Result<Ask, Wrong> {
    if section.title != "Entra asks" {
        return Err(at(section.line, "an exchange begins with `### Entra asks`"));
    }
    let (method, target) = words(&section)?;
    Ok(Ask {
        line: section.line,
        method,
        target,
        headers: section.headers,
        body: section.body,
    })
}

pub(super) fn call(section: Section) -> Result<ExpectedCall, Wrong> {
    let (method, path) = words(&section)?;
    let verbs = [Verb::Get, Verb::Post, Verb::Put, Verb::Patch, Verb::Delete];
    let verb = verbs.into_iter().find(|verb| verb.as_str() == method);
    let verb = verb.ok_or_else(|| {
        at(
            section.line + 1,
            &format!("scripts cannot use the method `{method}`"),
        )
    })?;
    Ok(ExpectedCall {
        line: section.line,
        verb,
        path,
        body: section.body,
    })
}

fn words(section: &Section) -> Result<(String, String), Wrong> {
    let words = section.first.split_once(' ');
    let (method, target) =
        words.ok_or_else(|| at(section.line + 1, "write it as `METHOD /path`"))?;
    Ok((method.to_owned(), target.trim().to_owned()))
}

pub(super) fn answer(section: Section) -> Result<Answer, Wrong> {
    if let Some(how) = section.first.strip_prefix("nothing:") {
        return nothing(how.trim()).ok_or_else(|| {
            at(
                section.line + 1,
                "write nothing: lost, unreachable, busy, busy SECONDS or credential",
            )
        });
    }
    let body = match &section.body {
        Body::None => Bytes::new(),
        Body::Json(value) => value.to_string().into(),
        Body::Text(text) => text.clone().into(),
    };
    let wait = section
        .headers
        .iter()
        .find(|(name, _)| name == "retry-after");
    Ok(Answer::Reply(VendorReply {
        status: status(&section)?,
        retry_after: wait.and_then(|(_, value)| seconds(value)),
        headers: headers(&section),
        body,
        after_loss: false,
    }))
}

/// Those that are headers; a wrong one is missed where it counts.
fn headers(section: &Section) -> HeaderMap {
    let pairs = section.headers.iter().filter_map(|(name, value)| {
        Some((
            HeaderName::try_from(name).ok()?,
            HeaderValue::try_from(value).ok()?,
        ))
    });
    pairs.collect()
}

fn nothing(how: &str) -> Option<Answer> {
    let fault = match how.split_once(' ').unwrap_or((how, "")) {
        ("lost", "") => CallFault::Lost("as the transcript says".into()),
        ("unreachable", "") => CallFault::NotSent("as the transcript says".into()),
        ("credential", "") => CallFault::Credential,
        ("busy", "") => CallFault::Busy { retry_after: None },
        ("busy", time) => CallFault::Busy {
            retry_after: Some(seconds(time)?),
        },
        _ => return None,
    };
    Some(Answer::Nothing(fault))
}

pub(super) fn response(section: Section) -> Result<ExpectedResponse, Wrong> {
    Ok(ExpectedResponse {
        status: status(&section)?,
        line: section.line,
        headers: section.headers,
        body: section.body,
    })
}

fn status(section: &Section) -> Result<u16, Wrong> {
    section
        .first
        .parse()
        .map_err(|_| at(section.line + 1, "write the status as a number"))
}

pub(super) fn at(line: usize, why: &str) -> Wrong {
    Wrong {
        line,
        why: why.to_owned(),
    }
}
