//! Which events of the provisioning log a query wants.

use std::str::FromStr;

use crate::adapter::keys::TenantId;
use crate::provisioning::trace::{Action, Status};
use crate::server::admin::Refusal;
use crate::store::log::{Filter, Order};

/// Events of a page where the query does not say.
const COUNT: usize = 100;

/// A query, read.
pub(super) struct Wanted {
    pub(super) filter: Filter,
    pub(super) order: Order,
    pub(super) count: usize,
}

impl Wanted {
    /// Reads names and values.
    ///
    /// # Errors
    /// A name there is not, or a value that does not fit it.
    pub(super) fn read(
        tenant: Option<TenantId>,
        query: &[(String, String)],
    ) -> Result<Self, Refusal> {
        let mut wanted = Self {
            filter: Filter {
                tenant,
                ..Filter::default()
            },
            order: Order::Newest,
            count: COUNT,
        };
        for (name, value) in query {
            wanted.take(name, value)?;
        }
        Ok(wanted)
    }

    fn take(&mut self, name: &str, value: &str) -> Result<(), Refusal> {
        let filter = &mut self.filter;
        match name {
            "status" => filter.status = Some(one_of(name, value, &Status::ALL, Status::as_str)?),
            "action" => filter.action = Some(one_of(name, value, &Action::ALL, Action::as_str)?),
            "code" => filter.code = Some(value.to_owned()),
            "target" => filter.target_id = Some(value.to_owned()),
            "identity" => filter.identity = Some(value.to_owned()),
            "since" => {
                filter.since = Some(parsed(name, value, "a time such as 2026-11-20T08:00:00Z")?)
            }
            "until" => {
                filter.until = Some(parsed(name, value, "a time such as 2026-11-20T08:00:00Z")?)
            }
            "count" => self.count = parsed(name, value, "a number up to 1000")?,
            "before" => self.order = Order::Before(parsed(name, value, "`last` of a page")?),
            "after" => self.order = Order::After(parsed(name, value, "`first` of a page")?),
            _ => {
                let help = "there is: status, action, code, target, identity, since, until, count, before, after";
                return Err(Refusal::invalid(format!("`{name}` selects nothing"), help));
            }
        }
        Ok(())
    }
}

fn one_of<T: Copy>(
    name: &str,
    value: &str,
    all: &[T],
    word: fn(T) -> &'static str,
) -> Result<T, Refusal> {
    let found = all
        .iter()
        .find(|one| word(**one).eq_ignore_ascii_case(value));
    found.copied().ok_or_else(|| {
        let words: Vec<_> = all.iter().map(|one| word(*one)).collect();
        let help = format!("{name} is one of {}", words.join(", "));
        Refusal::invalid(format!("{name}: there is no `{value}`"), help)
    })
}

fn parsed<T: FromStr>(name: &str, value: &str, form: &str) -> Result<T, Refusal> {
    let parsed = value.parse();
    parsed.map_err(|_| {
        Refusal::invalid(
            format!("{name}: `{value}` does not fit"),
            format!("{name} is {form}"),
        )
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<Wanted, Refusal> {
        let pairs = pairs
            .iter()
            .map(|(name, value)| (name.to_string(), value.to_string()));
        Wanted::read(None, &pairs.collect::<Vec<_>>())
    }

    #[test]
    fn a_query_is_read() {
        let wanted = read(&[
            ("status", "Failure"),
            ("since", "2026-11-20T08:00:00Z"),
            ("count", "7"),
            ("after", "12"),
        ]);
        let wanted = wanted.ok().unwrap();
        assert_eq!(wanted.filter.status, Some(Status::Failure));
        assert!(wanted.filter.since.is_some());
        assert_eq!((wanted.order, wanted.count), (Order::After(12), 7));
    }

    #[test]
    fn what_does_not_fit_is_refused_with_what_would() {
        for (name, value, help) in [
            ("state", "x", "there is: status"),
            ("status", "bad", "success, failure"),
            ("since", "1h", "a time such as"),
            ("count", "-1", "a number"),
        ] {
            let refusal = read(&[(name, value)]).err().unwrap();
            assert_eq!(refusal.status, 400);
            assert!(refusal.help.contains(help), "{refusal:?}");
        }
    }
}
