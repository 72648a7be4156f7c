//! A dry run as people read it.

use std::fmt;

use serde_json::Value;

use super::report::{Answered, Call, DryRun, Exchange};
use crate::problem::counted;

/// How many letters of JSON stand on one line.
const LINE: usize = 92;

impl fmt::Display for DryRun {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.tenant {
            Some(tenant) => writeln!(out, "Dry run of the tenant {tenant} ({})", self.adapter)?,
            None => writeln!(out, "Dry run of the adapter {}", self.adapter)?,
        }
        if !self.headers.is_empty() {
            writeln!(out, "Every call would carry {}", self.headers.join(", "))?;
        }
        for (index, exchange) in self.exchanges.iter().enumerate() {
            writeln!(out)?;
            write_exchange(out, index + 1, exchange)?;
        }
        writeln!(out)?;
        if self.stopped.is_some() {
            let left = match self.not_reached {
                0 => String::new(),
                count => format!(" {} not reached.", counted(count, "request")),
            };
            writeln!(out, "The dry run stops here.{left}")?;
        }
        let reads = self.calls - self.writes;
        writeln!(
            out,
            "{} would be made: {} and {}. {}.",
            counted(self.calls, "call"),
            counted(self.writes, "change"),
            counted(reads, "read"),
            match self.reads_sent {
                0 => "Nothing was sent".to_owned(),
                sent => format!("{} sent, no change", counted(sent, "read")),
            }
        )
    }
}

fn write_exchange(out: &mut fmt::Formatter<'_>, number: usize, exchange: &Exchange) -> fmt::Result {
    let asks = &exchange.asks;
    writeln!(out, "{number}. Entra asks {} {}", asks.method, asks.target)?;
    write_body(out, asks.body.as_ref(), 3)?;
    for line in &exchange.understood {
        writeln!(out, "   understood: {line}")?;
    }
    let mut told = 0;
    for (index, call) in exchange.calls.iter().enumerate() {
        write_steps(out, exchange.steps.get(told..call.after_steps))?;
        told = call.after_steps;
        write_call(out, &format!("{number}.{}", index + 1), call)?;
    }
    write_steps(out, exchange.steps.get(told..))?;
    for line in &exchange.printed {
        writeln!(out, "   printed: {line}")?;
    }
    if let Some(cause) = &exchange.cause {
        writeln!(out, "   cause: {cause}")?;
    }
    match &exchange.gets {
        Some(gets) => write_answer(out, "   Entra gets", gets, 3),
        None => Ok(()),
    }
}

fn write_steps(out: &mut fmt::Formatter<'_>, steps: Option<&[String]>) -> fmt::Result {
    let mut steps = steps.into_iter().flatten();
    steps.try_for_each(|step| writeln!(out, "   {step}"))
}

fn write_call(out: &mut fmt::Formatter<'_>, number: &str, call: &Call) -> fmt::Result {
    let how = match (call.sent, call.reads) {
        (true, _) => "sent",
        (false, true) => "would be read",
        (false, false) => "would be sent",
    };
    writeln!(out, "   {number} {} {}   ({how})", call.method, call.path)?;
    write_body(out, call.body.as_ref(), 7)?;
    if let Some(reply) = &call.reply {
        write_answer(out, "       answer", reply, 7)?;
    }
    writeln!(out, "       {}", call.source)
}

fn write_answer(
    out: &mut fmt::Formatter<'_>,
    who: &str,
    answer: &Answered,
    indent: usize,
) -> fmt::Result {
    writeln!(out, "{who} {}", answer.status)?;
    write_body(out, answer.body.as_ref(), indent)
}

fn write_body(out: &mut fmt::Formatter<'_>, body: Option<&Value>, indent: usize) -> fmt::Result {
    for line in body.map(lines).into_iter().flatten() {
        writeln!(out, "{:indent$}{line}", "")?;
    }
    Ok(())
}

/// A body as one line, or as several where one would be too long.
pub(super) fn lines(body: &Value) -> Vec<String> {
    let form = |(name, value): (&String, &Value)| {
        let text = value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned);
        format!("{name} = {text}")
    };
    match body {
        // What a form's fields are, as transcripts write them.
        Value::Object(fields) if is_form(fields) => fields.iter().map(form).collect(),
        _ => folded(body, LINE),
    }
}

/// JSON in lines: what fits into one stays together.
fn folded(value: &Value, room: usize) -> Vec<String> {
    let short = value.to_string();
    let (ends, items): (_, Vec<Vec<String>>) = match value {
        _ if short.len() <= room => return vec![short],
        Value::Array(items) => (
            ("[", "]"),
            items.iter().map(|item| folded(item, room)).collect(),
        ),
        Value::Object(members) => {
            let member = |(name, value): (&String, &Value)| {
                let name = format!("{}: ", Value::from(name.as_str()));
                let mut lines = folded(value, room.saturating_sub(name.len()));
                if let Some(first) = lines.first_mut() {
                    first.insert_str(0, &name);
                }
                lines
            };
            (("{", "}"), members.iter().map(member).collect())
        }
        _ => return vec![short],
    };
    let last = items.len().saturating_sub(1);
    let mut lines = vec![ends.0.to_owned()];
    for (index, item) in items.into_iter().enumerate() {
        lines.extend(item.into_iter().map(|line| format!("  {line}")));
        if let Some(end) = lines.last_mut().filter(|_| index < last) {
            end.push(',');
        }
    }
    lines.push(ends.1.to_owned());
    lines
}

fn is_form(fields: &serde_json::Map<String, Value>) -> bool {
    let mut values = fields.values().filter_map(Value::as_str);
    values.any(|value| value.starts_with('/'))
}
