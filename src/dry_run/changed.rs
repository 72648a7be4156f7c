//! What another version of a script does otherwise, before it is live.

use std::fmt;

use serde::Serialize;

use super::report::{Call, DryRun, Exchange};
use super::text::lines;

/// A request of which two versions make different things.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ChangedRequest {
    /// Its number in the file, from 1.
    pub request: usize,
    /// Method and path.
    pub asks: String,
    /// Calls and answer, line by line: `-` only now, `+` only by the other version, ` ` by both.
    pub lines: Vec<String>,
}

impl fmt::Display for ChangedRequest {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "{}. Entra asks {}", self.request, self.asks)?;
        for line in &self.lines {
            writeln!(out, "   {line}")?;
        }
        Ok(())
    }
}

/// What `other` does otherwise than `now`, request by request; empty if nothing.
pub fn changed(now: &DryRun, other: &DryRun) -> Vec<ChangedRequest> {
    let count = now.exchanges.len().max(other.exchanges.len());
    let different = (0..count).filter_map(|index| {
        let (before, after) = (told(now, index), told(other, index));
        let exchange = now.exchanges.get(index).or(other.exchanges.get(index))?;
        (before != after).then(|| ChangedRequest {
            request: index + 1,
            asks: format!("{} {}", exchange.asks.method, exchange.asks.target),
            lines: compared(&before, &after),
        })
    });
    different.collect()
}

/// An exchange as lines, in which ids that are chosen anew each time have names.
fn told(run: &DryRun, index: usize) -> Vec<String> {
    let Some(exchange) = run.exchanges.get(index) else {
        return vec!["not reached".to_owned()];
    };
    let lines = exchange_lines(exchange, run);
    lines.into_iter().map(|line| named(line, run)).collect()
}

fn exchange_lines(exchange: &Exchange, run: &DryRun) -> Vec<String> {
    let mut found: Vec<String> = exchange.calls.iter().flat_map(call_lines).collect();
    match &exchange.gets {
        Some(gets) => {
            found.push(format!("Entra gets {}", gets.status));
            found.extend(gets.body.iter().flat_map(lines));
        }
        None => found.extend(run.stopped.iter().map(|why| format!("stops: {why}"))),
    }
    found
}

fn call_lines(call: &Call) -> Vec<String> {
    let head = format!("{} {}", call.method, call.path);
    let body = call.body.iter().flat_map(lines);
    std::iter::once(head).chain(body).collect()
}

fn named(line: String, run: &DryRun) -> String {
    let ids = run
        .exchanges
        .iter()
        .enumerate()
        .filter_map(|(index, exchange)| {
            let body = exchange.gets.as_ref()?.body.as_ref()?;
            Some((index + 1, body.get("id")?.as_str()?))
        });
    ids.fold(line, |line, (number, id)| match id.len() {
        36 => line.replace(id, &format!("{{{{{number}}}}}")),
        _ => line,
    })
}

/// The longest common lines, and what stands between them.
fn compared(before: &[String], after: &[String]) -> Vec<String> {
    let common = |from: usize, to: usize| before.get(from) == after.get(to);
    let width = after.len() + 1;
    let mut lengths = vec![0_usize; (before.len() + 1) * width];
    let at = |lengths: &[usize], from: usize, to: usize| {
        lengths.get(from * width + to).copied().unwrap_or(0)
    };
    for from in (0..before.len()).rev() {
        for to in (0..after.len()).rev() {
            let length = match common(from, to) {
                true => at(&lengths, from + 1, to + 1) + 1,
                false => at(&lengths, from + 1, to).max(at(&lengths, from, to + 1)),
            };
            if let Some(cell) = lengths.get_mut(from * width + to) {
                *cell = length;
            }
        }
    }
    let (mut from, mut to) = (0, 0);
    let mut lines = Vec::new();
    loop {
        match (before.get(from), after.get(to)) {
            (Some(both), Some(_)) if common(from, to) => {
                lines.push(format!("  {both}"));
                (from, to) = (from + 1, to + 1);
            }
            (Some(old), new)
                if new.is_none() || at(&lengths, from + 1, to) >= at(&lengths, from, to + 1) =>
            {
                lines.push(format!("- {old}"));
                from += 1;
            }
            (_, Some(new)) => {
                lines.push(format!("+ {new}"));
                to += 1;
            }
            _ => return lines,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_both_have_stands_once() {
        let lines = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(
            compared(&lines("a b c d"), &lines("a x c d e")),
            ["  a", "- b", "+ x", "  c", "  d", "+ e"]
        );
        assert_eq!(compared(&[], &lines("a")), ["+ a"]);
    }
}
